"""Tests of accounts: charges, refusals in the vendor's form, limits, holds, account endpoints."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import openai
import pytest
import requests

from mockserver.billing import account_info
from mockserver.sessions.request_record import create_record
from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer, wait_for_entries

FIXTURES = """
fixtures:
  - match: {user: Hello}
    response: {text: Hi there., usage: {prompt_tokens: 9, completion_tokens: 411, reasoning_tokens: 384}}
  - match: {user: fails}
    response: {error: 500}
  - match: {user: teapot}
    response: {text: Tea., status: 418}
  - match: {user: bytes}
    response: {raw: {body: "{}"}}
  - match: {user: in turn}
    responses: [First., Second.]
  - match: {user: slowly}
    response:
      chunks: [one, {delay: 20s}, two, three, four]
      usage: {prompt_tokens: 10, completion_tokens: 140, reasoning_tokens: 100}
  - match: {user: cut}
    response:
      chunks: [one, two, three, four]
      usage: {prompt_tokens: 10, completion_tokens: 140, reasoning_tokens: 100}
      fault: reset@1
  - match: {user: proxy}
    response: {text: Never heard., fault: html}
accounts:
  - {key: sk-rich, balance: $5}
  - {key: sk-poor, balance: $0.001}
  - {key: sk-empty, balance: $0}
  - {key: sk-credits, balance: 100000 credits}
  - {key: sk-slow, rate_limit: 3/minute}
  - {key: sk-told, rate_limit: {limit: 1/minute, retry_after: true}}
  - {key: sk-tokens, rate_limit: [1000 tokens/hour, 20/s]}
  - {key: sk-small-window, rate_limit: 10 tokens/hour}
  - {key: sk-old, status: revoked}
  - {key: sk-small, forbidden: [o1-*]}
  - {key: sk-free}
"""
VENDORS = ("aimlapi", "segmind", "omixa")
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
# 9 prompt tokens and 411 completion tokens: at $15.75 and $63 per million in whole credits, or at $15 and $60.
COST = {"aimlapi": Decimal("0.026035"), "segmind": Decimal("0.024795"), "omixa": Decimal("0.024795")}
SHORT = {"aimlapi": 403, "segmind": 406, "omixa": 402}
RAISES = {"aimlapi": openai.PermissionDeniedError, "omixa": openai.APIStatusError}


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


def ask(server: MockServer, key: str, vendor: str, session: str, content: str = "Hello", **body: Any) -> Any:
    path = {"segmind": "/v1/o1-preview", "omixa": "/api/v1/chat/completions"}.get(
        vendor, "/v1/chat/completions"
    )
    return requests.post(
        f"{server.url}/s/{session}/{vendor}{path}",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": "o1-preview", "messages": [{"role": "user", "content": content}], **body},
        timeout=20,
    )


def spent(server: MockServer, session: str, key: str) -> Decimal:
    """Return what an account has spent in a session, in dollars."""
    paid: Decimal = statement(server, session, key).spent.usd
    return paid


def statement(server: MockServer, session: str, key: str) -> Any:
    store = server._pipeline.store
    account = server._pipeline.fixtures.accounts[key]
    return asyncio.run(store.statement(session, account))


@every_vendor
def test_each_answer_is_charged_once(running: MockServer, vendor: str) -> None:
    session = f"once-{vendor}"
    for count in (1, 2):
        assert ask(running, "sk-rich", vendor, session).ok
        assert spent(running, session, "sk-rich") == COST[vendor] * count
    told = statement(running, session, "sk-rich")
    assert (told.remaining.value, told.requests) == (5 - COST[vendor] * 2, 2)


@every_vendor
def test_a_balance_that_is_too_low_is_refused_and_stays(running: MockServer, vendor: str) -> None:
    session = f"short-{vendor}"
    assert ask(running, "sk-poor", vendor, session).status_code == SHORT[vendor]
    assert spent(running, session, "sk-poor") == 0
    assert ask(running, "sk-empty", vendor, session).status_code == SHORT[vendor]


def test_a_refused_image_costs_nothing(running: MockServer) -> None:
    parts: Any = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert ask(running, "sk-rich", "aimlapi", "image", parts).status_code == 400
    assert spent(running, "image", "sk-rich") == 0


def test_balance_and_cost_are_in_the_refusal_of_a_vendor_that_names_them(running: MockServer) -> None:
    words = "Insufficient Credits: Not enough credits to process request"
    short = ask(running, "sk-poor", "segmind", "named").json()["error"]
    assert short == f"{words} (balance 0.001, needed 0.024795)"
    assert ask(running, "sk-empty", "segmind", "named").json()["error"] == f"{words} (balance 0)"
    [first, second] = wait_for_entries(running, "named", 2)
    poor = running._pipeline.fixtures.accounts["sk-poor"]
    assert first.reason == f"the account {poor.id} has $0.001 and needs $0.024795"
    assert second.reason.endswith(" has $0")


@every_vendor
def test_a_refused_request_leaves_the_sequence_where_it_was(running: MockServer, vendor: str) -> None:
    session = f"turn-{vendor}"
    assert ask(running, "sk-empty", vendor, session, "in turn").status_code == SHORT[vendor]
    assert (
        ask(running, "sk-free", vendor, session, "in turn").json()["choices"][0]["message"]["content"]
        == "First."
    )


@every_vendor
def test_what_fails_is_not_charged(running: MockServer, vendor: str) -> None:
    session = f"fails-{vendor}"
    for content in ("fails", "teapot", "bytes", "proxy"):
        ask(running, "sk-rich", vendor, session, content)
    ask(running, "sk-rich", vendor, session, "Hello", n=0)
    told = statement(running, session, "sk-rich")
    assert (told.spent.usd, told.remaining.value, told.requests) == (
        0,
        5,
        1,
    )  # the raw body was free


@every_vendor
def test_a_revoked_key_is_an_invalid_key(running: MockServer, vendor: str) -> None:
    assert ask(running, "sk-old", vendor, "old").status_code == 401


@every_vendor
def test_a_forbidden_model_is_the_vendors_403(running: MockServer, vendor: str) -> None:
    assert ask(running, "sk-small", vendor, "small").status_code == 403


@every_vendor
def test_a_full_limit_is_the_vendors_429(running: MockServer, vendor: str) -> None:
    session = f"limit-{vendor}"
    heard = [ask(running, "sk-slow", vendor, session) for _ in range(4)]
    assert [one.ok for one in heard] == [True, True, True, False]
    assert heard[-1].status_code == 429
    assert "retry-after" not in heard[-1].headers
    assert ("x-rate-limit-reset-at-utc" in heard[-1].headers) is (vendor == "segmind")


@every_vendor
def test_a_limit_may_send_retry_after(running: MockServer, vendor: str) -> None:
    session = f"told-{vendor}"
    assert ask(running, "sk-told", vendor, session).ok
    assert 50 < int(ask(running, "sk-told", vendor, session).headers["retry-after"]) <= 61


def test_a_window_moves_with_the_advanced_clock(running: MockServer) -> None:
    assert ask(running, "sk-told", "omixa", "clock").ok
    wait = int(ask(running, "sk-told", "omixa", "clock").headers["retry-after"])
    store = running._pipeline.store
    asyncio.run(store.advance_clock("clock", wait - 10))
    assert ask(running, "sk-told", "omixa", "clock").status_code == 429
    asyncio.run(store.advance_clock("clock", 10))
    assert ask(running, "sk-told", "omixa", "clock").ok


def test_tokens_are_limited_as_they_are_used(running: MockServer) -> None:
    heard = [ask(running, "sk-tokens", "omixa", "tokens").status_code for _ in range(3)]
    assert heard == [200, 200, 429]
    assert [(str(one.limit.limit), one.used) for one in statement(running, "tokens", "sk-tokens").limits] == [
        ("1000 tokens/hour", 840),
        ("20/second", 3),
    ]


def test_a_request_that_never_fits_waits_for_the_whole_window(running: MockServer) -> None:
    heard = ask(running, "sk-small-window", "segmind", "never")
    assert heard.status_code == 429
    assert spent(running, "never", "sk-small-window") == 0


def test_credits_are_the_vendors_own(running: MockServer) -> None:
    assert ask(running, "sk-credits", "aimlapi", "credits").ok
    assert str(statement(running, "credits", "sk-credits").remaining) == "47930 credits"
    assert ask(running, "sk-credits", "aimlapi", "credits").status_code == 403


def test_headers_have_balance_and_cost_of_a_vendor_that_sends_them(running: MockServer) -> None:
    headers = ask(running, "sk-rich", "segmind", "headers").headers
    assert (headers["x-remaining-credits"], headers["x-cost"]) == ("4.975205", "0.024795")
    headers = ask(running, "nobody", "segmind", "headers").headers
    assert ("x-remaining-credits" in headers, headers["x-cost"]) == (False, "0.024795")


def test_headers_have_the_limit_of_a_vendor_that_sends_it(running: MockServer) -> None:
    began = datetime.now(UTC)
    left = [ask(running, "sk-slow", "segmind", "left").headers for _ in range(4)]
    assert [one.get("x-rate-limit-remaining") for one in left] == ["2", "1", "0", None]
    for one in left:
        reset = datetime.fromisoformat(one["x-rate-limit-reset-at-utc"])
        assert timedelta(seconds=59) < reset - began < timedelta(seconds=90)
    assert "x-rate-limit-remaining" not in ask(running, "sk-rich", "segmind", "left").headers


@pytest.mark.parametrize("vendor", ["aimlapi", "omixa"])
def test_the_sdk_raises_the_exception_of_the_refusal(running: MockServer, vendor: str) -> None:
    def raised(key: str) -> type[Exception]:
        heard: list[type[Exception]] = []
        path = running.vendor(vendor).openai()["base_url"]
        client = openai.OpenAI(
            base_url=path, api_key=key, max_retries=0, default_headers={"X-Mock-Session": f"sdk-{vendor}"}
        )
        messages: Any = [{"role": "user", "content": "Hello"}]
        with client:
            for _ in range(4):
                try:
                    client.chat.completions.create(model="o1-preview", messages=messages)
                except openai.OpenAIError as error:
                    heard.append(type(error))
        return heard[0]

    assert raised("sk-poor") is RAISES[vendor]
    assert raised("sk-old") is openai.AuthenticationError
    assert raised("sk-small") is openai.PermissionDeniedError
    assert raised("sk-slow") is openai.RateLimitError


def test_a_key_without_account_works_unless_only_known_keys_are_accepted(start_server: StartServer) -> None:
    strict = start_server("accounts: [{key: sk-known}]", known_keys_only=True)
    for vendor in VENDORS:
        assert ask(strict, "sk-known", vendor, "known").ok
        assert ask(strict, "sk-other", vendor, "known").status_code == 401
    empty = start_server("fixtures: []", known_keys_only=True)
    assert ask(empty, "sk-known", "omixa", "known").status_code == 401


def test_a_vendor_may_check_the_balance_before_the_body(running: MockServer) -> None:
    statuses = [ask(running, "sk-empty", vendor, "first", n=0).status_code for vendor in VENDORS]
    assert statuses == [403, 406, 422]


@pytest.mark.parametrize(("cut", "paid"), [("full", "0.01065"), ("delivered", "0.00885"), ("none", "0")])
def test_a_cut_stream_costs_what_the_profile_says(
    start_server: StartServer, cut: str, paid: str, make_client: MakeClient
) -> None:
    profile = f"""
        extends: omixa
        name: cutter
        billing: {{cut: {cut}, hold: $0.5}}
        models: {{o1-preview: {{price: {{prompt: 225, completion: 60}}}}}}
    """
    server = start_server(FIXTURES, profile)
    client = make_client(server, "cut")
    with pytest.raises(Exception):  # noqa: B017 the connection is reset
        client.chat("cutter", "cut", {"Authorization": "Bearer sk-rich"}, stream=True)
    [entry] = wait_for_entries(server, "cut", 1)
    assert entry.delivery is not None
    assert entry.delivery.end_reason == "dropped"
    assert spent(server, "cut", "sk-rich") == Decimal(paid)


def test_a_hold_lasts_until_the_answer_has_ended(start_server: StartServer, make_client: MakeClient) -> None:
    server = start_server(
        FIXTURES.replace("$5", "$0.6"),
        "{extends: omixa, name: holder, billing: {hold: $0.5, cut: delivered}}",
    )
    first = make_client(server, "hold")
    response = first.send("holder", "slowly", {"Authorization": "Bearer sk-rich"}, stream=True)
    assert response.readline().startswith(b"data:")
    assert spent(server, "hold", "sk-rich") == Decimal("0.5")
    [told] = requests.get(f"{server.url}/_mock/requests", timeout=20).json()["requests"]
    assert told["charged"] == {"usd": "0.00855", "credits": "0.00855"}  # for the whole answer
    assert (
        make_client(server, "hold").chat("holder", "Hello", {"Authorization": "Bearer sk-rich"}).status == 402
    )
    first.connection.close()
    response.close()
    heard = next(one for one in wait_for_entries(server, "hold", 2) if create_record(one).stream).delivery
    assert heard is not None
    assert heard.end_reason == "left"
    assert spent(server, "hold", "sk-rich") == Decimal(
        "0.00675"
    )  # 10 prompt tokens, 100 reasoning tokens, a quarter of 40 others
    assert (
        make_client(server, "hold").chat("holder", "Hello", {"Authorization": "Bearer sk-rich"}).status == 200
    )


def test_nothing_is_charged_for_an_explanation(running: MockServer) -> None:
    asked: dict[str, Any] = {
        "body": {"model": "o1-preview", "messages": [{"role": "user", "content": "Hello"}]}
    }
    asked |= {"session": "dry", "headers": {"authorization": "Bearer sk-slow"}}

    def explained() -> int:
        status: int = requests.post(f"{running.url}/_mock/explain", json=asked, timeout=20).json()["status"]
        return status

    assert [explained() for _ in range(5)] == [201] * 5
    assert statement(running, "dry", "sk-slow").requests == 0
    assert [ask(running, "sk-slow", "omixa", "dry").status_code for _ in range(3)] == [200] * 3
    assert explained() == 429
    told = statement(running, "dry", "sk-slow")
    assert (told.requests, told.limits[0].used, told.spent.usd) == (3, 3, COST["omixa"] * 3)


# --- account endpoints


def read(server: MockServer, key: str, path: str, session: str = "read") -> Any:
    told = requests.get(
        f"{server.url}/s/{session}/{path}", headers={"Authorization": f"Bearer {key}"}, timeout=20
    )
    return told.json() if told.ok else told.status_code


def test_account_endpoints_return_the_balance(running: MockServer) -> None:
    for vendor in VENDORS:
        ask(running, "sk-rich", vendor, "read")
    assert read(running, "sk-rich", "aimlapi/v2/billing") == {"current_balance": 4.924375, "currency": "USD"}
    told = read(running, "sk-rich", "aimlapi/v1/billing/balance")
    assert (told["balance"], told["lowBalance"], told["lowBalanceThreshold"]) == (9848750, False, 10000)
    assert read(running, "sk-poor", "aimlapi/v1/billing/balance")["lowBalance"] is True
    assert read(running, "sk-rich", "segmind/v1/get-user-credits") == {
        "credits": 4.924375,
        "free-credits": 0.0,
    }
    assert read(running, "sk-credits", "aimlapi/v2/billing")["current_balance"] == 0.05


def test_a_key_without_an_account_has_the_balance_of_the_profile(
    running: MockServer, server: MockServer
) -> None:
    for one, key in ((running, "nobody"), (running, "sk-free"), (server, "anybody")):
        assert read(one, key, "aimlapi/v2/billing")["current_balance"] == 100
        assert read(one, key, "segmind/v1/get-user-credits")["credits"] == 100


def test_charges_are_listed_and_summed_by_day(running: MockServer) -> None:
    for content in ("Hello", "fails", "Hello"):
        ask(running, "sk-rich", "omixa", "usage", content)
    ask(running, "sk-rich", "segmind", "usage")
    ask(running, "sk-free", "omixa", "usage")
    listed = read(running, "sk-rich", "omixa/api/v1/usage/requests", "usage")["data"]
    assert [(one["total_tokens"], one["cost"], one["status"]) for one in listed] == [
        (420, "0.024795", 200)
    ] * 2
    [day] = read(running, "sk-rich", "omixa/api/v1/usage/rollups?period_type=day", "usage")["data"]
    assert (day["requests"], day["total_tokens"], day["cost"]) == (2, 840, "0.04959")
    assert read(running, "sk-new", "omixa/api/v1/usage/rollups", "usage")["data"] == []


def test_the_list_of_charges_is_bounded(running: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_info, "MAX_CHARGES", 2)
    for content in ("Hello", "Hello", "cut"):
        ask(running, "sk-rich", "omixa", "charges", content)
    items = read(running, "sk-rich", "omixa/api/v1/usage/requests", "charges")["data"]
    assert [item["total_tokens"] for item in items] == [150, 420]
    [day] = read(running, "sk-rich", "omixa/api/v1/usage/rollups", "charges")["data"]
    assert day["requests"] == 3


def test_requests_and_transactions_are_listed(running: MockServer) -> None:
    for content in ("Hello", "fails", "Hello"):
        ask(running, "sk-rich", "aimlapi", "logs", content)
    ask(running, "sk-free", "aimlapi", "logs")
    logs = read(running, "sk-rich", "aimlapi/v2/logs?period=24h&limit=2", "logs")
    assert logs["pagination"] == {"limit": 2, "offset": 0, "total": 3, "has_more": True}
    succeeded, failed = logs["data"]
    assert list(succeeded) == [
        *("created", "status", "origin", "model", "cost", "tokens"),
        *("request_id", "inference_id", "client_request_id"),
    ]
    assert (succeeded["status"], succeeded["model"]) == ("succeeded", "openai/o1-preview")
    assert (succeeded["tokens"]["total"], succeeded["cost"]["credits"] > 0) == (420, True)
    assert (failed["status"], failed["cost"], failed["client_request_id"]) == (
        "failed",
        {"usd": 0, "credits": 0},
        None,
    )
    for query, count in {
        "offset=2": 1,
        "status=failed": 1,
        "status=failed&status=succeeded": 3,
        "model=o1-preview": 3,
        "model=O1-preview": 0,
        "start=2020-01-01&end=2020-02-01T00:00:00Z": 0,
    }.items():
        assert len(read(running, "sk-rich", f"aimlapi/v2/logs?{query}", "logs")["data"]) == count
    path = "aimlapi/v2/billing/transactions"
    first = read(running, "sk-rich", f"{path}?limit=2", "logs")
    cursor = first["pagination"]["next_cursor"]
    last = read(running, "sk-rich", f"{path}?limit=2&cursor={cursor}", "logs")
    assert last["pagination"] == {"next_cursor": None, "has_more": False}
    moves = [(one["direction"], one["type"], one["model"]) for one in (*first["data"], *last["data"])]
    charge = ("CHARGE", "MODEL_USAGE", "openai/o1-preview")
    assert moves == [charge, charge, ("TOPUP", "INIT", None)]
    assert last["data"][0]["amount"]["usd"] == 5
    assert first["data"][0]["amount"] == succeeded["cost"]
    assert (
        len(
            read(running, "sk-rich", f"{path}?direction=CHARGE&from=2020-01-01T00:00:00%2B02:00", "logs")[
                "data"
            ]
        )
        == 2
    )
    assert read(running, "sk-new", path, "logs")["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("logs?limit=0", "logs?limit=101", "logs?offset=x", "logs?period=7", "logs?start=yesterday"),
        "logs?start=2026-02-01&end=2026-01-01",
        "billing/transactions?cursor=é",
        "logs?" + "&".join(["a=1"] * 300),
    ],
)
def test_an_invalid_parameter_of_a_list_is_refused(running: MockServer, query: str) -> None:
    assert read(running, "sk-rich", f"aimlapi/v2/{query}") == 400


def test_a_revoked_key_gets_no_account_values(running: MockServer) -> None:
    assert read(running, "sk-old", "aimlapi/v2/billing") == 401
    assert read(running, "sk-old", "aimlapi/v1/models")["object"] == "list"
