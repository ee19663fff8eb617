"""Accounts in the admin API: listed, changed and topped up at run time, by key or by id."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
import requests

from mockserver.masking import derive_key_session as id_of
from mockserver.testing import MockServer
from tests.conftest import StartServer

FIXTURES = """
fixtures:
  - match: {user: Hello}
    response: {text: Hi there., usage: {prompt_tokens: 9, completion_tokens: 411, reasoning_tokens: 384}}
accounts:
  - {key: sk-poor-but-honest, balance: $0.001}
  - {key: sk-limited, rate_limit: [2/minute, 5000 tokens/hour], forbidden: o9-*}
  - {key: sk-credits, balance: 60000 credits}
"""
POOR = id_of("sk-poor-but-honest")


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


class Api:
    """The control API of a server, and a client of one of its vendors."""

    def __init__(self, root: str) -> None:
        self.root = root

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        told = requests.request(method, f"{self.root}/_mock{path}", data=data, timeout=20)
        assert told.status_code == status, told.text
        return told.json()

    def why(self, method: str, path: str, body: Any = None, status: int = 400) -> str:
        message: str = self.ask(method, path, body, status)["error"]["message"]
        return message

    def chat(self, key: str, session: str = "") -> int:
        place = f"/s/{session}" if session else ""
        headers = {"Authorization": f"Bearer {key}"}
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": "Hello"}]}
        path = f"{self.root}{place}/omixa/api/v1/chat/completions"
        return requests.post(path, headers=headers, json=body, timeout=20).status_code


@pytest.fixture
def api(running: MockServer) -> Api:
    """The API of a server that has just been reset."""
    made = Api(running.url)
    made.ask("POST", "/reset")
    return made


def test_all_accounts_are_told_and_no_key_is(api: Api) -> None:
    told = api.ask("GET", "/accounts")
    assert [one["id"] for one in told["accounts"]] == [POOR, id_of("sk-limited"), id_of("sk-credits")]
    assert "honest" not in json.dumps(told)
    assert told["accounts"][0]["balance"] == {"usd": "0.001", "credits": None, "unlimited": False}
    assert told["accounts"][0]["session"] == POOR
    assert told["accounts"][0]["source"].endswith("fixtures.yaml:6")
    assert told["accounts"][1]["balance"] == {"usd": None, "credits": None, "unlimited": True}
    assert told["accounts"][2]["balance"] == {"usd": None, "credits": "60000", "unlimited": False}
    assert told["clock"] == {"ahead": 0.0, "session": None}


def test_what_is_told_is_as_it_is_described(api: Api) -> None:
    components = api.ask("GET", "/openapi.json")["components"]
    judge = jsonschema_rs.validator_for(
        {"$ref": "#/components/schemas/AccountListView", "components": components}
    )
    assert judge.is_valid(api.ask("GET", "/accounts"))


def test_what_was_spent_and_used_is_told(api: Api) -> None:
    assert api.chat("sk-limited") == 200
    told = api.ask("GET", "/accounts/sk-limited")
    assert told["spent"] == {"usd": "0.024795", "requests": 1}
    asked, tokens = told["rate_limit"]
    assert (asked["limit"], asked["what"], asked["most"], asked["used"]) == ("2/minute", "requests", 2, 1)
    assert 50 < asked["resets_in"] <= 60
    assert (tokens["limit"], tokens["what"], tokens["used"]) == ("5000 tokens/hour", "tokens", 420)
    assert told["forbidden"] == ["o9-*"]


def test_an_account_is_topped_up_by_its_id_and_pays_again(api: Api) -> None:
    assert api.chat("sk-poor-but-honest") == 402
    assert api.ask("PUT", f"/accounts/{POOR}", {"top_up": "$5"})["balance"]["usd"] == "5.001"
    assert api.chat("sk-poor-but-honest") == 200
    assert api.ask("GET", f"/accounts/{POOR}")["balance"]["usd"] == "4.976205"
    assert api.ask("PUT", f"/accounts/{POOR}", {"top_up": "$1"})["balance"]["usd"] == "5.976205"
    api.ask("DELETE", f"/accounts/{POOR}")
    assert api.chat("sk-poor-but-honest") == 402


def test_a_balance_that_is_set_is_what_there_is(api: Api) -> None:
    api.ask("PUT", f"/accounts/{POOR}", {"top_up": "$5"})
    assert api.chat("sk-poor-but-honest") == 200
    told = api.ask("PUT", f"/accounts/{POOR}", "balance: $2")
    assert (told["balance"]["usd"], told["spent"]["usd"], told["source"]) == ("2", "0.024795", "runtime")
    told = api.ask("PUT", f"/accounts/{POOR}", {"balance": None, "rate_limit": "1/day"})
    assert told["balance"]["unlimited"] is True
    assert api.ask("PUT", f"/accounts/{POOR}", {"rate_limit": None})["rate_limit"] == []


def test_a_session_has_accounts_and_money_of_its_own(api: Api) -> None:
    api.ask("PUT", "/accounts/sk-poor-but-honest?session=mine", {"top_up": "$1"})
    api.ask("PUT", "/accounts/sk-mine?session=mine", {"balance": "$3"}, 201)
    assert (api.chat("sk-poor-but-honest", "mine"), api.chat("sk-poor-but-honest", "yours")) == (200, 402)
    assert api.chat("sk-mine", "mine") == 200
    mine = {one["id"]: one["balance"]["usd"] for one in api.ask("GET", "/accounts?session=mine")["accounts"]}
    assert (mine[POOR], mine[id_of("sk-mine")]) == ("0.976205", "2.975205")
    rows = [
        (one["id"], one["session"], one["balance"]["usd"]) for one in api.ask("GET", "/accounts")["accounts"]
    ]
    assert (POOR, POOR, "0.001") in rows
    assert (POOR, "mine", "0.976205") in rows
    assert (POOR, "yours", "0.001") in rows
    assert (id_of("sk-mine"), "mine", "2.975205") in rows
    assert api.why("GET", f"/accounts/{id_of('sk-mine')}", status=404).startswith("there is no account 'key-")
    api.ask("POST", "/reset?session=mine&what=accounts")
    assert api.chat("sk-poor-but-honest", "mine") == 402


def test_an_account_is_made_and_taken_away(api: Api) -> None:
    told = api.ask(
        "PUT", "/accounts/sk-new", {"status": "revoked", "forbidden": ["o1-*"], "name": "New"}, 201
    )
    assert (told["status"], told["forbidden"], told["source"]) == ("revoked", ["o1-*"], "runtime")
    assert api.chat("sk-new") == 401
    told = api.ask("PUT", "/accounts/sk-new", {"status": "active"})
    assert (told["forbidden"], told["name"]) == (["o1-*"], "New")
    assert api.ask("PUT", "/accounts/sk-new", {"name": ""})["name"] == ""
    assert api.chat("sk-new") == 403
    assert api.ask("DELETE", "/accounts/sk-new") == {"deleted": 1}
    assert api.chat("sk-new") == 200


def test_fixtures_may_bring_accounts_with_them(api: Api) -> None:
    api.ask("POST", "/fixtures", "accounts: [{key: sk-brought, balance: $0}]", 201)
    assert api.chat("sk-brought") == 402
    api.ask("PUT", "/fixtures?session=other", "{fixtures: [], accounts: [{key: sk-brought, balance: $1}]}")
    assert (api.chat("sk-brought", "other"), api.chat("sk-brought")) == (200, 402)


def test_what_cannot_be_done_is_told_with_what_can(api: Api) -> None:
    where = api.why("DELETE", "/accounts/sk-limited", status=409)
    assert where.startswith(f"the account {id_of('sk-limited')} is defined in ")
    assert where.endswith("fixtures.yaml:7; change it there")
    api.ask("PUT", "/accounts/sk-shared", {}, 201)
    message = f"the account {id_of('sk-shared')} is shared by all sessions; omit ?session="
    assert api.why("DELETE", "/accounts/sk-shared?session=mine", status=409) == message
    assert api.why("PUT", "/accounts/key-01234567", {}, 404).startswith("there is no account 'key-01234567'")
    assert "sk-nobody-at-all" not in api.why("DELETE", "/accounts/sk-nobody-at-all", status=404)
    assert "an unlimited balance" in api.why("PUT", "/accounts/sk-limited", {"top_up": "$5"})
    expected = "top_up: found $5, expected an amount like its balance, 60000 credits"
    assert api.why("PUT", "/accounts/sk-credits", {"top_up": "$5"}) == expected
    assert "write $5 or 5 credits" in api.why("PUT", "/accounts/sk-credits", {"top_up": 5})
    assert "did you mean 'balance'?" in api.why("PUT", "/accounts/sk-credits", {"balanse": "$5"})


def test_the_clock_moves_windows_on_for_one_session_or_for_all(api: Api) -> None:
    def used(session: str) -> int:
        told = api.ask("GET", f"/accounts/sk-limited?session={session}")
        count: int = told["rate_limit"][0]["used"]
        return count

    for session in ("one", "two"):
        assert [api.chat("sk-limited", session) for _ in range(3)] == [200, 200, 429]
    assert api.ask("POST", "/clock?session=one", {"advance": "61s"}) == {"ahead": 61.0, "session": "one"}
    assert (used("one"), used("two")) == (0, 2)
    assert api.ask("POST", "/clock", {"advance": "61s"}) == {"ahead": 61.0, "session": None}
    assert (used("one"), used("two")) == (0, 0)
    assert api.ask("GET", "/clock?session=one")["ahead"] == 122.0
    api.ask("POST", "/reset")
    assert api.ask("GET", "/clock?session=one")["ahead"] == 0.0


def test_the_clock_ends_a_fault_rule(api: Api) -> None:
    api.ask("POST", "/faults?session=rule", {"error": 503, "for": "5m"}, 201)
    assert api.chat("any", "rule") == 503
    api.ask("POST", "/clock?session=rule", {"advance": "299s"})
    assert api.chat("any", "rule") == 503
    api.ask("POST", "/clock?session=rule", {"advance": "1s"})
    assert api.chat("any", "rule") == 200
    api.ask("POST", "/faults?session=rule", {"error": 503, "for": "5m"}, 201)
    assert api.chat("any", "rule") == 503
