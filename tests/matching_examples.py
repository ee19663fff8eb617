"""Calls and shelves for the tests of this folder, made without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import load_fixture_document
from mockserver.request.chat_request import ChatRequest, RequestReader
from mockserver.request.request_head import RequestHead, route_head
from mockserver.schema.yaml_document import parse_yaml
from mockserver.server.app import load_vendors

DIRECTORY = load_vendors()
USER = {"role": "user", "content": "What is the Weather in Paris?"}


def call(
    *messages: dict[str, Any],
    vendor: str = "aimlapi",
    headers: dict[str, str] | None = None,
    session: str | None = None,
    **body: Any,
) -> ChatRequest:
    """The call of a client that says this; nothing said is a question for the weather."""
    own = {"content-type": "application/json", "authorization": "Bearer sk-1234567890"}
    asked = {"model": "o1-preview", "messages": list(messages or [USER]), **body}
    head = RequestHead("POST", f"/{vendor}/v1/chat/completions", "", session, own | (headers or {}))
    origin = route_head(head, DIRECTORY)
    assert origin is not None

    async def receive() -> Any:
        return {"type": "http.request", "body": orjson.dumps(asked), "more_body": False}

    return asyncio.run(RequestReader(1_000_000).read(origin, receive))


def shelf(*written: str, before: str = "") -> FixtureSet:
    """The fixtures written here, each as the inside of a mapping."""
    lines = "".join(f"  - {{{one}}}\n" for one in written)
    return FixtureSet(load_fixture_document(parse_yaml(f"{before}\nfixtures:\n{lines}", "f.yaml")).fixtures)
