"""An account is read with everything that is wrong with it, and shown to editors as it is read."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
import yaml

from mockserver import document, record
from mockserver.errors import InputError
from mockserver.shelf import library
from mockserver.shelf.account import Account, Rate, rate
from mockserver.shelf.fixture import FILE

JUDGE = jsonschema_rs.validator_for(record.schema(FILE))


def accounts(text: str) -> tuple[Account, ...]:
    return library.of(document.parse(text, "f.yaml")).accounts


def test_all_that_an_account_may_say_is_read() -> None:
    text = """
accounts:
  - {key: sk-poor, balance: $0.001}
  - key: 12345
    status: revoked
    forbidden: [o1-*, o3-mini]
    balance: 5000 credits
    rate_limit: [3/minute, 10000 tokens/hour, {limit: 20/s, retry_after: true}]
"""
    poor, full = accounts(text)
    assert (poor.key, str(poor.balance), poor.status, poor.source) == (
        "sk-poor",
        "$0.001",
        "active",
        "f.yaml:3",
    )
    assert (full.key, full.status, str(full.balance)) == ("12345", "revoked", "5000 credits")
    assert [str(one.limit) for one in full.rate_limit] == ["3/minute", "10000 tokens/hour", "20/second"]
    assert [one.retry_after for one in full.rate_limit] == [False, False, True]
    assert [full.forbids(model) for model in ("o1-preview", "o3-mini", "o3-mini-high", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert JUDGE.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("3/minute", Rate(3, "requests", "minute")),
        ("20/s", Rate(20, "requests", "second")),
        ("1 request/ h", Rate(1, "requests", "hour")),
        ("10000 tokens/day", Rate(10000, "tokens", "day")),
        ("5 tokens / min", Rate(5, "tokens", "minute")),
    ],
)
def test_a_limit_is_read_and_spelled_so_that_it_is_read_again(text: str, limit: Rate) -> None:
    assert rate(text) == limit
    assert rate(str(limit)) == limit


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{key: k, balance: 5}", "accounts[0].balance: money needs a unit, write $5 or 5 credits"),
        ("{key: k, balance: [5]}", "accounts[0].balance: found a list, expected money like $0.001 or 5000 credits"),
        ("{key: k, balance: true}", "accounts[0].balance: found true, expected money like $0.001"),
        ("{key: k, balanse: $5}", "accounts[0].balanse: unknown key 'balanse', did you mean 'balance'?"),
        ("{balance: $5}", "accounts[0]: the key 'key' is missing, expected text"),
        ("{key: ' '}", "accounts[0].key: found an empty key, expected the API key that clients send"),
        ("{key: k, status: revokd}", "status: found text 'revokd', expected active or revoked, did you mean 'revok"),
        ("{key: k, rate_limit: 3}", "rate_limit: a limit needs a period, write 3/minute"),
        ("{key: k, rate_limit: 0/minute}", "rate_limit: found 0/minute, expected at least 1; to refuse every request"),
        ("{key: k, rate_limit: 3/week}", "rate_limit: found text '3/week', expected a limit like 3/minute, 20/s or 10"),
        ("{key: k, rate_limit: [3/s, 3/second]}", "rate_limit: found the same limit twice, expected each once"),
        ("{key: k, rate_limit: {limit: 3/s, retry: true}}", "unknown key 'retry', did you mean 'retry_after'?"),
        ("{key: k}, {key: k}", "f.yaml:1:23: accounts[1].key: the key … (key-8254c329) is an account already, at"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    written: str, problem: str, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text(f"accounts: [{written}]")
    with pytest.raises(InputError) as caught:
        library.load([type(tmp_path)("f.yaml")])
    assert problem in str(caught.value)
    if (
        "already" not in problem
        and "twice" not in problem
        and "empty" not in problem
        and "least 1" not in problem
    ):
        assert not JUDGE.is_valid(yaml.safe_load(f"accounts: [{written}]"))
