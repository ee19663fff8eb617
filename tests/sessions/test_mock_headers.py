"""Tests of injection by `X-Mock-*` headers, API key and message."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import STATUS_BY_KIND, ApiError, RetryAfter
from mockserver.sessions.injected_faults import (
    INJECTION_HEADERS,
    NO_INJECTION,
    Injection,
    find_error_in_message,
    parse_injection,
)
from mockserver.wire.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import MakeClient, StartServer
    from tests.request_fixtures import ReadRequest


def injection_of(read_request: ReadRequest, **headers: str) -> Injection:
    return parse_injection(read_request(**headers))


def error(read_request: ReadRequest, **headers: str) -> str | int | None:
    found = injection_of(read_request, **headers).error
    return None if found is None else found.kind


def test_an_ordinary_request_injects_nothing(read_request: ReadRequest) -> None:
    assert injection_of(read_request) is NO_INJECTION
    assert injection_of(read_request, x_mock_session="mine") == NO_INJECTION


@pytest.mark.parametrize("kind", STATUS_BY_KIND)
def test_every_kind_of_error_is_injected_by_header_and_by_key(read_request: ReadRequest, kind: str) -> None:
    assert error(read_request, x_mock_error=kind) == kind
    assert error(read_request, authorization=f"Bearer SG_mock-{kind}") == kind


@pytest.mark.parametrize("number", [400, 402, 418, 429, 499, 500, 504, 522, 599])
def test_every_status_is_injected_by_header_and_by_key(read_request: ReadRequest, number: int) -> None:
    assert error(read_request, x_mock_error=str(number)) == number
    assert error(read_request, authorization=f"Bearer omx_live_mock-{number}") == number


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("sk-mock-402", 402),
        ("sk-mock-402-for-tests", 402),
        ("mock-429", 429),
        ("omx_live_mock-timeout.2", "timeout"),
        ("SG_mock-none-mock-500", 500),
        ("sk-mock-4290", None),
        ("sk-mock-399", None),
        ("sk-mock-600", None),
        ("sk-mock-timeouts", None),
        ("sk-mock-timeout_2", None),
        ("sk-mock-", None),
        ("sk-429", None),
        ("my mock-503 key", 503),
    ],
)
def test_an_error_is_injected_by_the_end_of_a_key(
    read_request: ReadRequest, key: str, what: str | int | None
) -> None:
    assert error(read_request, authorization=f"Bearer {key}") == what


def test_a_header_takes_precedence_over_the_key(read_request: ReadRequest) -> None:
    assert error(read_request, authorization="Bearer sk-mock-402", x_mock_error="503") == 503


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mock 401", 401),
        ("  MOCK\t429 \n", 429),
        ("Mock Timeout", "timeout"),
        ("mock insufficient_credits", "insufficient_credits"),
        ("mock 399", None),
        ("mock 4290", None),
        ("mock", None),
        ("mock-429", None),
        ("mock 429 please", None),
        ("a mock 429", None),
        ("mock" + " " * 99 + "429", None),
    ],
)
def test_a_whole_message_names_an_error(read_request: ReadRequest, text: str, what: object) -> None:
    request = read_request({"messages": [{"role": "user", "content": text}, {"role": "system"}]})
    assert find_error_in_message(request, None) == what


def test_header_and_key_take_precedence_over_the_message(read_request: ReadRequest) -> None:
    def kind(**headers: str) -> object:
        found = parse_injection(read_request(**headers), 500)
        assert found.error is not None
        return found.error.kind, found.error.retry_after, found.source

    assert kind(x_mock_error="503") == (503, None, "requested by the header x-mock-error")
    assert kind(authorization="Bearer mock-402") == (402, None, "requested by the API key")
    assert kind(x_mock_retry_after="2s") == (500, RetryAfter(2.0), "requested by the message")


FOR_MESSAGES = """
fixtures:
- {match: {user: {equals: Mock 500}}, response: equal}
- {match: {user: [mock 501, other]}, response: in a list}
- {match: {user: mock 502}, response: contained}
- {match: {model: o1-preview}, response: any other}
"""


def test_a_message_injects_its_error_unless_a_fixture_names_it(
    start_server: StartServer, make_client: MakeClient
) -> None:
    def outcomes(**settings: bool) -> list[object]:
        client = make_client(start_server(FOR_MESSAGES, **settings))
        replies = [
            client.chat(content=text)
            for text in ("Mock 500", "mock 501", " mock 502", "mock 503", "mock 5", "mock 502!")
        ]
        return [
            reply.json["choices"][0]["message"]["content"] if reply.status < 400 else reply.status
            for reply in replies
        ]

    named = ["equal", "in a list", "contained"]
    assert outcomes() == [*named, 503, "any other", "contained"]
    assert outcomes(mock_messages=False) == [*named, "any other", "any other", "contained"]


def test_all_headers_are_parsed(read_request: ReadRequest) -> None:
    found = injection_of(
        read_request,
        x_mock_error="429",
        x_mock_retry_after="1.5s",
        x_mock_delay="30ms",
        x_mock_fault="reset@3",
        x_mock_fixture="hello",
    )
    assert found.error is not None
    assert (found.error.kind, found.error.retry_after) == (429, RetryAfter(1.5))
    assert (found.delay, str(found.fault), found.fixture) == (0.03, "reset@3", "hello")


def test_retry_after_applies_to_an_error_by_key(read_request: ReadRequest) -> None:
    found = injection_of(read_request, authorization="Bearer mock-429", x_mock_retry_after="2m").error
    assert found is not None
    assert found.retry_after == RetryAfter(120)


def test_a_fault_alone_is_an_injection(read_request: ReadRequest) -> None:
    assert injection_of(read_request, x_mock_fault="hang") == Injection(fault=Fault("hang"))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x_mock_error": ""}, "x-mock-error: found '', expected a number 400 to 599 or a kind: invalid_request, "),
        ({"x_mock_error": "200"}, "x-mock-error: found the number 200, expected 400 to 599 or a kind"),
        ({"x_mock_error": "rate_limit"},
         "found 'rate_limit', expected a number 400 to 599 or a kind, did you mean 'rate_limited'?"),
        ({"x_mock_error": "y" * 900}, f"x-mock-error: found '{'y' * 59}…', expected a number"),
        ({"x_mock_delay": "2"}, "x-mock-delay: a duration needs a unit, write 2ms or 2s"),
        ({"x_mock_delay": "soon"}, "x-mock-delay: found text 'soon', expected a duration like 30ms or 1.5s"),
        ({"x_mock_delay": "{median: 1s}"}, "x-mock-delay: the key 'p95' is missing, expected a duration like"),
        ({"x_mock_delay": "{median: 2s, p95: 1s}"}, "x-mock-delay: found a time shorter than the median"),
        ({"x_mock_delay": "{" + "m" * 100}, "x-mock-delay: found text '{mmm"),
        ({"x_mock_delay": "{"}, "x-mock-delay: the key 'median' is missing, expected a duration like"),
        ({"x_mock_delay": "-1s"}, "x-mock-delay: found -1s, a duration cannot be negative"),
        ({"x_mock_error": "429", "x_mock_retry_after": "1"}, "x-mock-retry-after: a duration needs a unit, write 1"),
        ({"x_mock_retry_after": "1s"}, "x-mock-retry-after: found it without an error; send x-mock-error"),
        ({"x_mock_fault": "rest"}, "x-mock-fault: found fault 'rest', expected one of "),
        ({"x_mock_fault": "reset@soon"}, "x-mock-fault: found point 'soon', expected chunks like 3, bytes like 100b"),
        ({"x_mock_eror": "429"}, "x-mock-eror: found an unknown header, expected x-mock-error, x-mock-r"),
    ],
)  # fmt: skip
def test_an_invalid_header_is_refused_with_what_to_write(
    read_request: ReadRequest, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        injection_of(read_request, **headers)
    assert caught.value.kind == "invalid_request"
    assert message in (caught.value.message or "")


@given(st.sampled_from(INJECTION_HEADERS), st.text(st.characters(max_codepoint=255), max_size=30))
def test_any_header_is_parsed_or_refused(read_request: ReadRequest, name: str, value: str) -> None:
    with contextlib.suppress(ApiError):
        assert isinstance(injection_of(read_request, **{name: value}), Injection)
