"""What an application costs is told to the test that runs it, to the last digit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import openai
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from mockserver.errors import InputError
from mockserver.testing import MockServer, Session
from tests.conftest import StartServer, wait_for_entries

USAGE = {"prompt_tokens": 9, "completion_tokens": 411}


@pytest.fixture
def session(server: MockServer) -> Session:
    return server.session()


def ask(session: Session, said: str = "Hello", vendor: str = "aimlapi", key: str = "sk-test") -> int:
    access = session.vendor(vendor).openai() | {"api_key": key}
    messages: Any = [{"role": "user", "content": said}]
    with OpenAI(**access, max_retries=0) as client:
        try:
            client.chat.completions.create(model="o1-preview", messages=messages)
        except openai.APIStatusError as error:
            return error.status_code
    return 200


def test_what_was_spent_is_known_without_any_account(session: Session) -> None:
    session.on(user="Hello").reply("Hi.", usage=USAGE)
    assert session.spent == 0
    assert [ask(session), ask(session, key="sk-other")] == [200, 200]
    assert session.spent == Decimal("0.05207")
    session.assert_spent("0.052070")
    session.assert_spent(credits=104140, max="$0.06")
    session.assert_spent("0.026035", key="sk-other", user="Hello")
    session.assert_spent("0", user="Goodbye")
    assert [(one.usd, one.credits) for one in session.requests] == [(Decimal("0.026035"), Decimal(52070))] * 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"usd": "0.05"}, "expected $0.05 to be spent by requests like any; found $0.026035 for 1 of 1"),
        (
            {"credits": 5},
            "expected 5 credits to be spent by requests like any; found 52070 credits for 1 of 1",
        ),
        ({"min": "$1", "max": "$2"}, "expected at least $1 and at most $2 to be spent by"),
        (
            {"max": "7 credits"},
            "expected at most 7 credits to be spent by requests like any; found 52070 credits",
        ),
        (
            {"usd": "1", "user": "Bye"},
            "expected $1 to be spent by requests like user: text with 'Bye'; found $0 for 0",
        ),
    ],
)
def test_what_was_spent_otherwise_is_told(session: Session, asked: dict[str, Any], words: str) -> None:
    session.on(user="Hello").reply("Hi.", usage=USAGE)
    ask(session)
    with pytest.raises(AssertionError) as caught:
        session.assert_spent(**asked)
    assert str(caught.value).startswith(words)
    assert "aimlapi o1-preview 'Hello' -> 201" in str(caught.value)


def test_how_much_is_to_be_said(session: Session) -> None:
    with pytest.raises(TypeError, match="assert_spent"):
        session.assert_spent()
    with pytest.raises(InputError, match=r"expected an amount like 0\.052070"):
        session.assert_spent("a lot")
    with pytest.raises(InputError, match=r"money needs a unit, write \$1 or 1 credits"):
        session.assert_spent(max="1")


def test_spending_is_waited_for(session: Session) -> None:
    session.on(user="Hello").reply("Hi.", usage=USAGE)
    root = session.url.partition("/s/")[0]
    asked = {"match": {}, "spent": {"min": "$0.05"}, "within": "20s"}
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(
            requests.post, f"{root}/_mock/verify?session={session.name}", json=asked, timeout=30
        )
        ask(session)
        assert not told.done()
        ask(session)
        answer = told.result().json()
    matching = sorted(answer.pop("requests"))
    assert len(matching) == 2
    assert answer == {
        "count": 2,
        "spent": {"usd": "0.05207", "credits": "104140"},
        "dropped": 0,
        "matched": True,
    }
    exact = {"match": {}, "spent": "$0.05207"}
    told_again = requests.post(f"{root}/_mock/verify?session={session.name}", json=exact, timeout=30)
    assert told_again.json() == answer | {"requests": told_again.json()["requests"]}
    assert sorted(told_again.json()["requests"]) == matching
    exact = {"match": {}, "spent": "104140 credits"}
    told_again = requests.post(f"{root}/_mock/verify?session={session.name}", json=exact, timeout=30)
    assert told_again.json() == answer | {"requests": told_again.json()["requests"]}
    refused = requests.post(
        f"{root}/_mock/verify?session={session.name}",
        json={"match": {}, "spent": {"max": "$0.05"}, "within": "20s"},
        timeout=10,
    )
    assert refused.status_code == 409  # at once: it will not be less


def test_an_account_is_made_topped_up_and_waits_for_its_window(session: Session) -> None:
    session.on(user="Hello").reply("Hi.", usage=USAGE)
    made = session.account("sk-poor", balance="$0.03", rate_limit="3/minute")
    assert (made.usd, made.credits, made.status, made.used) == (
        Decimal("0.03"),
        None,
        "active",
        {"3/minute": 0},
    )
    assert [ask(session, key="sk-poor") for _ in range(2)] == [200, 403]
    after = session.top_up("sk-poor", "$1")
    assert (after.usd, after.spent, after.requests) == (Decimal("1.003965"), Decimal("0.026035"), 1)
    assert [ask(session, key="sk-poor") for _ in range(2)] == [200, 429]
    session.advance("61s")
    assert ask(session, key="sk-poor") == 200
    assert session.account("sk-poor").used == {"3/minute": 1}
    assert session.account("sk-credits", balance="60000 credits").credits == 60000
    session.reset()
    assert session.account("sk-poor").usd is None


def test_a_word_that_no_account_has_is_told(session: Session) -> None:
    with pytest.raises(TypeError, match="did you mean 'balance'"):
        session.account("sk-poor", balanse="$1")  # type: ignore[call-arg]
    with pytest.raises(InputError, match="has an unlimited balance"):
        session.top_up("sk-rich/with a slash", "$1")


# --- laws

LAW = """
fixtures:
  - {match: {user: fails}, response: {error: 500}}
  - {match: {user: resets}, response: {chunks: [a, b, c, d], usage: USAGE, fault: reset@2}}
  - {match: {user: closes}, response: {text: Never whole., usage: USAGE, fault: close}}
  - {match: {user: hidden}, response: {text: Behind a proxy., usage: USAGE, fault: html}}
  - {match: {user: slowly}, response: {chunks: [a, {delay: 1h}, b], usage: USAGE}}
  - {match: {}, response: {text: A whole answer., usage: USAGE}}
accounts:
  - {key: sk-law, balance: $0.4, rate_limit: [12/minute, 5000 tokens/hour]}
""".replace("USAGE", "{prompt_tokens: 10, completion_tokens: 140, reasoning_tokens: 100}")
ASKED = st.tuples(
    st.sampled_from(["aimlapi", "omixa", "segmind"]),
    st.sampled_from(["fails", "resets", "closes", "hidden", "slowly", "whole"]),
    st.booleans(),
)


@pytest.fixture(scope="module")
def law(start_server: StartServer) -> MockServer:
    return start_server(LAW)


def leave(server: MockServer, session: str, vendor: str, said: str, stream: bool) -> None:
    """Ask, hear what comes at once, and go away."""
    path = {"segmind": "/v1/o1-preview", "omixa": "/api/v1/chat/completions"}.get(
        vendor, "/v1/chat/completions"
    )
    body = {"model": "o1-preview", "stream": stream, "messages": [{"role": "user", "content": said}]}
    headers = {"Authorization": "Bearer sk-law"}
    url = f"{server.url}/s/{session}/{vendor}{path}"
    with (
        suppress(requests.RequestException),
        requests.post(url, headers=headers, json=body, stream=True, timeout=20) as told,
    ):
        for _ in islice(told.iter_content(1 if said == "slowly" else None), 1 if said == "slowly" else None):
            pass


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(ASKED, min_size=1, max_size=14))
def test_the_charges_are_what_the_balance_has_lost(
    law: MockServer, asked: list[tuple[str, str, bool]]
) -> None:
    session = law.session()
    assert session.name is not None
    with ThreadPoolExecutor(len(asked)) as pool:
        for vendor, said, stream in asked:
            pool.submit(leave, law, session.name, vendor, said, stream)
    wait_for_entries(law, session.name, len(asked))
    account = session.account("sk-law")
    assert account.usd is not None
    assert Decimal("0.4") - account.usd == account.spent == session.spent
    assert account.usd >= 0
    charged = sum((one.usd for one in session.requests), Decimal(0))
    assert charged == account.spent
    assert account.used["12/minute"] <= 12
    assert account.used["5000 tokens/hour"] <= 5000


def test_no_two_requests_pay_with_the_same_money(law: MockServer) -> None:
    session = law.session()
    session.account("sk-law", balance="$0.0105", rate_limit=None)  # one costs 0.00855
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: ask(session, "whole", "omixa", "sk-law"), range(8)))
    assert sorted(heard) == [200, *[402] * 7]
    assert session.account("sk-law").usd == Decimal("0.00195")


def test_a_reload_takes_new_terms_in_and_what_was_spent_stays_spent(tmp_path: Path) -> None:
    file = tmp_path / "fixtures.yaml"
    written = (
        "{fixtures: [{match: {}, response: {text: Hi., usage: {prompt_tokens: 9, completion_tokens: 411}}}]"
    )
    file.write_text(written + ", accounts: [{key: sk-kept, balance: $1}]}")
    with MockServer(file, reload=False) as server:
        session = server.session()
        assert ask(session, key="sk-kept") == 200
        file.write_text(
            written + ", accounts: [{key: sk-kept, balance: $2}, {key: sk-new, status: revoked}]}"
        )
        requests.post(f"{server.url}/_mock/fixtures/reload", timeout=10)
        assert session.account("sk-kept").usd == 2 - Decimal("0.026035")
        assert ask(session, key="sk-new") == 401


def test_what_is_paid_back_after_a_new_balance_is_not_added_to_it(law: MockServer) -> None:
    async def told() -> tuple[Decimal, Decimal]:
        store, account = law._pipeline.store, law._pipeline.fixtures.accounts["sk-law"]
        held = (await store.statement("x", account)).spent
        paid = await store.hold("x", account, held, type(held)(Decimal("0.1"), Decimal("0.1")), 0)
        await store.restore_balance("x", account.key)
        await store.refund("x", account.key, paid, paid.charge)  # type: ignore[arg-type, union-attr]
        left = await store.statement("x", account)
        assert left.remaining is not None
        return left.remaining.value, left.spent.usd

    assert asyncio.run(told()) == (Decimal("0.4"), Decimal(0))
