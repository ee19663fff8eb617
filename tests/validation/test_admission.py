"""Tests of admission: the first failed check is reported, in the vendor's order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ApiError
from mockserver.validation.admission import admit_request
from mockserver.validation.body_rules import find_body_issues, passes_fast_check

if TYPE_CHECKING:
    from mockserver.request.chat_request import ChatRequest
    from tests.request_fixtures import ReadRequest


def refused(read_request: ReadRequest, *body: Any, **more: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        asyncio.run(admit_request(read_request(*body, **more)))
    return caught.value


def status(call: ChatRequest) -> int:
    """Return the status of the refusal, 200 for an admitted request."""
    try:
        asyncio.run(admit_request(call))
    except ApiError as error:
        return call.vendor.error_answer(error, {"method": "POST", "path": "/", "model": call.model}).status
    return 200


def test_a_valid_request_is_admitted(read_request: ReadRequest) -> None:
    assert status(read_request()) == 200


# Each check comes before those below it.
BEFORE: list[tuple[str, dict[str, Any]]] = [
    ("not_found", {"path": "/segmind/no/where"}),
    ("method_not_allowed", {"method": "PUT"}),
    ("invalid_request", {"x_mock_session": "not a name"}),
    ("too_large", {"content_length": "1001"}),
]
CHECKS: dict[str, tuple[str, dict[str, Any]]] = {
    "content_type": ("wrong_content_type", {"content_type": "text/plain"}),
    "key": ("missing_key", {"authorization": None}),
    "body": ("invalid_request", {"raw": b"[1]"}),
}
ORDERS = {
    "/aimlapi/v1/chat/completions": ("key", "content_type", "body"),
    "/segmind/v1/o1-preview": ("content_type", "key", "body"),
    "/omixa/api/v1/chat/completions": ("key", "content_type", "body"),
}


@pytest.mark.parametrize("path", ORDERS)
def test_checks_run_in_the_vendors_order(read_request: ReadRequest, path: str) -> None:
    wrong: dict[str, Any] = {"path": path}
    for kind, more in reversed([*BEFORE, *(CHECKS[name] for name in ORDERS[path])]):
        wrong |= more
        assert refused(read_request, **wrong).kind == kind


@pytest.mark.parametrize(
    ("key", "kind"),
    [(None, "missing_key"), ("Bearer ", "missing_key"), ("Basic abc", "invalid_key"), ("k", "invalid_key")],
)
def test_a_missing_and_an_empty_key_have_different_errors(
    read_request: ReadRequest, key: str | None, kind: str
) -> None:
    assert refused(read_request, authorization=key).kind == kind


@pytest.mark.parametrize("session", ["", "not a name", "x" * 65])
def test_an_invalid_session_name_is_refused_with_what_to_write(
    read_request: ReadRequest, session: str
) -> None:
    message = refused(read_request, x_mock_session=session).message or ""
    assert message.startswith(f"found the session {session!r}, ")
    assert message.endswith("expected 1 to 64 letters, digits, '.', '_' or '-'")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", " application/json "],
)
def test_every_json_media_type_is_accepted(read_request: ReadRequest, kind: str) -> None:
    asyncio.run(admit_request(read_request(content_type=kind)))


@pytest.mark.parametrize(
    ("kind", "received"),
    [
        (None, "nothing"),
        ("", "nothing"),
        ("text/plain", "text/plain"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("json", "json"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_other_media_types_are_refused(read_request: ReadRequest, kind: str | None, received: str) -> None:
    error = refused(read_request, content_type=kind)
    assert error.kind == "wrong_content_type"
    assert error.detail == f"Content-Type: expected application/json, received {received}"
    assert [issue["message"] for issue in error.issues] == [error.detail]


def test_an_invalid_body_is_an_issue(read_request: ReadRequest) -> None:
    error = refused(read_request, raw=b"")
    assert error.detail == "the body is empty, expected a JSON object"
    assert error.issues == ({"code": "custom", "path": [], "message": error.detail},)


def test_all_issues_of_a_body_are_reported_at_once(read_request: ReadRequest) -> None:
    error = refused(read_request, {"n": 0})
    assert error.detail == "model: Required; messages: Required; n: Number must be greater than or equal to 1"
    assert [issue["path"] for issue in error.issues] == [["model"], ["messages"], ["n"]]


@pytest.mark.parametrize(
    ("path", "model", "heard"),
    [
        ("/aimlapi/v1/chat/completions", "o1-preview", False),
        ("/aimlapi/v1/chat/completions", "o1-mini-2024-09-12", False),
        ("/aimlapi/v1/chat/completions", "o3-mini", True),
        ("/aimlapi/v1/chat/completions", "gpt-4o", True),
        ("/segmind/v1/o1-preview", "", True),
        ("/omixa/api/v1/chat/completions", "o1-preview", True),
    ],
)
def test_an_unsupported_role_is_refused(
    read_request: ReadRequest, path: str, model: str, heard: bool
) -> None:
    body = {
        "model": model,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    }
    call = read_request(body, path=path)
    if heard:
        asyncio.run(admit_request(call))
    else:
        with pytest.raises(
            ApiError, match=r"'messages\[0\]\.role' does not support 'system' with this model"
        ):
            asyncio.run(admit_request(call))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=6,
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "tool"]) | JSON, "content": JSON, "tool_calls": JSON}
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["o1-preview", "o3-mini"]) | JSON,
        "messages": st.lists(MESSAGE | JSON, max_size=3) | JSON,
        "prompt": JSON,
        **dict.fromkeys(
            ["n", "max_tokens", "seed", "stop", "tools", "tool_choice", "response_format", "stream_options"],
            JSON,
        ),
    },
)
PATHS = st.sampled_from(
    ["/aimlapi/v1/chat/completions", "/segmind/v1/o1-preview", "/omixa/api/v1/chat/completions", "/v1/models"]
)


@given(PATHS, BODY | JSON)
def test_any_json_is_admitted_or_refused(read_request: ReadRequest, path: str, body: Any) -> None:
    assert status(read_request(body, path=path, x_api_key="k")) in {200, 400, 404, 413, 422}


@given(PATHS, BODY | JSON)
def test_what_passes_the_fast_check_has_no_issues(read_request: ReadRequest, path: str, body: Any) -> None:
    call = read_request(body, path=path, x_api_key="k")
    assert not passes_fast_check(call) or find_body_issues(call) == []


@given(PATHS, st.binary(max_size=1100), st.text(st.characters(max_codepoint=255), max_size=20))
def test_any_bytes_are_admitted_or_refused(
    read_request: ReadRequest, path: str, raw: bytes, header: str
) -> None:
    call = read_request(raw=raw, path=path, x_api_key=header, content_type=f"application/json;{header}")
    assert status(call) in {400, 401, 404, 413, 422}
