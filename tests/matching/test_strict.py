"""A strict server refuses what no fixture matches, and says in the client's own traceback what came nearest."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.conftest import Client, MakeClient, StartServer

FIXTURES = """
fixtures:
  - {name: snow, match: {user: snow, turn: 2}, response: Cold.}
  - {name: weather, match: {user: weather}, response: Sunny.}
  - {name: any time, match: {user: {regex: 'time|hour'}, model: "o1-*"}, response: Noon.}
"""
NEAREST = (
    "mockserver: no fixture matched. Nearest: "
    "'weather' missed on user: expected text with 'weather', found 'How is the wether?'; "
    "'any time' missed on user: expected text like /time|hour/, found 'How is the wether?'; "
    "'snow' missed on user: expected text with 'snow', found 'How is the wether?'; turn: expected 2, found 1"
)


@pytest.fixture(scope="module")
def strict(start_server: StartServer) -> Any:
    return start_server(FIXTURES, strict=True)


@pytest.fixture
def asking(strict: Any, make_client: MakeClient) -> Client:
    return make_client(strict)


@pytest.mark.parametrize("vendor", ["aimlapi", "segmind", "omixa"])
def test_the_refusal_is_the_vendors_and_names_the_nearest(asking: Client, vendor: str) -> None:
    reply = asking.chat(vendor, "How is the wether?")
    assert reply.status == 404
    assert reply.headers["x-should-retry"] == "false"
    assert NEAREST in str(reply.json).replace('\\"', '"').replace("\\'", "'")


def test_what_matches_is_answered(asking: Client) -> None:
    assert asking.chat(content="The weather?").status == 201


def test_the_journal_says_the_same(asking: Client) -> None:
    asking.chat(content="How is the wether?")
    assert asking.wait_for_entries(1)[0].reason == NEAREST


def test_the_clients_traceback_says_it_at_once(strict: Any) -> None:
    client = openai.OpenAI(api_key="key", base_url=f"{strict.url}/aimlapi/v1", max_retries=3)
    before = len(strict.entries)
    question: Any = [{"role": "user", "content": "How is the wether?"}]
    with client, pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="o1-preview", messages=question)
    assert NEAREST in str(caught.value).replace("\\'", "'")
    assert len(strict.entries) - before <= 1  # not tried again


def test_without_fixtures_it_says_so(start_server: StartServer, make_client: MakeClient) -> None:
    reply = make_client(start_server("fixtures: []", strict=True)).chat()
    assert "there are no fixtures at all" in reply.json["message"]
