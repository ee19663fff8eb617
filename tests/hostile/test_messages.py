"""Names and queries that are made to keep the messages about them busy."""

from __future__ import annotations

import asyncio
import difflib
from typing import Any

import pytest
import requests

from mockserver.matching import nearest_fixture
from mockserver.matching.nearest_fixture import find_nearest_fixture
from mockserver.pipeline import ChatPipeline
from mockserver.schema import messages
from mockserver.schema.messages import did_you_mean
from mockserver.schema.yaml_document import parse_yaml
from mockserver.testing import MockServer
from tests.hostile.test_large_bodies import LONG_TEXT
from tests.matching_examples import build_fixture_set, build_request


def test_few_of_many_names_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    get_close_matches = difflib.get_close_matches

    def count(word: str, names: list[str], n: int) -> list[str]:
        compared.append(len(names))
        return get_close_matches(word, names, n)

    monkeypatch.setattr(difflib, "get_close_matches", count)
    names = [f"fixture {number}" for number in range(2_000)] + ["the weather in Paris"]
    assert did_you_mean("the wether in Pris", names) == ", did you mean 'the weather in Paris'?"
    assert did_you_mean("the wether in Pris", names[-3:]) == ", did you mean 'the weather in Paris'?"
    assert did_you_mean("q" * 5_000, names) == ""
    assert compared == [messages._MAX_COMPARED, 3, messages._MAX_COMPARED]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("&".join(f"a{number}=1" for number in range(101)), "the query has more than 100 parameters"),
        ("status=" + ",".join(["429"] * 101), "status: found 101 statuses, expected at most 100"),
    ],
)
def test_a_query_of_many_parts_is_refused(server: MockServer, query: str, message: str) -> None:
    response = requests.get(f"{server.url}/_mock/requests?{query}", timeout=20)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == message


@pytest.mark.parametrize(("text", "on_loop"), [("- &a x\n- *a", False), ("- x", True)])
def test_yaml_with_anchors_is_parsed_on_a_thread(
    server: MockServer, monkeypatch: pytest.MonkeyPatch, text: str, on_loop: bool
) -> None:
    loops: list[object] = []

    def note(*arguments: Any) -> Any:
        loops.append(asyncio._get_running_loop())  # None on a worker thread
        return parse_yaml(*arguments)

    monkeypatch.setattr("mockserver.admin.request_input.parse_yaml", note)
    requests.post(f"{server.url}/_mock/verify", data=text, timeout=20)
    [loop] = loops
    assert (loop is not None) is on_loop


def test_the_search_for_the_nearest_fixture_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    fixtures = build_fixture_set(
        "name: far, match: {user: zz, model: zz}, response: a", "name: near, match: {user: zz}, response: b"
    )
    assert find_nearest_fixture(build_request(), fixtures) == "near"
    monkeypatch.setattr(nearest_fixture, "_MAX_SECONDS", -1.0)  # over at once
    assert find_nearest_fixture(build_request(), fixtures) == "far"


def test_a_large_request_is_explained_on_the_worker_thread(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[int] = []
    prepare = ChatPipeline.prepare

    async def note(pipeline: ChatPipeline, request: Any) -> None:
        prepared.append(len(request.raw))
        await prepare(pipeline, request)

    monkeypatch.setattr(ChatPipeline, "prepare", note)
    for text in ("Hello", LONG_TEXT):
        body = {"model": "o1", "messages": [{"role": "user", "content": text}]}
        response = requests.post(f"{server.url}/_mock/explain", json={"body": body}, timeout=20)
        assert response.json()["status"] == 200
    assert len(prepared) == 1
