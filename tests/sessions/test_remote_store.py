"""Tests of a store in another process: the same answers, and no lost updates by parallel requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx2
import pytest

from mockserver.sessions.store import MemoryStore
from tests.sessions.remote_store import RemoteStore, served

T = TypeVar("T")
Ask = Callable[[httpx2.Client], T]
MANY = 40  # parallel requests
ONE_AFTER_THE_OTHER = f"""
fixtures:
- {{name: turns, match: {{user: turns}}, responses: {[f"turn {number}" for number in range(MANY)]}, then: no_match}}
- {{match: {{user: buy}}, response: {{text: Sold., usage: {{prompt_tokens: 10, completion_tokens: 140}}}}}}
- {{match: {{}}, response: late}}
accounts:
- {{key: sk-poor, balance: $0.1}}
faults:
- {{match: {{user: seldom}}, error: 503, times: 3}}
"""


@pytest.fixture(scope="module", params=["elsewhere", "in memory"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("store") / "fixtures.yaml"
    file.write_text(ONE_AFTER_THE_OTHER)
    store = MemoryStore() if request.param == "in memory" else RemoteStore()
    yield from served(store, file)


def run_parallel(url: str, ask: Ask[T], count: int = MANY) -> list[T]:
    with httpx2.Client(base_url=url, timeout=20) as client, ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, [client] * count))


def chat(
    client: httpx2.Client, session: str, content: str, headers: dict[str, str] | None = None, **more: Any
) -> httpx2.Response:
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": content}], **more}
    path = f"/s/{session}/aimlapi/v1/chat/completions"
    return client.post(path, json=body, headers={"Authorization": "Bearer k"} | (headers or {}))


def test_parallel_requests_of_a_session_are_counted_one_by_one(url: str) -> None:
    def ask(client: httpx2.Client) -> str:
        text: str = chat(client, "turns", "turns").json()["choices"][0]["message"]["content"]
        return text

    assert Counter(run_parallel(url, ask)) == Counter(f"turn {number}" for number in range(MANY))
    assert run_parallel(url, ask, 1) == ["late"]


def test_a_rule_applies_as_often_as_configured_to_parallel_requests(url: str) -> None:
    def ask(client: httpx2.Client) -> int:
        return chat(client, "seldom", "seldom").status_code

    assert Counter(run_parallel(url, ask)) == {503: 3, 201: MANY - 3}


def test_nothing_that_is_added_at_once_is_lost(url: str) -> None:
    added = {"fixtures": [{"match": {"user": "x"}, "response": "x"}], "faults": [{"error": 500, "times": 1}]}

    def add(client: httpx2.Client) -> tuple[str, str]:
        made = client.post("/_mock/fixtures?session=adds", json=added).json()
        return made["fixtures"][0], made["faults"][0]["id"]

    fixtures, faults = zip(*run_parallel(url, add), strict=True)
    assert sorted(fixtures) == sorted(f"session#{number}" for number in range(1, MANY + 1))
    assert sorted(faults) == sorted(f"session-fault-{number}" for number in range(1, MANY + 1))
    known = httpx2.get(f"{url}/_mock/fixtures?session=adds").json()["fixtures"]
    assert {one["name"] for one in known if one["scope"] == "session"} == set(fixtures)


def test_a_client_that_has_the_whole_answer_finds_its_end_in_the_journal(url: str) -> None:
    def ask(client: httpx2.Client) -> list[tuple[str, int]]:
        found = []
        for stream in (False, True):
            answer = chat(client, "ends", "x", stream=stream)
            name = answer.headers["x-mock-request-id"]
            entry = client.get(f"/_mock/requests/{name}").json()
            found += [(entry["ended"], entry["bytes"] - len(answer.content))]
            assert entry["first_byte_ms"] <= entry["total_ms"]
        return found

    assert run_parallel(url, ask) == [[("finished", 0)] * 2] * MANY


def test_a_waiting_verify_is_answered_when_its_requests_arrive(url: str) -> None:
    def ask(client: httpx2.Client) -> int:
        query = {"match": {"user": "wait"}, "count": 2, "within": "20s"}
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.post, "/_mock/verify?session=waits", json=query)
            for _ in range(2):
                chat(client, "waits", "wait")
            return waiting.result().status_code

    assert run_parallel(url, ask, 1) == [200]


def test_deleted_requests_are_gone(url: str) -> None:
    def ask(client: httpx2.Client) -> tuple[int, int, Any]:
        chat(client, "gone", "x")
        counted = client.get("/_mock").json()["counts"]["requests"]
        forgotten = client.delete("/_mock/requests?session=gone").json()["deleted"]
        missing = client.post("/_mock/reset?session=gone")
        return counted > 0, forgotten, missing.status_code

    assert run_parallel(url, ask, 1) == [(True, 1, 200)]


def test_explain_has_no_side_effects_on_a_remote_store(url: str) -> None:
    def ask(client: httpx2.Client) -> str:
        chat(client, "rehearse", "turns")
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": "turns"}]}
        fixtures = [client.post("/_mock/explain?session=rehearse", json=body).json()["fixture"] for _ in "ab"]
        client.delete("/_mock/fixtures?session=rehearse")
        text: str = chat(client, "rehearse", "turns").json()["choices"][0]["message"]["content"]
        return f"{fixtures} {text}"

    assert run_parallel(url, ask, 1) == ["['turns', 'turns'] turn 1"]


def test_no_money_is_spent_twice_in_any_store(url: str) -> None:
    key = {"Authorization": "Bearer sk-poor"}

    def buy(client: httpx2.Client) -> int:
        return chat(client, "buys", "buy", key).status_code

    def keep(client: httpx2.Client) -> tuple[Any, int, Any]:
        account = "/_mock/accounts/sk-poor?session=buys"
        spent = client.get(account).json()["spent"]["requests"]
        client.put(account, json={"balance": "$5"})
        assert chat(client, "buys", "buy", key | {"X-Mock-Fault": "html"}).status_code == 502  # and refunded
        sold = buy(client)
        assert "buys" in {one["session"] for one in client.get("/_mock/accounts").json()["accounts"]}
        client.post("/_mock/reset")
        return spent, sold, client.get("/_mock/accounts/sk-poor").json()["spent"]["requests"]

    statuses = Counter(run_parallel(url, buy))
    assert set(statuses) == {201, 403}
    assert run_parallel(url, keep, 1) == [(statuses[201], 201, 0)]
