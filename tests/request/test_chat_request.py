"""Tests of the parsed request: head, body, session, messages, and arbitrary input."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.masking import derive_key_session
from mockserver.request.chat_request import (
    ChatRequest,
    ClientDisconnected,
    RequestReader,
)
from mockserver.request.request_body import ToolResult
from mockserver.request.request_head import RequestHead, is_session_name, match_route, read_head, route_head
from mockserver.sessions.journal import generate_request_id
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor

DIRECTORY = VendorRouter(Vendor(load_profile(path)) for path in list_shipped_profiles())
PATH = "/aimlapi/v1/chat/completions"
LEFT = {"type": "http.disconnect"}
MOST = 1000  # bytes of a body


def head(path: str = PATH, headers: dict[str, str] | None = None, method: str = "POST") -> RequestHead:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return read_head({"type": "http", "method": method, "path": path, "headers": pairs})


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def read(asked: RequestHead, *messages: dict[str, Any]) -> ChatRequest:
    """Return the request that these ASGI messages make up; receiving more of them is an error."""
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    origin = route_head(asked, DIRECTORY)
    assert origin is not None
    return asyncio.run(RequestReader(MOST).read(origin, receive))


def said(body: Any, path: str = PATH, headers: dict[str, str] | None = None) -> ChatRequest:
    return read(head(path, headers), part(json.dumps(body).encode()))


def talk(*messages: Any, **more: Any) -> ChatRequest:
    return said({"model": "m", "messages": list(messages), **more})


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


# --- the head


@pytest.mark.parametrize(
    ("path", "rest", "session"),
    [
        ("/v1/x", "/v1/x", None),
        ("/s/me/v1/x", "/v1/x", "me"),
        ("/s/me", "/", "me"),
        ("/s/me/", "/", "me"),
        ("/s//v1", "/v1", ""),
        ("/s", "/s", None),
        ("/sx/me", "/sx/me", None),
    ],
)
def test_the_session_prefix_is_split_off_the_path(path: str, rest: str, session: str | None) -> None:
    asked = head(path)
    assert (asked.path, asked.session) == (rest, session)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.aimlapi.com", "api.aimlapi.com"),
        ("API.aimlapi.com:443", "api.aimlapi.com"),
        ("[::1]:8402", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_is_a_name_without_its_port(host: str, name: str) -> None:
    assert head(headers={"host": host}).host == name


def test_a_request_without_a_host_has_none() -> None:
    assert head().host == ""


def test_a_path_of_no_vendor_has_no_route() -> None:
    assert match_route(head("/nowhere"), DIRECTORY) is None


# --- the body


def test_a_body_may_arrive_in_several_parts() -> None:
    call = read(head(), part(b'{"mod', more=True), part(b"", more=True), part(b'el": "m"}'))
    assert (call.parsed.body, call.parsed.error) == ({"model": "m"}, "")
    assert call.raw == b'{"model": "m"}'


@pytest.mark.parametrize("declared", ["1001", "9" * 5000])
def test_a_body_declared_too_large_is_not_read(declared: str) -> None:
    call = read(head(headers={"content-length": declared}))
    assert (call.parsed.error, call.parsed.body, call.raw) == ("too_large", {}, b"")


@pytest.mark.parametrize("declared", ["", "x", "-1", "²", "2"])
def test_an_invalid_content_length_is_ignored(declared: str) -> None:
    assert read(head(headers={"content-length": declared}), part(b"{}")).parsed.error == ""


def test_reading_stops_when_a_body_grows_too_large() -> None:
    assert read(head(), part(b"x" * MOST, more=True), part(b"x", more=True)).parsed.error == "too_large"
    assert read(head(), part(b"x" * (MOST + 1))).parsed.error == "too_large"


def test_a_body_of_exactly_the_limit_is_read() -> None:
    call = read(head(), part(b'"' + b"x" * (MOST - 2) + b'"'))
    assert call.parsed.error_detail == "the body is a text, expected a JSON object"


@pytest.mark.parametrize("messages", [[LEFT], [part(b"{", more=True), LEFT]])
def test_a_client_that_disconnects_raises(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientDisconnected):
        read(head(), *messages)


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b"", "the body is empty, expected a JSON object"),
        (b" \n", "the body is empty, expected a JSON object"),
        (b"[1]", "the body is an array, expected a JSON object"),
        (b'"x"', "the body is a text, expected a JSON object"),
        (b"null", "the body is null, expected a JSON object"),
        (b"1", "the body is a scalar, expected a JSON object"),
        (b"true", "the body is a scalar, expected a JSON object"),
        (b'{"a": "\xff"}', "the body is not JSON: found the byte 0xff at 7, expected UTF-8"),
    ],
)
def test_a_body_that_is_no_object_has_an_error_detail(raw: bytes, detail: str) -> None:
    call = read(head(), part(raw))
    assert (call.parsed.body, call.parsed.error, call.parsed.error_detail) == ({}, "no_json", detail)


@pytest.mark.parametrize(
    "raw", [b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1e999}', b"[" * MOST, b'{"a": "\\ud800"}']
)
def test_a_body_that_is_not_json_has_an_error_detail(raw: bytes) -> None:
    call = read(head(), part(raw))
    assert call.parsed.error == "no_json"
    assert call.parsed.error_detail.startswith("the body is not JSON: ")


# --- the session and the attempt


@pytest.mark.parametrize(
    ("path", "headers", "session"),
    [
        ("/s/mine" + PATH, {"x-mock-session": "theirs", "authorization": "Bearer k"}, "mine"),
        (PATH, {"x-mock-session": "theirs", "authorization": "Bearer k"}, "theirs"),
        (PATH, {"authorization": "Bearer k"}, "key-8254c329"),
        (PATH, {"authorization": "Basic k"}, "anonymous"),
        (PATH, {}, "anonymous"),
        ("/s/" + PATH, {"x-mock-session": "theirs"}, ""),
        (PATH, {"x-mock-session": "", "authorization": "Bearer k"}, ""),
    ],
)
def test_a_session_is_named_by_path_then_header_then_key(
    path: str, headers: dict[str, str], session: str
) -> None:
    assert read(head(path, headers), part(b"{}")).session == session


@pytest.mark.parametrize(
    ("name", "good"),
    [("a", True), ("A.b_c-9", True), ("x" * 64, True), ("x" * 65, False), ("", False), ("a b", False), ("a\n", False),
     ("é", False)],
)  # fmt: skip
def test_session_names_are_limited_in_length_and_characters(name: str, good: bool) -> None:
    assert is_session_name(name) is good


def test_a_key_is_never_shown_in_its_session() -> None:
    assert "sk-secret" not in derive_key_session("sk-secret")
    assert (
        derive_key_session("sk-secret") == derive_key_session("sk-secret") != derive_key_session("sk-other")
    )


def test_every_request_has_an_id_of_its_own() -> None:
    assert generate_request_id() != generate_request_id()


def test_equal_requests_are_shared_unless_they_are_long() -> None:
    asked = head()
    origin = route_head(asked, DIRECTORY)
    assert origin is not None

    reader = RequestReader(1_000_000)

    def made(size: int) -> ChatRequest:
        async def receive() -> dict[str, Any]:
            return part(json.dumps({"model": "m" * size}).encode())

        return asyncio.run(reader.read(origin, receive))

    first = made(1)
    assert made(1) is first is not made(2)
    assert made(5_000) is not made(5_000)
    for size in range(2, 300):
        made(size)
    assert made(1) is not first  # evicted from the cache


def test_a_request_keeps_its_method_and_headers() -> None:
    call = read(head(PATH, {"X-Tenant": "acme"}, method="PUT"), part(b"{}"))
    assert (call.method, call.route.path, call.vendor.name) == ("PUT", "/v1/chat/completions", "aimlapi")
    assert call.headers["X-Tenant"] == "acme"


@pytest.mark.parametrize(
    ("count", "attempt"),
    [("0", 0), ("2", 2), ("", 0), ("two", 0), ("-1", 0), ("²", 0), ("9" * 9, 999999999), ("9" * 10, 0)],
)
def test_an_attempt_is_what_the_sdk_counts(count: str, attempt: int) -> None:
    assert said({}, headers={"x-stainless-retry-count": count}).attempt == attempt


def test_the_attempt_is_zero_without_the_header() -> None:
    assert said({}).attempt == 0


# --- messages and parameters


def test_a_model_is_named_in_the_path_or_in_the_body() -> None:
    assert said({"model": "o1-mini"}).model == "o1-mini"
    assert said({"model": 5}).model == ""
    assert said({"model": "other"}, "/segmind/v1/o1-preview").model == "o1-preview"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hello", "Hello"),
        ("", ""),
        (None, ""),
        (5, ""),
        ([], ""),
        ([{"type": "text", "text": "one"}, {"type": "input_text", "text": "two"}], "one\ntwo"),
        ([{"type": "image_url", "text": "no"}, {"type": "text", "text": "yes"}], "yes"),
        ([{"type": "text", "text": 5}, "no part", {"type": "text"}, {}], "\n"),
    ],
)
def test_text_parts_are_lines(content: Any, text: str) -> None:
    assert talk(user(content)).parsed.last_user_text == text


def test_the_last_user_text_is_that_of_the_last_user_message() -> None:
    call = talk(
        user("one"), {"role": "assistant", "content": "no"}, user("two"), {"role": "tool", "content": "no"}
    )
    assert (call.parsed.last_user_text, call.parsed.user_turns) == ("two", 2)
    assert talk({"role": "assistant", "content": "no"}).parsed.last_user_text == ""


def test_system_and_developer_texts_are_joined() -> None:
    call = talk({"role": "system", "content": "a"}, user("b"), {"role": "developer", "content": "c"})
    assert call.parsed.system_text == "a\nc"
    assert call.parsed.message_texts == ("a", "b", "c")


def test_values_that_are_no_messages_are_skipped() -> None:
    assert talk("hello", 5, None, user("Hello")).parsed.messages == (user("Hello"),)
    assert said({"messages": "hello"}).parsed.messages == ()


@pytest.mark.parametrize(
    ("path", "body", "heard"),
    [
        ("/segmind/v1/o1-preview", {"prompt": "Hello"}, "Hello"),
        ("/segmind/v1/o1-preview", {"prompt": "Hello", "messages": [user("Hi")]}, "Hi"),
        ("/segmind/v1/o1-preview", {"prompt": "Hello", "messages": None}, ""),
        ("/segmind/v1/o1-preview", {"prompt": ["Hello"]}, ""),
        (PATH, {"prompt": "Hello"}, ""),
    ],
)
def test_a_prompt_stands_for_one_user_message_where_the_vendor_has_it(
    path: str, body: dict[str, Any], heard: str
) -> None:
    assert said(body, path).parsed.last_user_text == heard


@pytest.mark.parametrize(
    ("parts", "image"),
    [
        ([{"type": "image_url", "image_url": {"url": "data:"}}], True),
        ([{"type": "input_image"}], True),
        ([{"type": "text", "text": "image_url"}], False),
        ("image_url", False),
    ],
)
def test_an_image_is_a_part_of_any_message(parts: Any, image: bool) -> None:
    assert talk(user(parts), user("and?")).parsed.has_image is image


@pytest.mark.parametrize(
    ("offered", "names"),
    [
        ([{"type": "function", "function": {"name": "a"}}, {"function": {"name": "b"}}], ("a", "b")),
        ([{"function": {}}, {"function": {"name": 5}}, {"function": "c"}, {}, "d"], ("", "")),
        ({"name": "a"}, ()),
        (None, ()),
    ],
)
def test_tools_are_named_as_offered(offered: Any, names: tuple[str, ...]) -> None:
    assert talk(tools=offered).parsed.tool_names == names


def test_tools_are_kept_as_the_request_has_them() -> None:
    assert talk(tools=[{"x": 1}, 2]).parsed.tools == [{"x": 1}]


def called(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def made(identifier: Any, name: Any) -> dict[str, Any]:
    return {"id": identifier, "function": {"name": name}}


def result(identifier: Any, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "21", **more}


@pytest.mark.parametrize(
    ("messages", "name"),
    [
        ([called(made("1", "a"), made("2", "b")), result("2")], "b"),
        ([called(made("1", "a")), called(made("1", "later")), result("1")], "later"),
        ([called(made("1", "a")), result("1", name="own")], "own"),
        ([called(made("1", "a")), result("9")], None),
        ([called(made("1", 5)), result("1")], None),
        ([called("x", {"id": "1"}, {"id": "1", "function": 5}), result("1")], None),
        ([{"role": "assistant", "tool_calls": 5}, result("1")], None),
        ([result("1", name={"not": "a name"})], None),
    ],
)
def test_a_tools_result_is_named_by_the_call_it_answers(messages: list[Any], name: str | None) -> None:
    assert talk(*messages).parsed.tool_result == ToolResult(name, "21")


def test_a_function_message_is_a_tools_result() -> None:
    last = {"role": "function", "name": "a", "content": [{"type": "text", "text": "21"}]}
    assert talk(last).parsed.tool_result == ToolResult("a", "21")


@pytest.mark.parametrize(
    ("messages", "names"),
    [
        ([], []),
        ([user("hi")], []),
        ([result("1"), {"role": "assistant", "content": "21"}, user("thanks")], []),
        ([result("1"), user("thanks")], [None]),
        ([called(made("1", "a")), result("1"), called(made("2", "b")), user("go on"), result("2")], ["b"]),
        ([called(made("1", "a"), made("2", "b")), result("2"), result("1"), user("go on")], ["b", "a"]),
    ],
)
def test_tool_results_are_those_after_the_last_assistant_message(
    messages: list[Any], names: list[str | None]
) -> None:
    request = talk(*messages)
    assert [one.name for one in request.parsed.tool_results] == names
    assert request.parsed.tool_result == (ToolResult(names[-1], "21") if names else None)


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        (None, "text"),
        ({"type": "json_object"}, "json_object"),
        ({"type": "json_schema", "json_schema": {}}, "json_schema"),
        ({}, "text"),
        ({"type": 5}, "text"),
        ("json_object", "text"),
    ],
)
def test_a_response_format_is_named(asked: Any, form: str) -> None:
    assert talk(response_format=asked).parsed.response_format == form


@pytest.mark.parametrize(
    ("asked", "stream"), [(True, True), (False, False), (None, False), ("true", False), (1, False)]
)
def test_only_true_requests_a_stream(asked: Any, stream: bool) -> None:
    assert talk(stream=asked).stream is stream


# --- arbitrary input

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=8,
)
ROLE = st.sampled_from(["user", "system", "developer", "assistant", "tool", "function"]) | JSON
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": ROLE,
        "content": JSON
        | st.lists(st.fixed_dictionaries({"type": st.just("text") | JSON, "text": JSON}), max_size=2),
        "tool_calls": JSON | st.lists(st.fixed_dictionaries({"id": JSON, "function": JSON}), max_size=2),
        "tool_call_id": JSON,
        "name": JSON,
    },
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "model": JSON,
        "messages": JSON | st.lists(MESSAGE | JSON, max_size=3),
        "prompt": JSON,
        "stream": JSON,
        "tools": JSON | st.lists(st.fixed_dictionaries({"function": JSON}), max_size=2),
        "response_format": JSON | st.fixed_dictionaries({"type": JSON}),
    },
)
PATHS = st.sampled_from(
    [PATH, "/segmind/v1/o1-preview", "/omixa/api/v1/chat/completions", "/s/a/v1/x", "/v1/models"]
)
HEADER = st.sampled_from(
    ["authorization", "x-api-key", "content-length", "x-mock-session", "x-stainless-retry-count", "host"]
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)


def looked_at(call: ChatRequest) -> Iterable[object]:
    """Return every property of a request."""
    yield from (
        call.vendor,
        call.stream,
        call.attempt,
        call.parsed.user_turns,
        call.parsed.system_text,
        call.parsed.message_texts,
        call.parsed.has_image,
    )
    yield from (
        call.parsed.tools,
        call.parsed.tool_names,
        call.parsed.tool_result,
        call.parsed.response_format,
        call.session,
        call.parsed.last_user_text,
    )


@given(PATHS, BODY | JSON, st.dictionaries(HEADER, LATIN))
def test_any_json_is_a_request(path: str, body: Any, headers: dict[str, str]) -> None:
    call = said(body, path, headers)
    assert list(looked_at(call))
    assert isinstance(call.parsed.body, dict)
    assert call.parsed.error or call.parsed.body == json.loads(call.raw)
    assert_read_again(call)


@given(st.lists(st.binary(max_size=MOST), min_size=1, max_size=3), st.dictionaries(HEADER, LATIN))
def test_any_bytes_are_a_request(parts: list[bytes], headers: dict[str, str]) -> None:
    sent = [part(one, more=index + 1 < len(parts)) for index, one in enumerate(parts)]
    call = read(head(PATH, headers), *sent)
    assert list(looked_at(call))
    assert call.parsed.error or call.raw == b"".join(parts)
    assert_read_again(call)


def assert_read_again(call: ChatRequest) -> None:
    """Assert that a dropped body is equal when it is parsed again."""
    before = call.lazy_body.parsed
    call.lazy_body.drop_parsed()
    assert call.lazy_body.parsed == before
    assert call.lazy_body.parsed is not before or call.parsed.error == "too_large"
