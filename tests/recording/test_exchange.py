"""Exchanges: the request that a recorder or an importer has seen becomes a request of the server again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mockserver.recording.exchange import Exchange, build_exchange_request
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.server.app import load_vendors
from mockserver.wire.answer import Answer, Frame

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
EXCHANGE = Exchange(
    *("aimlapi", "POST", "/v1/chat/completions", "x=1", (("authorization", "Bearer k"),), BODY),
    Answer(200, (), (Frame(b"{}"),)),
)


def test_an_exchange_has_the_request_of_its_vendor() -> None:
    request = build_exchange_request(EXCHANGE, load_vendors())
    assert (request.vendor.name, request.model, request.api_key) == ("aimlapi", "gpt-4o", "k")
    assert (request.parsed.last_user_text, request.routed_head.head.query) == ("Hello", "x=1")


@pytest.mark.parametrize("change", [{"vendor": "openrouter"}, {"path": "/v1/models", "method": "GET"}])
def test_only_an_exchange_of_a_completion_can_become_a_fixture(change: dict[str, Any]) -> None:
    with pytest.raises(NoFixtureError, match="is not for a completion"):
        build_exchange_request(replace(EXCHANGE, **change), load_vendors())
