"""Laws for every shipped fixture and vendor: a stream folds into the body, and the SDK parses both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mockserver.matching.loader import load_fixture_set
from tests.conftest import Client, MakeClient, Reply, drop_empty, fold_chunks

if TYPE_CHECKING:
    from mockserver.testing import MockServer

VENDORS = ("aimlapi", "segmind", "omixa")
# Fixtures with errors and faults have laws of their own.
SOUND = [one for one in load_fixture_set(()).fixtures if one.responses[-1].fault is None]
SPEAKING = [one.name for one in SOUND if not (one.responses[-1].error or one.responses[-1].raw)]
REFUSING = [one.name for one in SOUND if one.responses[0].error]
# A sequence that begins with errors has its text in the third answer.
TURN = {one.name: len(one.responses) for one in SOUND if len(one.responses) > 1}
WAYS: dict[str, dict[str, Any]] = {
    "body": {},
    "stream": {"stream": True},
    "counted": {"stream": True, "stream_options": {"include_usage": True}},
}
# The values that are new in each answer, and the lengths and checksums that depend on them.
NEW = re.compile(
    rb'chatcmpl-\w{29}|chat_\w{6}|call_\w{24}|"created":\d+|"(?:timestamp|requestId)":"[^"]+"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
)
every = pytest.mark.parametrize("vendor", VENDORS)
speaking = pytest.mark.parametrize("fixture", SPEAKING)
refusing = pytest.mark.parametrize("fixture", REFUSING)
Key = tuple[str, str, str]
Heard = dict[Key, Reply]


@pytest.fixture(scope="module")
def twin() -> Iterator[MockServer]:
    """Start a second server with the same fixtures and seed."""
    from mockserver.testing import MockServer  # noqa: PLC0415

    with MockServer() as running:
        yield running


@pytest.fixture(scope="module")
def heard(server: MockServer) -> Heard:
    return everything(server)


@every
@speaking
def test_folding_a_streams_chunks_gives_the_body(heard: Heard, fixture: str, vendor: str) -> None:
    body = heard[fixture, vendor, "body"].json
    chunks = heard[fixture, vendor, "stream"].chunks
    assert known(fold_chunks(chunks)) == known(drop_empty(body["choices"]))
    for field in ("model", "system_fingerprint"):
        assert chunks[0].get(field) == body.get(field)


@every
@speaking
def test_the_usage_chunk_is_last_and_equals_the_plain_answers_usage(
    heard: Heard, fixture: str, vendor: str
) -> None:
    *before, last = heard[fixture, vendor, "counted"].chunks
    assert last["choices"] == []
    assert last["usage"] == heard[fixture, vendor, "body"].json["usage"]
    assert all(chunk["usage"] is None for chunk in before)


@every
@speaking
def test_a_stream_has_usage_only_if_requested(heard: Heard, fixture: str, vendor: str) -> None:
    chunks = heard[fixture, vendor, "stream"].chunks
    assert all("usage" not in chunk and chunk["choices"] for chunk in chunks)
    counted = heard[fixture, vendor, "counted"].chunks[:-1]
    assert known([chunk["choices"] for chunk in chunks]) == known([chunk["choices"] for chunk in counted])


@every
@speaking
def test_a_body_is_the_sdks_completion_without_any_leniency(heard: Heard, fixture: str, vendor: str) -> None:
    reply = heard[fixture, vendor, "body"]
    completion = ChatCompletion.model_validate_json(reply.body, strict=True)
    assert reply.status == (201 if vendor == "aimlapi" else 200)
    assert completion.choices


@every
@speaking
def test_chunks_are_the_sdks_chunks_without_any_leniency(heard: Heard, fixture: str, vendor: str) -> None:
    for event in heard[fixture, vendor, "counted"].events[:-1]:
        assert ChatCompletionChunk.model_validate_json(event, strict=True).object == "chat.completion.chunk"


@every
@speaking
def test_a_whole_stream_has_one_id_one_time_and_one_model(heard: Heard, fixture: str, vendor: str) -> None:
    chunks = heard[fixture, vendor, "counted"].chunks
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1


@every
@speaking
def test_each_choice_opens_with_its_role_and_ends_with_its_only_finish_reason(
    heard: Heard, fixture: str, vendor: str
) -> None:
    parts = [part for chunk in heard[fixture, vendor, "stream"].chunks for part in chunk["choices"]]
    for index in {part["index"] for part in parts}:
        own = [part for part in parts if part["index"] == index]
        assert [part["delta"].get("role") for part in own] == ["assistant"] + [None] * (len(own) - 1)
        assert [part["finish_reason"] is not None for part in own] == [False] * (len(own) - 1) + [True]
        assert own[-1]["delta"] == {}


@every
@speaking
def test_done_is_the_last_event_and_sent_once(heard: Heard, fixture: str, vendor: str) -> None:
    for way in ("stream", "counted"):
        events = heard[fixture, vendor, way].events
        assert [event == b"[DONE]" for event in events] == [False] * (len(events) - 1) + [True]


@every
@speaking
def test_a_stream_has_no_length_and_is_not_cacheable(heard: Heard, fixture: str, vendor: str) -> None:
    reply = heard[fixture, vendor, "stream"]
    assert reply.headers["content-length"] is None
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.status == 200


@every
@refusing
def test_an_error_is_json_with_its_status_even_when_a_stream_was_asked_for(
    heard: Heard, fixture: str, vendor: str
) -> None:
    plain, streamed = (heard[fixture, vendor, way] for way in ("body", "stream"))
    if fixture not in TURN:
        assert plain.status == streamed.status >= 400
        assert re.match("application/(problem\\+)?json", streamed.headers["content-type"])
        assert same(plain.body) == same(streamed.body)


def test_equal_requests_seeds_and_sessions_give_equal_bytes_except_ids_and_times(
    heard: Heard, twin: MockServer
) -> None:
    again = everything(twin)
    for key, reply in heard.items():
        assert same(reply.body) == same(again[key].body), key
        assert reply.status == again[key].status


@every
def test_a_connection_is_used_again_after_a_stream(client: Client, vendor: str) -> None:
    client.chat(vendor, "mock words")
    socket = client.connection.sock
    for stream in (True, False, True):
        client.chat(vendor, "mock words", stream=stream)
        assert client.connection.sock is socket


@every
def test_generated_replies_obey_the_same_laws(make_client: MakeClient, twin: MockServer, vendor: str) -> None:
    first, second = make_client(None, f"invented-{vendor}"), make_client(twin, f"invented-{vendor}")
    for said in ("Tell me something.", "Tell me something else."):
        body, other = (one.chat(vendor, said, n=2, seed=1) for one in (first, second))
        streamed = first.chat(vendor, said, n=2, seed=1, **WAYS["counted"])
        assert fold_chunks(streamed.chunks) == drop_empty(body.json["choices"])
        assert streamed.chunks[-1]["usage"] == body.json["usage"]
        assert same(body.body) == same(other.body)
        ChatCompletion.model_validate_json(body.body, strict=True)


def everything(server: MockServer) -> Heard:
    """Request every fixture from every vendor in every form, each in its own session, in parallel."""
    keys = [(one.name, vendor, way) for one in SOUND for vendor in VENDORS for way in WAYS]
    with ThreadPoolExecutor(16) as pool:
        replies = pool.map(lambda key: heard_of(server, key), keys)
        return dict(zip(keys, replies, strict=True))


def heard_of(server: MockServer, key: Key) -> Reply:
    fixture, vendor, way = key
    client = Client(server, re.sub(r"\W", "-", "-".join(key)))
    for _ in range(TURN.get(fixture, 0)):
        client.chat(vendor, "Say it.", {"X-Mock-Fixture": fixture})
    reply = client.chat(vendor, "Say it.", {"X-Mock-Fixture": fixture}, show_thinking=True, **WAYS[way])
    client.connection.close()
    return reply


def same(body: bytes) -> bytes:
    """Return a body without the values that are new in each answer."""
    return NEW.sub(b"new", body)


def known(said: object) -> bytes:
    """Return a value as text, without the parts that are new in each answer."""
    return same(json.dumps(said, sort_keys=True).encode())
