"""Calls and shelves for the tests of this folder, made without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from mockserver import app, document
from mockserver import call as calls
from mockserver import origin as origins
from mockserver.call import Call
from mockserver.origin import Head
from mockserver.shelf import library
from mockserver.shelf.matching import Shelf

DIRECTORY = app.vendors()
USER = {"role": "user", "content": "What is the Weather in Paris?"}


def call(
    *messages: dict[str, Any],
    vendor: str = "aimlapi",
    headers: dict[str, str] | None = None,
    session: str | None = None,
    **body: Any,
) -> Call:
    """The call of a client that says this; nothing said is a question for the weather."""
    own = {"content-type": "application/json", "authorization": "Bearer sk-1234567890"}
    asked = {"model": "o1-preview", "messages": list(messages or [USER]), **body}
    head = Head("POST", f"/{vendor}/v1/chat/completions", "", session, own | (headers or {}))
    origin = origins.origin(head, DIRECTORY)
    assert origin is not None

    async def receive() -> Any:
        return {"type": "http.request", "body": orjson.dumps(asked), "more_body": False}

    return asyncio.run(calls.Reader(1_000_000).read(origin, receive))


def shelf(*written: str, before: str = "") -> Shelf:
    """The fixtures written here, each as the inside of a mapping."""
    lines = "".join(f"  - {{{one}}}\n" for one in written)
    return Shelf(library.of(document.parse(f"{before}\nfixtures:\n{lines}", "f.yaml")).fixtures)
