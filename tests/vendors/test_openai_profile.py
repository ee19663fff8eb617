"""The profile of OpenAI over a socket: its bodies, streams, errors and headers, as its clients read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from mockserver.testing import MockServer
from mockserver.vendors.placeholders import format_wait
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import PROFILE_DIRECTORY
from mockserver.vendors.vendor import TokenUsage, Vendor

if TYPE_CHECKING:
    from tests.conftest import Client, MakeClient, StartServer

ACCOUNTS = """
accounts:
  - {key: sk-broke, balance: $0}
  - {key: sk-slow, rate_limit: [2/minute, 5/hour, 1000 tokens/hour]}
"""
UNSUPPORTED = (
    "Unsupported parameter: 'max_tokens' is not supported with this model."
    " Use 'max_completion_tokens' instead."
)
LIMITS = ("limit-requests", "remaining-requests", "reset-requests", "limit-tokens", "remaining-tokens")


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(ACCOUNTS)


@pytest.fixture
def client(make_client: MakeClient, running: MockServer) -> Client:
    return make_client(running)


def create_sdk(running: MockServer, key: str = "sk-any") -> openai.OpenAI:
    return openai.OpenAI(base_url=running.openai.openai()["base_url"], api_key=key, max_retries=0)


def ask(sdk: openai.OpenAI, model: str = "gpt-4o", **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": "Hello"}]
    return sdk.chat.completions.with_raw_response.create(model=model, messages=messages, **more)


def test_the_sdk_reads_bodies_streams_and_models(running: MockServer) -> None:
    with create_sdk(running) as sdk:
        answer = ask(sdk)
        completion = answer.parse()
        chunks = list(ask(sdk, stream=True, stream_options={"include_usage": True}).parse())
        models = [model.id for model in sdk.models.list()]
        assert sdk.models.retrieve("o1").owned_by == "system"
        with pytest.raises(openai.NotFoundError, match=r"The model 'gpt-9' does not exist") as missing:
            sdk.models.retrieve("gpt-9")
    assert completion.model == chunks[0].model == "gpt-4o-2024-08-06"
    assert completion._request_id.startswith("req_")
    assert (completion.choices[0].logprobs, completion.service_tier) == (None, "default")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage.total_tokens > chunks[-1].usage.prompt_tokens == 7
    assert missing.value.code == "model_not_found"
    assert models == [
        "gpt-4o", "gpt-4o-mini", "gpt-4.1", "o1", "o3-mini", "text-embedding-3-small", "text-embedding-3-large",
    ]  # fmt: skip


@pytest.mark.parametrize(("model", "has_logprobs"), [("gpt-4.1", True), ("o1", False)])
def test_only_models_that_have_logprobs_send_the_key(client: Client, model: str, has_logprobs: bool) -> None:
    body = client.chat("openai", model=model)
    chunks = client.chat("openai", model=model, stream=True).chunks
    choices = [body.json["choices"][0], *(chunk["choices"][0] for chunk in chunks)]
    assert {"logprobs" in choice for choice in choices} == {has_logprobs}


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        ({"messages": 3}, "Invalid type for 'messages': expected array, but got number instead.",
         "messages", "invalid_type"),
        ({"messages": [{"role": "user"}]}, "Missing required parameter: 'messages[0].content'.",
         "messages[0].content", "missing_required_parameter"),
        ({"model": "o1", "reasoning_effort": "huge"},
         "Invalid value: 'huge'. Supported values are: 'low', 'medium', 'high'.",
         "reasoning_effort", "invalid_value"),
        ({"model": "o3-mini", "max_tokens": 9, "n": None}, UNSUPPORTED, "max_tokens", "unsupported_parameter"),
        ({"stop": 3}, "Invalid type for 'stop': expected string or array, but got number instead.", "stop",
         "invalid_type"),
        ({"stop": [3]}, "Invalid type for 'stop[0]': expected string, but got number instead.", "stop[0]",
         "invalid_type"),
        ({"n": 0}, "Invalid 'n': Number must be greater than or equal to 1", "n", "invalid_value"),
    ],
)  # fmt: skip
def test_an_invalid_body_is_described_by_its_first_issue(
    client: Client, body: dict[str, Any], message: str, param: str, code: str
) -> None:
    answer = client.chat("openai", **body)
    expected = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    assert (answer.status, answer.json) == (400, {"error": expected})


def test_null_is_no_unsupported_parameter(client: Client) -> None:
    assert client.chat("openai", model="o1", temperature=None).status == 200


def test_issues_without_a_text_keep_that_of_the_error(
    make_client: MakeClient, start_server: StartServer
) -> None:
    profile = "{extends: omixa, name: mine, issue_texts: {required: {message: '$param!'}},\n"
    profile += "refusal: {body: {no: $message, param: $param}}}"
    client = make_client(start_server("", profile))
    assert client.chat("mine", messages=[{"role": "user"}]).json == {
        "no": "messages[0].content!",
        "param": "messages[0].content",
    }
    other = client.chat("mine", n=0).json
    assert (other["no"].startswith("The request payload is invalid. n: "), other["param"]) == (True, "n")


def test_errors_have_the_codes_that_clients_look_for(running: MockServer) -> None:
    with create_sdk(running, "sk-broke") as sdk:
        with pytest.raises(openai.RateLimitError, match="You exceeded your current quota") as broke:
            ask(sdk)
        error = broke.value
        assert (error.type, error.code, error.param) == ("insufficient_quota", "insufficient_quota", None)
        with pytest.raises(openai.NotFoundError) as unknown:
            sdk.post("/nowhere", cast_to=object)
        assert unknown.value.message.endswith("Invalid URL (POST /v1/nowhere)")
    with (
        create_sdk(running) as sdk,
        pytest.raises(openai.AuthenticationError, match="You didn't provide"),
    ):
        ask(sdk.with_options(default_headers={"authorization": ""}))


def test_an_unknown_model_is_refused_by_a_strict_server(
    make_client: MakeClient, start_server: StartServer
) -> None:
    client = make_client(start_server("", strict_models=True))
    answer = client.chat("openai", model="gpt-9")
    assert answer.status == 404
    assert answer.json["error"] == {
        "message": "The model `gpt-9` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


@pytest.mark.parametrize("stream", [False, True])
def test_headers_have_the_limits_of_the_profile_or_of_the_account(running: MockServer, stream: bool) -> None:
    def limits(answer: Any) -> list[str]:
        return [answer.headers.get(f"x-ratelimit-{name}", "") for name in LIMITS]

    key = {"x-mock-session": f"limits-{stream}"}
    with create_sdk(running) as sdk, create_sdk(running, "sk-slow") as slow:
        assert limits(ask(sdk, stream=stream)) == ["500", "499", "120ms", "200000", "199993"]
        first = limits(ask(slow, stream=stream, extra_headers=key))
        assert (first[:2], first[3]) == (["2", "1"], "1000")
        assert int(first[4]) < 1000 - 7
        ask(slow, stream=stream, extra_headers=key)
        with pytest.raises(openai.RateLimitError) as full:
            ask(slow, stream=stream, extra_headers=key)
    assert full.value.code == "rate_limit_exceeded"
    assert "Please try again in " in full.value.message
    assert full.value.response.headers["x-ratelimit-remaining-requests"] == "0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0101, "11ms"),
        (1, "1s"),
        (20.5, "20.5s"),
        (66.499, "1m6.499s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
    ],
)
def test_a_wait_has_the_form_of_the_headers(seconds: float, text: str) -> None:
    assert format_wait(seconds) == text


@pytest.mark.parametrize(
    ("model", "prompt", "cached", "completion"),
    [
        ("gpt-4o", 2.5, 1.25, 10),
        ("gpt-4o-mini", 0.15, 0.075, 0.6),
        ("gpt-4.1", 2, 0.5, 8),
        ("o1", 15, 7.5, 60),
        ("o3-mini", 1.1, 0.55, 4.4),
        ("text-embedding-3-small", 0.02, 0.02, 0),
        ("text-embedding-3-large", 0.13, 0.13, 0),
    ],
)
def test_a_million_tokens_cost_the_list_price(
    model: str, prompt: float, cached: float, completion: float
) -> None:
    vendor = Vendor(load_profile(PROFILE_DIRECTORY / "openai.yaml"))

    def cost(**usage: int) -> float:
        return float(vendor.charge(TokenUsage(**{"prompt": 0, "completion": 0, **usage}), model).usd)

    million = 1_000_000
    assert (cost(prompt=million), cost(prompt=million, cached=million), cost(completion=million)) == (
        prompt,
        cached,
        completion,
    )
