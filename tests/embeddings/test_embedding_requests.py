"""Requests for embeddings over a socket: answers, limits, fixtures, faults, accounts and assertions."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from mockserver.testing import MockServer

if TYPE_CHECKING:
    from tests.conftest import ProfileError, StartServer

FIXTURES = """
fixtures:
  - {name: fixed, match: {user: fixed}, response: {embedding: [1, -0.5, 0.25], model: mine, usage: {prompt_tokens: 7}}}
  - {name: made, match: {api: embeddings, user: made}, response: {embedding: generated, status: 202}}
  - name: in turn
    match: {api: [embeddings], user: in turn}
    responses: [{error: 503, times: 2}, {embedding: [3]}]
  - {name: bytes, match: {api: embeddings, user: bytes}, response: {raw: {body: '{"data": []}'}}}
  - {name: patched, match: {user: patched}, response: {embedding: [1], patch: {body: {usage: null}}}}
  - {name: broken, match: {user: broken}, response: {embedding: [1], fault: truncated}}
  - {name: both, match: {api: [chat, embeddings], user: both}, response: A text.}
  - {name: chat, match: {}, response: {template: true, text: "Hello {{ user }}"}}
accounts:
  - {key: sk-rich, balance: $1}
  - {key: sk-poor, balance: $0}
"""
SMALL = "text-embedding-3-small"


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


class Embedder:
    """A client of one session."""

    def __init__(self, server: MockServer, session: str) -> None:
        self.session = server.session(session)
        self._client = httpx2.Client(base_url=self.session.url, headers={"authorization": "Bearer sk-any"})

    def ask(
        self, source: Any, vendor: str = "openai", headers: dict[str, str] | None = None, **body: Any
    ) -> Any:
        whole = {"model": SMALL, "input": source, **body}
        return self._client.post(f"/{vendor}/v1/embeddings", json=whole, headers=headers or {})

    def vectors(self, source: Any, **body: Any) -> list[list[float]]:
        answer = self.ask(source, **body)
        assert answer.status_code == 200, answer.text
        return [item["embedding"] for item in answer.json()["data"]]

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def embedder(running: MockServer, request: pytest.FixtureRequest) -> Iterator[Embedder]:
    made = Embedder(running, f"e{abs(hash(request.node.name))}")
    yield made
    made.close()


def test_the_sdk_reads_vectors_of_both_vendors(running: MockServer) -> None:
    for endpoint, size in ((running.openai, 1536), (running.aimlapi, 3072)):
        model = "text-embedding-3-large" if size == 3072 else SMALL
        with openai.OpenAI(**endpoint.openai(), max_retries=0) as sdk:
            packed = sdk.embeddings.create(model=model, input=["Hello world", "Bye"])
            floats = sdk.embeddings.create(model=model, input="Hello world", encoding_format="float")
        assert [len(item.embedding) for item in packed.data] == [size, size]
        assert [item.index for item in packed.data] == [0, 1]
        assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
        assert (packed.model, packed.usage.prompt_tokens, packed.usage.total_tokens) == (model, 3, 3)


def test_the_answer_has_keys_and_headers_of_the_vendor(embedder: Embedder) -> None:
    answer = embedder.ask("Hello", dimensions=2)
    assert list(answer.json()) == ["object", "data", "model", "usage"]
    assert list(answer.json()["data"][0]) == ["object", "index", "embedding"]
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-ratelimit-remaining-tokens"] == "199999"
    assert "etag" in embedder.ask("Hello", "aimlapi", dimensions=2).headers


def test_inputs_are_texts_or_tokens_alone_or_in_lists(embedder: Embedder) -> None:
    alone, listed = embedder.vectors("cat", dimensions=8), embedder.vectors(["cat", "dog"], dimensions=8.0)
    assert (alone[0], len(listed)) == (listed[0], 2)
    assert embedder.vectors([5, 6], dimensions=8) == embedder.vectors([[5, 6]], dimensions=8)
    assert embedder.ask([[5, 6], [7]], dimensions=8).json()["usage"]["prompt_tokens"] == 3
    assert math.isclose(math.hypot(*embedder.vectors("cat", dimensions=300)[0]), 1, abs_tol=1e-6)
    assert len(embedder.vectors("cat", model="unknown-model", vendor="aimlapi")[0]) == 1536


def test_base64_has_floats_of_32_bits(embedder: Embedder) -> None:
    text: Any = embedder.vectors("cat", dimensions=4, encoding_format="base64")[0]
    assert struct.unpack("<4f", base64.b64decode(text)) == pytest.approx(
        embedder.vectors("cat", dimensions=4)[0], abs=1e-6
    )
    stated: Any = embedder.vectors("fixed", encoding_format="base64")[0]
    assert struct.unpack("<3f", base64.b64decode(stated)) == (1, -0.5, 0.25)


INVALID = (
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"input": None}, INVALID, "input"),
        ({"input": ""}, INVALID, "input"),
        ({"input": []}, INVALID, "input"),
        ({"input": ["a"] * 2049}, INVALID, "input"),
        ({"input": ["a", ""]}, INVALID, "input[1]"),
        ({"input": ["a", 1]}, INVALID, "input[1]"),
        ({"input": [[1], "a"]}, INVALID, "input[1]"),
        ({"input": [[]]}, INVALID, "input[0]"),
        ({"input": [1, -1]}, INVALID, "input[0]"),
        ({"input": [[0] * 2049]}, INVALID, "input[0]"),
        ({"dimensions": 1537}, "Invalid 'dimensions': Number must be less than or equal to 1536", "dimensions"),
        ({"dimensions": 0}, "Invalid 'dimensions': Number must be greater than or equal to 1", "dimensions"),
        ({"encoding_format": "hex"},
         "Invalid value: 'hex'. Supported values are: 'float', 'base64'.", "encoding_format"),
        ({"model": ""}, "Invalid 'model': String must contain at least 1 character(s)", "model"),
        ({"model": "gpt-4o"}, "You are not allowed to generate embeddings from this model", None),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused(
    embedder: Embedder, body: dict[str, Any], message: str, param: str | None
) -> None:
    answer = embedder.ask(
        **{"source": "Hello", **({"source": body.pop("input")} if "input" in body else {})}, **body
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["message"], error["param"]) == (400 if param else 403, message, param)


def test_too_many_tokens_are_refused(embedder: Embedder) -> None:
    long = embedder.ask(" a" * 9000)
    assert long.status_code == 400
    assert long.json()["error"]["message"].startswith(
        "This model's maximum context length is 8192 tokens, however you requested 9000 tokens (9000 in your prompt"
    )
    # More than 64 KB, and so on the worker thread.
    many = embedder.ask([" a" * 6000] * 51)
    assert many.json()["error"]["message"] == "Requested 306000 tokens, max 300000 tokens per request"
    issues = embedder.ask(" a" * 9000, "aimlapi").json()["error"]["data"]
    assert issues == [{"code": "custom", "path": ["input"], "message": "9000 tokens, expected at most 8192"}]


def test_a_large_request_is_answered(embedder: Embedder) -> None:
    texts = ["many words " * 700] * 10
    assert len(embedder.vectors(texts, dimensions=2)) == 10
    assert len(embedder.vectors(["a"] * 2048, dimensions=1)) == 2048


def test_a_model_has_embeddings_or_completions(embedder: Embedder) -> None:
    def chat(vendor: str) -> Any:
        body = {"model": SMALL, "messages": [{"role": "user", "content": "Hi"}]}
        return embedder._client.post(f"/{vendor}/v1/chat/completions", json=body)

    assert chat("openai").status_code == 404
    assert chat("openai").json()["error"]["message"].startswith("This is not a chat model")
    assert chat("aimlapi").status_code == embedder.ask("Hello", "aimlapi", model="o1").status_code == 404
    assert embedder.ask("Hello", "aimlapi", model="any-other", dimensions=1).status_code == 200


def test_a_model_of_another_api_is_a_404_of_a_vendor_without_embeddings(start_server: StartServer) -> None:
    server = start_server("", "{extends: omixa, name: mine, models: {other: {apis: [responses]}}}")
    body = {"model": "other", "messages": [{"role": "user", "content": "Hi"}]}
    path, headers = "/mine/api/v1/chat/completions", {"authorization": "Bearer k"}
    answer = httpx2.post(server.url + path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [f"{root}/{api}" for root in ("/segmind/v1", "/omixa/api/v1") for api in ("embeddings", "responses")],
)
def test_other_vendors_have_no_such_path(running: MockServer, path: str) -> None:
    headers = {"authorization": "Bearer k"}
    answer = httpx2.post(running.url + path, json={"model": SMALL, "input": "a"}, headers=headers)
    assert answer.status_code == 404


def test_a_fixture_may_state_the_vector(embedder: Embedder) -> None:
    answer = embedder.ask(["fixed", "too"], dimensions=2)
    assert [item["embedding"] for item in answer.json()["data"]] == [[1, -0.5, 0.25]] * 2
    assert (answer.json()["model"], answer.json()["usage"]["total_tokens"]) == ("mine", 7)
    assert answer.headers["x-mock-fixture"] == "fixed"
    made = embedder.ask("made", dimensions=2)
    assert (made.status_code, len(made.json()["data"][0]["embedding"])) == (202, 2)
    statuses = [embedder.ask("in turn").status_code for _ in range(3)]
    assert (statuses, embedder.vectors("in turn")) == ([503, 503, 200], [[3]])
    assert embedder.ask("bytes").text == '{"data": []}'
    assert "usage" not in embedder.ask("patched").json()


def test_matches_of_completions_are_for_completions_alone(embedder: Embedder) -> None:
    assert embedder.ask("Hello", dimensions=1).headers["x-mock-fixture"] == ""
    both = embedder.ask("both", dimensions=1)
    assert (both.headers["x-mock-fixture"], both.json()["data"][0]["object"]) == ("both", "embedding")
    named = embedder.ask("x", headers={"x-mock-fixture": "chat"}, dimensions=1)
    assert (named.status_code, named.json()["object"]) == (200, "list")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "fixed"}]}
    chat = embedder._client.post(
        "/openai/v1/chat/completions", json=body, headers={"x-mock-fixture": "fixed"}
    )
    assert (chat.status_code, chat.json()["error"]["message"]) == (
        400, "mockserver: the fixture's response is an embedding",
    )  # fmt: skip


def test_errors_and_faults_are_those_of_every_request(embedder: Embedder) -> None:
    assert embedder.ask("x", headers={"x-mock-error": "429"}).json()["error"]["code"] == "rate_limit_exceeded"
    assert embedder.ask("mock 402").status_code == 402
    for source, headers in (("broken", {}), ("x", {"x-mock-fault": "reset"})):
        with pytest.raises(httpx2.TransportError):
            embedder.ask(source, headers=headers)
    embedder.session.fail(500, api="embeddings", times=1)
    embedder.session.fail(418)  # of completions
    assert [embedder.ask("x", dimensions=1).status_code for _ in range(2)] == [500, 200]


def test_a_strict_server_refuses_what_no_fixture_matches(start_server: StartServer) -> None:
    strict = Embedder(
        start_server("fixtures: [{match: {user: a}, response: {embedding: [1]}}]", strict=True), "s"
    )
    assert strict.vectors("a") == [[1]]
    refused = strict.ask("b")
    assert refused.status_code == 404
    assert "no fixture matched" in refused.json()["error"]["message"]
    strict.close()


def test_assertions_and_the_journal_know_the_api(embedder: Embedder) -> None:
    embedder.session.on(user="stubbed").reply(embedding=[0.5, 0.5])
    assert embedder.vectors(["stubbed", "text"]) == [[0.5, 0.5]] * 2
    embedder.ask([1, 2], dimensions=1)
    embedder.session.assert_called(api="embeddings", user="stubbed", count=1)
    embedder.session.assert_called(api="embeddings", count=2)
    embedder.session.assert_not_called()
    entry = embedder.session.requests[0]
    assert (entry.user, entry.body["input"], entry.fixture) == (
        "stubbed\ntext",
        ["stubbed", "text"],
        entry.fixture,
    )
    assert "stubbed" in entry.explain()


def test_an_account_pays_for_the_tokens(embedder: Embedder) -> None:
    key = {"authorization": "Bearer sk-rich"}
    embedder.ask([[7] * 1000] * 10, headers=key, dimensions=1)
    embedder.session.assert_spent(
        "0.000200", key="sk-rich", api="embeddings"
    )  # 10,000 tokens at $0.02 per million
    embedder.ask([[7] * 1000] * 10, "aimlapi", headers=key, dimensions=1)
    embedder.session.assert_spent("0.000410", key="sk-rich", api="embeddings")
    listed = embedder._client.get("/aimlapi/v2/logs", headers=key).json()["data"][0]
    assert (listed["model"], listed["tokens"]) == (SMALL, {"input": 10_000, "output": 0, "total": 10_000})
    poor = embedder.ask("x", headers={"authorization": "Bearer sk-poor"})
    assert (poor.status_code, poor.json()["error"]["code"]) == (429, "insufficient_quota")


def test_the_list_of_models_has_no_embeddings_where_their_type_is_unknown(running: MockServer) -> None:
    listed = httpx2.get(f"{running.url}/aimlapi/v1/models").json()["data"]
    assert [model["id"] for model in listed if "embedding" in model["id"]] == []


@pytest.mark.parametrize(
    ("fixture", "problem"),
    [
        (
            "{match: {api: chat}, response: {embedding: [1]}}",
            "found an embedding, which no request of this api",
        ),
        ("{match: {api: embeddings}, response: Hello}", "found a response without embedding, error or raw"),
        (
            "{match: {}, response: {embedding: []}}",
            "response.embedding: found a list of 0, expected a list of at",
        ),
        (
            "{match: {}, response: {embedding: [1e39]}}",
            "response.embedding[0]: found the number 1e39, expected a",
        ),
        ("{match: {}, response: {embedding: random}}", "response.embedding: found text 'random', expected"),
        ("{match: {}, response: {embedding: [1], text: a}}", "found text and embedding in one response"),
        (
            "{match: {}, response: {embedding: [1], stream: {tps: 1}}}",
            "stream has no meaning beside embedding",
        ),
    ],
)
def test_a_mistake_in_a_fixture_is_reported(running: MockServer, fixture: str, problem: str) -> None:
    answer = httpx2.post(f"{running.url}/_mock/fixtures", content=f"fixtures: [{fixture}]",
                         headers={"content-type": "application/yaml"})  # fmt: skip
    assert answer.status_code == 400
    assert problem in json.dumps(answer.json(), ensure_ascii=False)


def test_a_profile_states_path_and_form_of_embeddings_together(profile_error: ProfileError) -> None:
    text = "{extends: omixa, paths: {embeddings: [/api/v1/embeddings]}}"
    assert "found one of 'embeddings' and 'paths.embeddings', expected both" in profile_error(text)
