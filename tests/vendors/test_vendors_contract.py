"""What every vendor keeps over a real socket: who is refused, how, and in whose words."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import requests

from mockserver.errors import STATUS_BY_KIND, InputError
from mockserver.testing import MockServer
from mockserver.validation.zod_issues import format_issues
from mockserver.vendors.parameter_rules import MAX_CHOICES

MOST = 100_000  # bytes of a request's body
HELLO: dict[str, Any] = {"model": "o1-preview", "messages": [{"role": "user", "content": "Hello"}]}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Contract:
    """What is particular to a vendor, as its pages have it; statuses by kind where they are its own."""

    name: str
    path: str
    key_header: str
    key_prefix: str
    key: str
    success: int
    envelope: tuple[str, ...]
    content_type: str
    statuses: dict[str, int]

    def status(self, kind: str) -> int:
        """The status of a kind; `rejected_value` is that of parameters whose values are not allowed."""
        kind = kind if kind in self.statuses or kind in STATUS_BY_KIND else "invalid_request"
        return self.statuses.get(kind, STATUS_BY_KIND.get(kind, 0))

    def auth(self, key: str | None = None) -> dict[str, str]:
        return {self.key_header: self.key_prefix + (self.key if key is None else key)}

    def message(self, response: requests.Response) -> str:
        """The text of a refusal, out of the envelope that it must have."""
        assert response.headers["content-type"] == self.content_type
        found: Any = response.json()
        for step in self.envelope:
            found = found[step]
        assert isinstance(found, str)
        return found

    def problem(self, response: requests.Response) -> str:
        """The text of a refusal, followed by its issues where the vendor has them apart."""
        error = response.json()["error"]
        issues = error.get("data", []) if isinstance(error, dict) else []
        return f"{self.message(response)} {format_issues(issues)}"


CONTRACTS = [
    Contract("aimlapi", "/v1/chat/completions", "authorization", "Bearer ", "0123456789abcdef", 201,
             ("error", "message"), "application/problem+json; charset=utf-8",
             {"insufficient_credits": 403, "method_not_allowed": 404, "wrong_content_type": 400}),
    Contract("segmind", "/v1/o1-preview", "x-api-key", "", "SG_0123456789abcdef", 200, ("error",), "application/json",
             {"insufficient_credits": 406, "wrong_content_type": 406, "rejected_value": 406}),
    Contract("omixa", "/api/v1/chat/completions", "authorization", "Bearer ", "omx_live_xxx", 200, ("error", "message"),
             "application/json",
             {"invalid_request": 422, "wrong_content_type": 422}),
]  # fmt: skip
AIMLAPI, SEGMIND, OMIXA = CONTRACTS

every_vendor = pytest.mark.parametrize("vendor", CONTRACTS, ids=lambda vendor: vendor.name)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(max_body=MOST) as running:
        yield running


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One client for all, so that every refusal must leave the connection usable."""
    with requests.Session() as one:
        yield one


class Ask:
    """A client of one server."""

    def __init__(self, server: MockServer, session: requests.Session) -> None:
        self.url = server.url
        self._session = session

    def post(self, vendor: Contract, body: Any = HELLO, **headers: str) -> requests.Response:
        """A good request, but for these headers, whose underscores are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(vendor, json=body, headers={**vendor.auth(), **named})

    def send(self, vendor: Contract, method: str = "POST", path: str = "", **more: Any) -> requests.Response:
        """Any request, below the vendor's own prefix."""
        return self.at(f"/{vendor.name}{path or vendor.path}", method, **more)

    def at(self, path: str, method: str = "POST", **more: Any) -> requests.Response:
        return self._session.request(method, self.url + path, timeout=20, **more)


@pytest.fixture(scope="module")
def ask(server: MockServer, session: requests.Session) -> Ask:
    return Ask(server, session)


def raw(server: MockServer, request: bytes) -> bytes:
    """All that is heard until the server closes the connection."""
    with socket.create_connection(
        (urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=20
    ) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


# --- good answers


@every_vendor
def test_a_good_request_is_answered(ask: Ask, vendor: Contract) -> None:
    response = ask.post(vendor)
    assert response.status_code == vendor.success
    assert response.json()["choices"][0]["message"]["role"] == "assistant"


@every_vendor
@pytest.mark.parametrize(
    "key", ["My API Key", "<YOUR_AIMLAPI_KEY>", "YOUR_API_KEY", "omx_live_xxx", "x", "a" * 2000]
)
def test_any_key_is_a_key(ask: Ask, vendor: Contract, key: str) -> None:
    assert ask.send(vendor, json=HELLO, headers=vendor.auth(key)).status_code == vendor.success


def test_a_bearer_is_as_good_as_an_api_key_where_the_page_says_so(ask: Ask) -> None:
    headers = {"authorization": "Bearer SG_0123456789abcdef"}
    assert ask.send(SEGMIND, json=HELLO, headers=headers).status_code == 200


def test_a_prompt_stands_for_messages_where_the_vendor_has_it(ask: Ask) -> None:
    assert ask.post(SEGMIND, {"prompt": "Hello"}).status_code == 200
    assert ask.post(OMIXA, {"model": "o1-preview", "prompt": "Hello"}).status_code == 422


@every_vendor
def test_a_host_is_as_good_as_a_prefix(ask: Ask, vendor: Contract) -> None:
    host = {"aimlapi": "api.aimlapi.com", "segmind": "api.segmind.com", "omixa": "www.omixa.cloud"}[
        vendor.name
    ]
    response = ask.at(vendor.path, json=HELLO, headers={**vendor.auth(), "host": f"{host.upper()}:80"})
    assert response.status_code == vendor.success


@every_vendor
def test_a_native_path_is_as_good_as_a_prefix(ask: Ask, vendor: Contract) -> None:
    assert ask.at(vendor.path, json=HELLO, headers=vendor.auth()).status_code == vendor.success


@every_vendor
def test_a_session_in_the_path_leaves_the_rest_as_it_is(ask: Ask, vendor: Contract) -> None:
    response = ask.at(f"/s/mine/{vendor.name}{vendor.path}", json=HELLO, headers=vendor.auth())
    assert (response.status_code, response.headers["x-mock-session"]) == (vendor.success, "mine")


# --- errors on demand


@every_vendor
@pytest.mark.parametrize("kind", STATUS_BY_KIND)
def test_a_kind_has_the_vendors_status_by_header_and_by_key(ask: Ask, vendor: Contract, kind: str) -> None:
    by_header = ask.post(vendor, x_mock_error=kind)
    by_key = ask.send(vendor, json=HELLO, headers=vendor.auth(f"sk-mock-{kind}"))
    assert by_header.status_code == by_key.status_code == vendor.status(kind)
    assert by_header.headers["content-type"] == by_key.headers["content-type"]


@every_vendor
@pytest.mark.parametrize("number", range(400, 600))
def test_a_number_has_that_status_in_the_vendors_envelope(ask: Ask, vendor: Contract, number: int) -> None:
    response = ask.post(vendor, {**HELLO, "stream": number % 2 == 0}, x_mock_error=str(number))
    assert response.status_code == number
    if (vendor.name, number) not in {("aimlapi", 522), ("aimlapi", 524), ("segmind", 405)}:
        assert vendor.message(response)


@pytest.mark.parametrize(
    ("vendor", "key", "status"),
    [(AIMLAPI, "sk-mock-402", 402), (OMIXA, "omx_live_mock-429", 429), (SEGMIND, "SG_mock-timeout", 504)],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_a_key_asks_for_its_error(ask: Ask, vendor: Contract, key: str, status: int) -> None:
    response = ask.send(vendor, json=HELLO, headers=vendor.auth(key))
    assert response.status_code == status
    assert vendor.message(response)


@every_vendor
@pytest.mark.parametrize(
    ("asked", "seconds", "exact"),
    [
        ("1s", "1", None),
        ("1500ms", "2", "1500"),
        ("30ms", "1", "30"),
        ("2m", "120", None),
        ("1h0.5s", "3601", "3600500"),
    ],
)
def test_retry_after_is_in_whole_seconds_rounded_up(
    ask: Ask, vendor: Contract, asked: str, seconds: str, exact: str | None
) -> None:
    response = ask.post(vendor, x_mock_error="429", x_mock_retry_after=asked)
    assert response.headers["retry-after"] == seconds
    assert response.headers.get("retry-after-ms") == exact


@every_vendor
@pytest.mark.parametrize(
    ("header", "value", "words"),
    [
        ("x_mock_error", "200", "x-mock-error: found the number 200, expected 400 to 599 or a kind"),
        ("x_mock_error", "rate_limit",
         "x-mock-error: found 'rate_limit', expected a number 400 to 599 or a kind, did you mean 'rate_limited'?"),
        ("x_mock_delay", "2", "x-mock-delay: a duration needs a unit, write 2ms or 2s"),
        ("x_mock_retry_after", "1s", "x-mock-retry-after: found it without an error; send x-mock-error as"),
        ("x_mock_fault", "rest", "x-mock-fault: found fault 'rest', expected one of reset, "),
        ("x_mock_session", "not a name", "found the session 'not a name', in the path after /s/ or in X-Mock-Session"),
        ("x_mock_eror", "429", "x-mock-eror: found an unknown header, expected x-mock-error, "),
    ],
)  # fmt: skip
def test_a_mock_header_that_is_wrong_says_what_to_write(
    ask: Ask, vendor: Contract, header: str, value: str, words: str
) -> None:
    response = ask.post(vendor, **{header: value})
    assert response.status_code == vendor.status("invalid_request")
    assert vendor.message(response).startswith(words)


# --- keys


@every_vendor
@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "missing_key"),
        ({"authorization": ""}, "missing_key"),
        ({"authorization": "Bearer"}, "missing_key"),
        ({"authorization": "Bearer "}, "missing_key"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "invalid_key"),
        ({"authorization": "sk-no-scheme"}, "invalid_key"),
    ],
)
def test_a_request_without_a_good_key_is_a_401(
    ask: Ask, vendor: Contract, headers: dict[str, str], kind: str
) -> None:
    response = ask.send(vendor, json=HELLO, headers=headers)
    assert response.status_code == 401
    assert vendor.message(response) == vendor.message(ask.post(vendor, x_mock_error=kind))


# --- paths and verbs


@pytest.mark.parametrize(
    ("vendor", "status", "kind"),
    [
        (AIMLAPI, 404, "application/problem+json; charset=utf-8"),
        (SEGMIND, 405, "text/html; charset=utf-8"),
        (OMIXA, 405, "application/json"),
    ],
    ids=lambda value: str(getattr(value, "name", value)),
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_a_wrong_verb_is_refused_as_the_vendor_does(
    ask: Ask, vendor: Contract, status: int, kind: str, method: str
) -> None:
    response = ask.send(vendor, method, json=HELLO, headers=vendor.auth())
    assert (response.status_code, response.headers["content-type"]) == (status, kind)
    assert bool(response.content) is (method != "HEAD")
    assert response.headers.get("allow") == (None if vendor is AIMLAPI else "POST")


@every_vendor
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/v1/no/where", "/v1/o1-preview/", "/v1/chat/completions//", "/%00"]
)
def test_an_unknown_path_is_the_vendors_404(ask: Ask, vendor: Contract, method: str, path: str) -> None:
    response = ask.send(vendor, method, path, json=HELLO, headers=vendor.auth())
    assert response.status_code == 404
    assert vendor.message(response)


@every_vendor
def test_a_trailing_slash_is_handled_as_the_profile_says(ask: Ask, vendor: Contract) -> None:
    response = ask.send(
        vendor, path=vendor.path + "/", json=HELLO, headers=vendor.auth(), allow_redirects=False
    )
    if vendor.name == "aimlapi":
        assert response.json()["choices"]
    else:
        assert response.status_code == 404
        assert vendor.message(response)


@every_vendor
def test_a_trailing_slash_of_an_auxiliary_path(ask: Ask, vendor: Contract) -> None:
    path = {"aimlapi": "/v1/models/", "segmind": "/v1/get-user-credits/", "omixa": "/api/v1/models/"}[
        vendor.name
    ]
    response = ask.send(vendor, "GET", path, headers=vendor.auth())
    assert response.status_code == (200 if vendor.name == "aimlapi" else 404)


RESERVED = [
    "chat",
    "messages",
    "completions",
    "images",
    "audio",
    "billing",
    "key",
    "keys",
]


@pytest.mark.parametrize(
    ("method", "name"), [("POST", "models"), *((verb, name) for verb in ("GET", "POST") for name in RESERVED)]
)
def test_a_reserved_name_is_never_a_model(ask: Ask, method: str, name: str) -> None:
    response = ask.at(f"/v1/{name}", method, json=HELLO, headers=AIMLAPI.auth())
    assert response.status_code == 404
    assert AIMLAPI.message(response) == f"Cannot {method} /v1/{name}"


def test_an_unknown_native_path_belongs_to_who_owns_what_is_above_it(ask: Ask) -> None:
    assert AIMLAPI.message(ask.at("/v1/no/where", "GET")) == "Cannot GET /v1/no/where"
    assert AIMLAPI.message(ask.at("/v1/o1-preview", "GET")) == "Cannot GET /v1/o1-preview"
    assert OMIXA.message(ask.at("/api/v1/nothing", "GET")) == "The requested resource was not found."


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api", "/v3/chat/completions"])
def test_a_path_of_nobody_names_the_vendors_own(ask: Ask, path: str) -> None:
    response = ask.at(path, json=HELLO)
    assert response.status_code == 404
    for vendor in CONTRACTS:
        assert f"/{vendor.name}" in response.json()["error"]["message"]


@every_vendor
def test_a_preflight_is_answered_to_any_page(ask: Ask, vendor: Contract) -> None:
    headers = {
        "origin": "https://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-mock-error, x-stainless-lang",
    }
    response = ask.send(vendor, "OPTIONS", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "x-mock-error" in response.headers["access-control-allow-headers"]


@every_vendor
def test_any_page_may_read_a_refusal(ask: Ask, vendor: Contract) -> None:
    response = ask.post(vendor, x_mock_error="429", origin="https://example.com")
    assert response.headers["access-control-allow-origin"] == "*"


# --- bodies


@every_vendor
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_body_of_another_type_is_refused(ask: Ask, vendor: Contract, kind: str) -> None:
    response = ask.send(vendor, data=json.dumps(HELLO), headers={**vendor.auth(), "content-type": kind})
    assert response.status_code == vendor.status("wrong_content_type")
    assert vendor.message(response)


@every_vendor
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty, expected a JSON object"),
        (b"{", "the body is not JSON: "),
        (b"{'model': 'x'}", "the body is not JSON: "),
        (b'{"model": "\xff\xfe"}', "the body is not JSON: found the byte 0xff at 11, expected UTF-8"),
        (b'{"model": "\\ud800"}', "the body is not JSON: "),
        (b"[" * 3000, "the body is not JSON: "),
        (b"[]", "the body is an array, expected a JSON object"),
        (b'"Hello"', "the body is a text, expected a JSON object"),
        (b"null", "the body is null, expected a JSON object"),
        (b"7", "the body is a scalar, expected a JSON object"),
    ],
)
def test_a_body_that_is_no_object_is_refused(ask: Ask, vendor: Contract, body: bytes, words: str) -> None:
    response = ask.send(vendor, data=body, headers={**vendor.auth(), **JSON})
    assert response.status_code == vendor.status("invalid_request")
    assert words in vendor.problem(response)


@every_vendor
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"messages": None}, "messages: Expected array, received null"),
        ({"messages": []}, "messages: Array must contain at least 1 element(s)"),
        ({"messages": "Hello"}, "messages: Expected array, received string"),
        ({"messages": ["Hello"]}, "messages.0: Expected object, received string"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages.0.role: Invalid discriminator value"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "messages.0.content: Expected string, received number",
        ),
        ({"n": 10**18}, f"n: Number must be less than or equal to {MAX_CHOICES}"),
        ({"n": 0}, "n: Number must be greater than or equal to 1"),
        ({"stream": "yes"}, "stream: Expected boolean, received string"),
        ({"stop": [1]}, "stop.0: Expected string, received number"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_body_that_is_wrong_says_what_and_where(
    ask: Ask, vendor: Contract, change: dict[str, Any], words: str, stream: bool
) -> None:
    response = ask.post(vendor, {**HELLO, "stream": stream, **change})
    rejected = change.keys() <= {"n", "stream", "stop"}
    assert response.status_code == vendor.status("rejected_value" if rejected else "invalid_request")
    assert words in vendor.problem(response)


@every_vendor
def test_messages_are_required(ask: Ask, vendor: Contract) -> None:
    assert "messages: Required" in vendor.problem(ask.post(vendor, {"model": "o1-preview"}))


@pytest.mark.parametrize("vendor", [AIMLAPI, OMIXA], ids=lambda vendor: vendor.name)
def test_a_model_is_required_where_the_path_names_none(ask: Ask, vendor: Contract) -> None:
    assert "model: Required" in vendor.problem(ask.post(vendor, {"messages": HELLO["messages"]}))


@pytest.mark.parametrize(
    ("model", "status"), [("o1-preview", 400), ("o1-mini", 400), ("o3-mini", 200), ("gpt-4o", 201)]
)
def test_a_known_model_is_held_to_its_roles(ask: Ask, model: str, status: int) -> None:
    body = {"model": model, "messages": [{"role": "system", "content": "Be kind."}, *HELLO["messages"]]}
    response = ask.post(AIMLAPI, body)
    assert response.status_code == status
    if status == 400:
        words = "Unsupported value: 'messages[0].role' does not support 'system' with this model."
        assert AIMLAPI.message(response) == words


@every_vendor
def test_a_body_over_the_limit_is_a_413_in_the_envelope(ask: Ask, vendor: Contract) -> None:
    body = json.dumps({**HELLO, "x": "y" * MOST}).encode()
    response = ask.send(vendor, data=body, headers={**vendor.auth(), **JSON})
    assert response.status_code == 413
    assert vendor.message(response)


@every_vendor
def test_a_body_over_the_limit_is_a_413_too_when_nobody_said_how_long_it_is(
    server: MockServer, vendor: Contract
) -> None:
    parts = iter([b'{"x": "', *[b"y" * 10_000] * (MOST // 10_000), b'"}'])
    with httpx2.Client() as client:
        response = client.post(
            f"{server.url}/{vendor.name}{vendor.path}", content=parts, headers={**vendor.auth(), **JSON}
        )
    assert response.status_code == 413
    assert response.headers["content-type"] == vendor.content_type


@every_vendor
def test_a_body_at_the_limit_is_let_in(ask: Ask, vendor: Contract) -> None:
    body = json.dumps(HELLO)
    response = ask.send(vendor, data=body + " " * (MOST - len(body)), headers={**vendor.auth(), **JSON})
    assert response.status_code == vendor.success


# --- HTTP itself


def request(vendor: Contract, version: str, *headers: str, body: bytes = json.dumps(HELLO).encode()) -> bytes:
    lines = [
        f"POST /{vendor.name}{vendor.path} HTTP/{version}",
        "host: x",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in vendor.auth().items()),
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@every_vendor
def test_http_1_0_is_served(server: MockServer, vendor: Contract) -> None:
    head, _, body = raw(server, request(vendor, "1.0")).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(vendor.success).encode()
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(body)["object"] == "chat.completion"


@every_vendor
def test_a_client_that_expects_100_is_told_to_go_on(server: MockServer, vendor: Contract) -> None:
    heard = raw(server, request(vendor, "1.1", "expect: 100-continue", "connection: close"))
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert f"\r\n\r\nHTTP/1.1 {vendor.success} ".encode() in heard


@every_vendor
def test_a_client_that_expects_100_for_too_much_is_told_at_once(server: MockServer, vendor: Contract) -> None:
    whole = request(vendor, "1.1", "expect: 100-continue", "connection: close", body=b"x" * (MOST + 1))
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    with socket.create_connection(
        (urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=20
    ) as client:
        client.sendall(head)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


@every_vendor
def test_an_etag_is_the_vendors_own(ask: Ask, vendor: Contract) -> None:
    tag = ask.post(vendor).headers.get("etag", "")
    assert bool(re.fullmatch(r'W/"[0-9a-f]+-[A-Za-z0-9+/]{27}"', tag)) is (vendor is AIMLAPI)


@every_vendor
def test_every_answer_can_be_traced(ask: Ask, vendor: Contract) -> None:
    good, bad = ask.post(vendor), ask.post(vendor, x_mock_error="500")
    assert len({reply.headers["x-request-id"] for reply in (good, bad)}) == 2
    assert len({reply.headers["x-mock-request-id"] for reply in (good, bad)}) == 2


# --- a profile of one's own

FOURTH = """\
name: fourth
title: The Fourth
hosts: [llm.fourth.example]
paths: {chat: [/generate], owns: [/generate]}
keys: [{header: X-Fourth-Token, scheme: Token}]
sample_key: f4
sample_model: four
success: {body: 202, stream: 206}
ids: {id: "f-{hex:6}", tool_call_id: "t-{hex:4}", trace: "{nano:10}"}
headers: {x-trace: $trace}
usage: {in: $prompt_tokens, out: $completion_tokens}
body:
  content_type: application/vnd.fourth+json
  whole: {answer: $choices, spent: $usage, by: $model, ref: $id}
  choice: {said: $message, why: $finish_reason}
  message: {text: $content}
stream:
  chunk: {part: $choices, spent: $usage}
  choice: {delta: $delta, why: $finish_reason}
  opening: {begin: true}
  usage: always
refusal:
  content_type: application/vnd.fourth-error+json
  body: {oops: {number: $status, say: $message, kind: $code}}
error_texts:
  missing_key: {message: Who are you?, code: anonymous}
  insufficient_credits: {status: 499, message: Pay first., code: broke}
  method_not_allowed: {message: "Do not $method."}
  other: {message: "Alas, $title. $detail"}
"""
SAYS = """\
fixtures:
  - match: {vendor: fourth}
    response: {text: Hi there, usage: {prompt_tokens: 3, completion_tokens: 2}}
"""


@pytest.fixture(scope="module")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that knows a vendor of which no line of code knows."""
    folder = tmp_path_factory.mktemp("fourth")
    (folder / "fourth.yaml").write_text(FOURTH)
    (folder / "fixtures.yaml").write_text(SAYS)
    with MockServer(folder / "fixtures.yaml", vendors=(folder / "fourth.yaml",)) as running:
        yield running.url


TOKEN = {"x-fourth-token": "Token f4"}


@pytest.mark.parametrize(
    ("path", "host"), [("/fourth/generate", "x"), ("/generate", "llm.fourth.example"), ("/generate", "x")]
)
def test_a_vendor_of_ones_own_answers_in_its_own_form(fourth: str, path: str, host: str) -> None:
    response = requests.post(fourth + path, json=HELLO, headers={**TOKEN, "host": host}, timeout=20)
    assert response.status_code == 202
    assert response.headers["content-type"] == "application/vnd.fourth+json"
    assert re.fullmatch(r"[\w-]{10}", response.headers["x-trace"])
    body = response.json()
    assert list(body) == ["answer", "spent", "by", "ref"]
    assert body["answer"] == [{"said": {"text": "Hi there"}, "why": "stop"}]
    assert body["spent"] == {"in": 3, "out": 2}
    assert re.fullmatch(r"f-[0-9a-f]{6}", body["ref"])


def test_a_vendor_of_ones_own_streams_in_its_own_form(fourth: str) -> None:
    with (
        httpx2.Client() as client,
        client.stream(
            "POST", f"{fourth}/fourth/generate", json={**HELLO, "stream": True}, headers=TOKEN
        ) as response,
    ):
        assert response.status_code == 206
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    chunks = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert chunks[0] == {"part": [{"delta": {"begin": True}, "why": None}], "spent": None}
    assert "".join(chunk["part"][0]["delta"].get("content", "") for chunk in chunks[:-1]) == "Hi there"
    assert chunks[-1] == {"part": [], "spent": {"in": 3, "out": 2}}


@pytest.mark.parametrize(
    ("method", "headers", "status", "error"),
    [
        ("POST", {}, 401, {"number": 401, "say": "Who are you?", "kind": "anonymous"}),
        ("POST", {"x-mock-error": "insufficient_credits"}, 499, {"number": 499, "say": "Pay first.", "kind": "broke"}),
        ("POST", {"x-mock-error": "402"}, 402, {"number": 402, "say": "Pay first.", "kind": "broke"}),
        ("POST", {"x-fourth-token": "Token mock-503"}, 503,
         {"number": 503, "say": "Alas, Service Unavailable.", "kind": None}),
        ("GET", TOKEN, 405, {"number": 405, "say": "Do not GET.", "kind": None}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_vendor_of_ones_own_refuses_in_its_own_words(
    fourth: str, method: str, headers: dict[str, str], status: int, error: dict[str, Any], stream: bool
) -> None:
    body = {**HELLO, "stream": stream}
    response = requests.request(method, f"{fourth}/fourth/generate", json=body, headers=headers, timeout=20)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/vnd.fourth-error+json"
    assert response.json() == {"oops": error}


def test_what_a_vendor_of_ones_own_owns_is_its_404(fourth: str) -> None:
    response = requests.get(f"{fourth}/generate/more", timeout=20)
    said = "Alas, Not Found. The Fourth has no such path, expected /generate"
    assert (response.status_code, response.json()["oops"]["say"]) == (404, said)


def test_the_shipped_vendors_stay_beside_it(fourth: str) -> None:
    response = requests.post(f"{fourth}/omixa{OMIXA.path}", json=HELLO, headers=OMIXA.auth(), timeout=20)
    assert response.status_code == 200


@pytest.mark.parametrize("envelope", ["'2024'", "2024", "2026-01", "2026-08"])
def test_a_generation_is_chosen_by_a_profile_of_two_lines(tmp_path: Path, envelope: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"extends: aimlapi\nenvelope: {envelope}\n")
    first = "requestId" if "2024" in envelope else "title"
    with MockServer(vendors=(mine,)) as server:
        url = f"{server.url}/aimlapi{AIMLAPI.path}"
        bad = requests.post(url, json=HELLO, timeout=20)
        good = requests.post(url, json=HELLO, headers=AIMLAPI.auth(), timeout=20)
    assert (bad.status_code, next(iter(bad.json()))) == (401, first)
    assert good.status_code == (201 if "2024" in envelope else 200)
    assert ("meta" in good.json()) is ("2026" in envelope)
    assert ("x-aimlapi-credits-used" in good.headers) is ("08" in envelope)


def test_settings_of_a_vendor_are_changed_by_a_profile_of_a_few_words(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("{extends: segmind, strict_auth: true, stream: {mode: ignored}, prompt: false}")
    with MockServer(vendors=(mine,)) as server:
        url = f"{server.url}/segmind{SEGMIND.path}"
        strict = requests.post(url, json=HELLO, headers={"authorization": "Bearer SG_1"}, timeout=20)
        whole = requests.post(url, json={**HELLO, "stream": True}, headers=SEGMIND.auth(), timeout=20)
        prompt = requests.post(url, json={"prompt": "Hello"}, headers=SEGMIND.auth(), timeout=20)
    assert (strict.status_code, whole.status_code, prompt.status_code) == (401, 200, 400)
    assert whole.headers["content-type"] == "application/json"


def test_a_wrong_profile_stops_the_server_before_it_starts(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: aimlapi\nname: healthz\n")
    with pytest.raises(
        InputError, match=r"mine\.yaml:2:1: name: found 'healthz', which is the server's own path"
    ):
        MockServer(vendors=(mine,))
