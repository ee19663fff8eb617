"""A blank that a profile may name is filled, and one that it may not name is told with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from mockserver.errors import InputError
from mockserver.testing import MockServer
from mockserver.vendors.placeholder_check import (
    COMPLETION_PLACEHOLDERS,
    ERROR_PLACEHOLDERS,
    REMAINING_PLACEHOLDERS,
    USAGE_PLACEHOLDERS,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeClient, ProfileError, StartServer

IDS = frozenset({"id", "tool_call_id", "trace"})


def form(names: set[str] | frozenset[str]) -> str:
    """A form in which each of these blanks stands under its own name."""
    return "{" + ", ".join(f'"{name}": "${name}"' for name in sorted(names)) + "}"


def headers(names: set[str] | frozenset[str]) -> str:
    return "{" + ", ".join(f'"x-{name}": "${name}"' for name in sorted(names)) + "}"


BODY = IDS | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS | REMAINING_PLACEHOLDERS
TOLD = IDS | ERROR_PLACEHOLDERS | {"message", "name", "data"}
PROFILE = f"""\
name: fourth
title: Fourth
paths: {{chat: [/chat]}}
keys: [{{header: x-key}}]
sample_key: k
sample_model: m
credits_per_dollar: 10
models: {{m: {{fingerprint: fp, price: {{prompt: 1, completion: 2}}, roles: [user], facts: {{colour: red}}}}}}
unsupported_role: '{{"index": "$index", "role": "$role"}}'
ids: {{id: "i-{{hex:4}}", tool_call_id: "t-{{hex:4}}", trace: "{{uuid}}"}}
headers: {headers(IDS | {"model"})}
usage: {form(USAGE_PLACEHOLDERS)}
body:
  headers: {headers(BODY - {"choices", "usage"})}
  whole: {form(BODY)}
  choice: {form({"index", "finish_reason", "message"})}
  message: {form({"content", "refusal", "refusal_text", "reasoning_content", "tool_calls"})}
stream:
  chunk: {form(IDS | COMPLETION_PLACEHOLDERS)}
  choice: {form({"index", "finish_reason", "delta"})}
  opening: {{content: $content}}
  usage: always
  last: {form(USAGE_PLACEHOLDERS)}
  headers: {headers(REMAINING_PLACEHOLDERS)}
refusal: {{body: {form(TOLD)}}}
error_texts:
  rate_limited: {{type: t, code: c, name: N, data: {form(TOLD - {"data"})}, headers: {headers(TOLD - {"data"})}}}
endpoints:
  models:
    path: /models
    key: none
    list: models
    item: {form({"id", "aliases", "prompt_price", "completion_price", "colour", "now"})}
    body: {{items: $items, now: $now}}
"""


@pytest.fixture(scope="module")
def fourth(start_server: StartServer) -> MockServer:
    return start_server(
        "accounts: [{key: k, balance: $9, rate_limit: [1000/hour, 99999 tokens/hour]}, {key: poor, balance: $0}]",
        PROFILE,
    )


def asked(server: MockServer, said: str = "Hello", **body: Any) -> requests.Response:
    whole = {"model": "m", "messages": [{"role": "user", "content": said}], **body}
    return requests.post(f"{server.url}/fourth/chat", json=whole, headers={"x-key": "k"}, timeout=20)


def test_every_blank_of_a_body_is_filled(fourth: MockServer) -> None:
    heard = asked(fourth)
    assert set(heard.json()) == BODY
    assert {f"x-{name}" for name in BODY - {"choices", "usage"}} <= set(heard.headers)
    assert set(heard.json()["usage"]) == USAGE_PLACEHOLDERS
    assert set(heard.json()["choices"][0]) == {"index", "finish_reason", "message"}


def test_every_blank_of_a_stream_is_filled(make_client: MakeClient, fourth: MockServer) -> None:
    answer = asked(fourth, stream=True)
    assert {f"x-{name}" for name in REMAINING_PLACEHOLDERS} <= set(answer.headers)
    text = answer.text
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert {frozenset(chunk) for chunk in chunks[:-1]} == {IDS | COMPLETION_PLACEHOLDERS}
    assert set(chunks[-1]) == IDS | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS
    assert chunks[0]["choices"][0] == {"index": 0, "delta": {"content": ""}, "finish_reason": None}


def test_every_blank_of_a_refusal_is_filled(fourth: MockServer) -> None:
    def refused(body: Any, **headers: str) -> set[str]:
        sent = {"x-key": "k", **headers}
        whole: dict[str, Any] = requests.post(
            f"{fourth.url}/fourth/chat", headers=sent, json=body, timeout=20
        ).json()
        return set(whole) | {f"data.{name}" for name in whole.get("data") or ()}

    alone = {"detail", "issues", "shortage"}
    on_demand = TOLD - alone
    assert refused({"model": "m"}, **{"x-mock-error": "429"}) == on_demand | {
        f"data.{name}" for name in on_demand - {"data"}
    }
    assert refused({"model": "m"}) == TOLD - {"data", "shortage"}
    good = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    assert "shortage" in refused(good, **{"x-key": "poor"})


def test_every_blank_of_a_list_is_filled(fourth: MockServer) -> None:
    told = requests.get(f"{fourth.url}/fourth/models", timeout=20).json()
    assert told["items"][0]["now"] == told["now"]
    assert {**told["items"][0], "now": ""} == {
        "id": "m", "aliases": [], "prompt_price": 1, "completion_price": 2, "colour": "red", "now": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            "usage: {in: $promt_tokens}",
            "2:9: usage.in: found the placeholder $promt_tokens, did you mean 'prompt_tokens'?",
        ),
        (
            "body:\n  whole: {a: [{b: {c: $idd}}]}",
            "3:20: body.whole.a[0].b.c: found the placeholder $idd, did you mean",
        ),
        ("stream: {choice: {d: $message}}", "2:19: stream.choice.d: found the placeholder $message, expected content"),
        (
            "stream: {last: {d: $usd_spend}}",
            "stream.last.d: found the placeholder $usd_spend, did you mean 'usd_spent'?",
        ),
        ("headers: {x-trace: a-$trace}", "2:11: headers[\"x-trace\"]: found the placeholder $trace, expected "),
        (
            "error_texts: {429: {message: 'At ${pth}'}}",
            "2:21: error_texts[\"429\"].message: found the placeholder $pth, did you ",
        ),
        ("error_texts: {429: {data: {a: $data}}}", "error_texts[\"429\"].data.a: found the placeholder $data, "),
        ("refusal: {body: {a: $mesage}}", "refusal.body.a: found the placeholder $mesage, did you mean 'message'?"),
        ("unsupported_role: No $rolle.", "2:1: unsupported_role: found the placeholder $rolle, did you mean 'role'?"),
        ("unknown_model: {kind: gone, message: $modl}", "found the placeholder $modl, did you mean 'model'?"),
        (
            "endpoints: {models: {item: {a: $developr}}}",
            "endpoints.models.item.a: found the placeholder $developr, did you ",
        ),
        (
            "endpoints: {billing: {body: {a: $balance}}}",
            "endpoints.billing.body.a: found the placeholder $balance, did you ",
        ),
        (
            "versions: {'2025': {answers: {usage: {a: $b}}}}\nanswers: '2025'",
            "2:39: usage.a: found the placeholder $b, expected ",
        ),
    ],
)  # fmt: skip
def test_a_blank_that_nothing_fills_is_told_with_its_place(
    profile_error: ProfileError, written: str, problem: str
) -> None:
    assert problem in profile_error(f"extends: aimlapi\n{written}\n")


def test_all_of_them_are_told_at_once_and_a_dollar_sign_is_none(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: aimlapi\nusage: {a: $one, b: [$two, $$three, $id5]}\n")
    with pytest.raises(InputError) as caught:
        MockServer(vendors=(file,))
    assert [problem.path for problem in caught.value.problems] == ["usage.a", "usage.b[0]", "usage.b[2]"]
