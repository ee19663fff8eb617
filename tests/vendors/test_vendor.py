"""A vendor reads its keys, counts in its money and refuses in its words."""

from __future__ import annotations

import json
import math
import re
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import STATUS_BY_KIND, ApiError, RetryAfter
from mockserver.vendors.model_spec import SuccessSpec
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import PROFILE_DIRECTORY, list_shipped_profiles
from mockserver.vendors.vendor import TokenUsage, Vendor
from mockserver.wire.answer import Answer

if TYPE_CHECKING:
    from tests.vendors.conftest import Load

ABOUT = {"method": "POST", "path": "/v1/chat/completions", "model": "o1-preview", "allow": "POST"}
VENDORS = [path.stem for path in list_shipped_profiles()]
every_vendor = pytest.mark.parametrize("name", VENDORS)

FOURTH = """\
name: fourth
title: Fourth
paths: {chat: [/chat]}
keys: [{header: x-key}]
sample_key: k
sample_model: m
ids: {tool_call_id: "call_{hex:8}"}
usage: {tokens: $total_tokens}
body: {whole: {say: $choices}, choice: {is: $message}, message: {text: $content}}
stream: {chunk: {say: $choices}, choice: {is: $delta}, opening: {}}
refusal: {body: {no: $message, detail: $detail, number: $status}}
error_texts: {}
"""


def heard(answer: Answer) -> Any:
    return json.loads(answer.frames[0].data)


def headers(answer: Answer) -> dict[str, str]:
    return dict(answer.headers)


# --- the key


@pytest.mark.parametrize(
    ("name", "sent", "key"),
    [
        ("aimlapi", {}, None),
        ("aimlapi", {"authorization": ""}, None),
        ("aimlapi", {"authorization": "Bearer"}, None),
        ("aimlapi", {"authorization": "Bearer   "}, None),
        ("aimlapi", {"authorization": "Bearer sk-1"}, "sk-1"),
        ("aimlapi", {"authorization": "bearer sk-1"}, "sk-1"),
        ("aimlapi", {"authorization": "Bearer My API Key"}, "My API Key"),
        ("aimlapi", {"authorization": "Bearer <YOUR_AIMLAPI_KEY>"}, "<YOUR_AIMLAPI_KEY>"),
        ("aimlapi", {"authorization": "Basic abc"}, ""),
        ("aimlapi", {"authorization": "sk-1"}, ""),
        ("aimlapi", {"authorization": "Bearersk-1"}, ""),
        ("aimlapi", {"x-api-key": "sk-1"}, None),
        ("segmind", {"x-api-key": "SG_1"}, "SG_1"),
        ("segmind", {"x-api-key": "", "authorization": "Bearer b"}, "b"),
        ("segmind", {"x-api-key": "SG_1", "authorization": "Bearer b"}, "SG_1"),
        ("segmind", {"authorization": "Bearer YOUR_API_KEY"}, "YOUR_API_KEY"),
        ("segmind", {"authorization": "Basic abc"}, ""),
        ("segmind", {}, None),
        ("omixa", {"authorization": "Bearer omx_live_xxx"}, "omx_live_xxx"),
        ("omixa", {"x-api-key": "SG_1"}, None),
    ],
)
def test_a_key_is_read_where_the_vendor_reads_it(
    vendors: dict[str, Vendor], name: str, sent: dict[str, str], key: str | None
) -> None:
    assert vendors[name].api_key(sent) == key


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"authorization": "Bearer b"}, ""),
        ({"x-api-key": "SG_1", "authorization": "Bearer b"}, "SG_1"),
        ({}, None),
    ],
)
def test_strict_auth_refuses_a_key_in_a_lenient_header(
    load: Load, sent: dict[str, str], key: str | None
) -> None:
    assert Vendor(load("{extends: segmind, strict_auth: true}")).api_key(sent) == key


# --- models and usage


@pytest.mark.parametrize(
    ("model", "prompt", "completion", "counted"),
    [
        ("o1-preview", 9, 411, (284, 51786, 52070)),
        ("o1-mini", 9, 86, (57, 2167, 2224)),
        ("o3-mini", 7, 277, (16, 2559, 2575)),
        ("o1-preview-2024-09-12", 11, 0, (347, 0, 347)),  # 346.5, where Python's round() gives 346
        ("o1-preview", 7, 1, (221, 126, 347)),
        ("unknown", 9, 411, (9, 411, 420)),
    ],
)
def test_usage_is_in_credits_each_rounded_half_up(
    vendors: dict[str, Vendor], model: str, prompt: int, completion: int, counted: tuple[int, int, int]
) -> None:
    raw = TokenUsage(prompt, completion, reasoning=5, cached=3)
    usage = vendors["aimlapi"].usage(raw, model)
    assert tuple(usage.values())[:3] == counted
    assert list(usage)[:3] == ["prompt_tokens", "completion_tokens", "total_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 0}
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 5


AIMLAPI = Vendor(load_profile(PROFILE_DIRECTORY / "aimlapi.yaml"))
PRICES = [
    (model, side, Fraction(str(getattr(known.price, side))))
    for model, known in (AIMLAPI.profile.models or {}).items()
    for side in ("prompt", "completion")
]


@given(st.integers(0, 10**6), st.sampled_from(PRICES))
def test_no_credit_is_lost_to_binary_fractions(tokens: int, price: tuple[str, str, Fraction]) -> None:
    model, side, dollars = price
    charged = AIMLAPI.usage_values(TokenUsage(tokens, tokens), model)
    assert charged[f"{side}_credits"] == math.floor(dollars * 2 * tokens + Fraction(1, 2))


@pytest.mark.parametrize("name", ["segmind", "omixa"])
def test_usage_is_in_tokens_without_details(vendors: dict[str, Vendor], name: str) -> None:
    usage = vendors[name].usage(TokenUsage(9, 411, reasoning=384), "o1-preview")
    assert list(usage.items()) == [("prompt_tokens", 9), ("completion_tokens", 411), ("total_tokens", 420)]


@pytest.mark.parametrize("generation", ["2026-01", "2026-08"])
def test_the_later_generations_count_raw_tokens(load: Load, generation: str) -> None:
    usage = Vendor(load(f"{{extends: aimlapi, envelope: '{generation}'}}")).usage(
        TokenUsage(9, 411), "o1-preview"
    )
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (9, 411, 420)


def test_what_a_completion_costs_is_known_in_dollars(vendors: dict[str, Vendor]) -> None:
    charged = vendors["aimlapi"].usage_values(TokenUsage(9, 411), "o1-preview")
    assert (charged["usd"], charged["usd_spent"]) == (0.026035, "0.026035000")
    assert vendors["omixa"].usage_values(TokenUsage(9, 411), "o1-preview")["usd_spent"] == "0.024795000"


def test_cached_tokens_of_a_prompt_have_their_own_price(vendors: dict[str, Vendor], load: Load) -> None:
    usage = TokenUsage(1_000_000, 100_000, cached=400_000)
    assert vendors["omixa"].charge(usage, "codex-mini").usd == Decimal("1.65")  # 0.9 + 0.15 + 0.6
    assert vendors["omixa"].charge(TokenUsage(1, 0, cached=1_000_000), "codex-mini").usd == Decimal(
        "0.000000375"
    )
    whole = Vendor(load("{extends: aimlapi, models: {o1: {price: {prompt: 1, cached: 0.5, completion: 1}}}}"))
    assert whole.charge(usage, "o1").credits == Decimal(1_800_000)  # 2 credits for each dollar of a million


def test_a_stream_may_word_its_usage_otherwise(load: Load) -> None:
    stream = "stream: {chunk: {say: $choices}, choice: {}, opening: {}, usage_form: {count: $total_tokens}}"
    vendor = Vendor(load(re.sub("stream: .*", stream, FOURTH)))
    assert vendor.usage(TokenUsage(1, 2), "m") == {"tokens": 3}
    assert vendor.usage(TokenUsage(1, 2), "m", streamed=True) == {"count": 3}


def test_a_model_is_known_by_its_name_and_its_snapshot(vendors: dict[str, Vendor]) -> None:
    vendor = vendors["aimlapi"]
    assert vendor.models["o1-mini"] is vendor.models["o1-mini-2024-09-12"]
    assert ("o1-mini" in vendor.models, "gpt-4o" in vendor.models) == (True, False)
    assert vendor.models["gpt-4o"].price is None


@pytest.mark.parametrize(
    ("name", "model", "success"),
    [
        ("aimlapi", "o1-preview", SuccessSpec(body=201, stream=200)),
        ("aimlapi", "o1-mini", SuccessSpec(body=201, stream=200)),
        ("aimlapi", "o3-mini", SuccessSpec(body=200, stream=200)),
        ("segmind", "o1-preview", SuccessSpec(body=200, stream=200)),
        ("omixa", "o1-preview", SuccessSpec(body=200, stream=200)),
    ],
)
def test_success_has_the_status_of_the_model(
    vendors: dict[str, Vendor], name: str, model: str, success: SuccessSpec
) -> None:
    assert vendors[name].success(model) == success


@pytest.mark.parametrize(
    ("model", "roles", "words"),
    [
        ("o1-preview", ["user", "assistant"], None),
        ("o1-preview", ["system", "user"],
         "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        ("o1-mini", ["user", "developer"],
         "Unsupported value: 'messages[1].role' does not support 'developer' with this model."),
        ("o3-mini", ["system", "developer", "user", "assistant", "tool"], None),
        ("gpt-4o", ["whoever"], None),
    ],
)  # fmt: skip
def test_a_model_says_which_role_it_does_not_hear(
    vendors: dict[str, Vendor], model: str, roles: list[str], words: str | None
) -> None:
    assert vendors["aimlapi"].unsupported_role(model, roles) == words


# --- headers


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ({}, ()),
        ({"x-client-request-id": ""}, ()),
        ({"x-client-request-id": "my-id_1.2:3"}, (("x-client-request-id", "my-id_1.2:3"),)),
        ({"x-client-request-id": "a" * 128}, (("x-client-request-id", "a" * 128),)),
        ({"x-client-request-id": "a" * 129}, ()),
        ({"x-client-request-id": "my id"}, ()),
    ],
)
def test_a_header_is_echoed_when_it_is_as_documented(
    load: Load, sent: dict[str, str], echoed: tuple[tuple[str, str], ...]
) -> None:
    assert Vendor(load("{extends: aimlapi, envelope: 2026-08}")).echo_headers(sent) == echoed


def test_what_no_head_may_have_is_not_echoed(load: Load) -> None:
    vendor = Vendor(load("{extends: aimlapi, echo: {x-a: '.*'}}"))
    assert vendor.echo_headers({"x-a": "a\tb\xa0"}) == (("x-a", "a\tb\xa0"),)
    assert vendor.echo_headers({"x-a": "日本"}) == vendor.echo_headers({"x-a": "a\0"}) == ()


def test_a_generation_that_echoes_nothing_echoes_nothing(vendors: dict[str, Vendor]) -> None:
    assert vendors["aimlapi"].echo_headers({"x-client-request-id": "me"}) == ()


def test_an_etag_is_made_as_express_makes_it(vendors: dict[str, Vendor]) -> None:
    # https://github.com/jshttp/etag: the documented value of the body "Hello World"
    sent = dict(vendors["aimlapi"].headers({"request_id": "r"}, b"Hello World"))
    assert sent["etag"] == 'W/"b-Ck1VqNd45QIvq3AZd8XYQLvEhtA"'
    assert "etag" not in dict(vendors["aimlapi"].headers({"request_id": "r"}))
    assert "etag" not in dict(vendors["omixa"].headers({"request_id": "r"}, b"Hello World"))


def test_a_body_has_the_headers_of_a_body(load: Load) -> None:
    vendor = Vendor(load("{extends: aimlapi, envelope: 2026-08}"))
    sent = vendor.body_headers(vendor.usage_values(TokenUsage(9, 411), "o1-preview"))
    assert sent == (
        ("content-type", "application/json; charset=utf-8"),
        ("x-aimlapi-credits-used", "52070"),
        ("x-aimlapi-usd-spent", "0.026035000"),
    )


def test_what_a_client_sent_never_becomes_another_header(load: Load) -> None:
    vendor = Vendor(load(FOURTH + "headers: {x-model: 'asked for $model'}\n"))
    assert vendor.headers({"model": "a\r\nset-cookie: b"}) == (("x-model", "asked for a%0D%0Aset-cookie: b"),)
    assert vendor.headers({"model": "日"}) == (("x-model", "asked for %E6%97%A5"),)


# --- refusals

KINDS_DIFFER = {
    "insufficient_credits": (403, 406, 402, 429),
    "invalid_request": (400, 400, 422, 400),
    "wrong_content_type": (400, 406, 422, 400),
    "method_not_allowed": (404, 405, 405, 405),
}


@every_vendor
@pytest.mark.parametrize("kind", STATUS_BY_KIND)
def test_a_kind_has_the_vendors_own_status(vendors: dict[str, Vendor], name: str, kind: str) -> None:
    answer = vendors[name].error_answer(ApiError(kind), ABOUT)
    statuses = KINDS_DIFFER.get(kind, (STATUS_BY_KIND[kind],) * 4)
    own = dict(zip(("aimlapi", "segmind", "omixa", "openai"), statuses, strict=True))
    assert answer.status == own[name]


@every_vendor
@pytest.mark.parametrize("number", range(400, 600))
def test_a_number_is_that_number_in_the_vendors_envelope(
    vendors: dict[str, Vendor], name: str, number: int
) -> None:
    answer = vendors[name].error_answer(ApiError(number), ABOUT)
    assert answer.status == number
    if headers(answer)["content-type"].startswith(("application/json", "application/problem+json")):
        assert list(heard(answer)) == list(profile_of(vendors[name]))
    else:
        assert (name, number) in {("segmind", 405), ("aimlapi", 522), ("aimlapi", 524)}


def profile_of(vendor: Vendor) -> dict[str, Any]:
    return vendor.profile.refusal.body


@pytest.mark.parametrize(
    ("name", "what", "body"),
    [
        ("segmind", "missing_key", {"error": "Missing Authorization or x-api-key in header"}),
        ("segmind", "insufficient_credits", {"error": "Insufficient Credits: Not enough credits to process request"}),
        ("segmind", 402, {"error": "Insufficient Credits: Not enough credits to process request"}),
        ("segmind", 406, {"error": "Insufficient Credits: Not enough credits to process request"}),
        ("segmind", "wrong_content_type", {"error": "Invalid content type"}),
        ("segmind", "rate_limited", {"error": "Rate Limited: Too many requests"}),
        ("segmind", 504, {"error": "Timeout: Request timed out"}),
        ("segmind", 599, {"error": "Unknown Error"}),
        ("omixa", 402, {"error": {"message": "Insufficient wallet balance.", "type": "billing_error",
                                  "code": "insufficient_balance"}}),
        ("omixa", 400, {"error": {"message": "Bad request.", "type": "invalid_request_error", "code": "bad_request"}}),
        ("omixa", 422, {"error": {"message": "The request payload is invalid.", "type": "invalid_request_error",
                                  "code": "validation_failed"}}),
        ("omixa", 418, {"error": {"message": "I'm a Teapot", "type": "api_error", "code": "error"}}),
    ],
)  # fmt: skip
def test_a_refusal_is_word_for_word(
    vendors: dict[str, Vendor], name: str, what: str | int, body: dict[str, Any]
) -> None:
    answer = vendors[name].error_answer(ApiError(what), ABOUT)
    assert json.dumps(heard(answer)) == json.dumps(body)


@pytest.mark.parametrize(
    ("what", "status", "message"),
    [
        ("invalid_request", 400, "Body validation error!"),
        ("not_found", 404, "Cannot POST /v1/chat/completions"),
        ("method_not_allowed", 404, "Cannot POST /v1/chat/completions"),
        (405, 405, "Method Not Allowed"),
        ("rate_limited", 429, "Too Many Requests"),
        (500, 500, "Internal server error"),
        (502, 502, "Bad Gateway"),
        ("unavailable", 503, "Service unavailable"),
        ("timeout", 504, "Generation timeout"),
        (413, 413, "request entity too large"),
        (422, 422, "Unprocessable Entity"),
    ],
)
def test_the_first_generation_has_five_keys(load: Load, what: str | int, status: int, message: str) -> None:
    answer = Vendor(load("{extends: aimlapi, envelope: 2024}")).error_answer(ApiError(what), ABOUT)
    body = heard(answer)
    assert headers(answer)["content-type"] == "application/json; charset=utf-8"
    assert "x-inference-id" not in headers(answer)
    assert list(body) == ["requestId", "statusCode", "timestamp", "path", "message"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["requestId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert (body["statusCode"], body["path"], body["message"]) == (status, "/v1/chat/completions", message)


ISSUE: dict[str, object] = {
    "code": "invalid_type",
    "expected": "string",
    "received": "undefined",
    "path": ["model"],
    "message": "Required",
}


def test_the_second_generation_tells_the_issues(load: Load) -> None:
    vendor = Vendor(load("{extends: aimlapi, envelope: 2026-01}"))
    answer = vendor.error_answer(
        ApiError("invalid_request", detail="model: Required", issues=(ISSUE,)), ABOUT
    )
    body = heard(answer)
    assert list(body) == ["title", "status", "message", "instance", "timestamp", "error"]
    assert (body["title"], body["status"], body["message"]) == (
        "Bad Request",
        400,
        "Invalid payload provided",
    )
    assert body["instance"] == "/v1/chat/completions?"
    assert list(body["error"].items()) == [
        ("name", "BadRequestException"), ("message", "Invalid payload provided"), ("data", [ISSUE]),
    ]  # fmt: skip


def test_the_second_generation_has_its_own_words_for_no_money(load: Load) -> None:
    body = heard(Vendor(load("{extends: aimlapi, envelope: 2026-01}")).error_answer(ApiError(403), ABOUT))
    assert body["message"].startswith("You've run out of credits. Please top up")
    assert body["error"]["name"] == "ForbiddenException"
    assert body["error"]["data"] == {"kind": "err_insufficent_credits"}


@pytest.mark.parametrize(
    ("profile", "status", "error_type"),
    [
        ("{extends: aimlapi}", 429, "rate_limit_error"),
        ("{extends: aimlapi, envelope: 2026-01}", 500, "api_error"),
        ("{extends: segmind}", 400, "invalid_request_error"),
        ("{extends: omixa}", 400, "invalid_request_error"),
    ],
)
def test_an_upstream_error_is_json_in_the_message(
    load: Load, profile: str, status: int, error_type: str
) -> None:
    error = ApiError(status, 'Not "so".')
    error.upstream_status = status
    body = heard(Vendor(load(profile)).error_answer(error, ABOUT))
    text = body.get("message", body.get("error"))
    number, _, upstream = (text["message"] if isinstance(text, dict) else text).partition(" ")
    assert number == str(status)
    inner = json.loads(upstream)["error"]
    assert (inner["type"], inner["message"]) == (error_type, 'Not "so".')


def test_an_upstream_error_is_text_in_errors_of_the_stated_statuses(load: Load) -> None:
    error = ApiError(500, "Too long.")
    error.upstream_status = 400
    for profile in (
        "{extends: aimlapi, envelope: 2024}",
        "{extends: omixa, refusal: {upstream_text: [500]}}",
    ):
        assert "400 Too long." in str(heard(Vendor(load(profile)).error_answer(error, ABOUT)))


@pytest.mark.parametrize("profile", ["{extends: aimlapi, envelope: 2026-08}", "extends: aimlapi"])
def test_the_third_generation_is_a_problem_document(load: Load, profile: str) -> None:
    vendor = Vendor(load(profile))
    answer = vendor.error_answer(ApiError("missing_key"), ABOUT)
    body, sent = heard(answer), headers(answer)
    assert sent["content-type"] == "application/problem+json; charset=utf-8"
    assert list(body) == ["title", "status", "message", "instance", "requestId", "timestamp", "error"]
    assert (body["title"], body["instance"]) == ("Unauthorized", "/v1/chat/completions")
    assert body["requestId"] == sent["x-request-id"]
    assert re.fullmatch(r"[\w-]{21}", sent["x-inference-id"])
    assert [name for name, _ in answer.headers].count("x-inference-id") == 1
    assert body["message"].startswith("You provided an empty string instead of valid API key.")
    assert body["error"] == {"name": "UnauthorizedException", "message": body["message"]}


def test_the_third_generation_runs_out_of_funds(load: Load) -> None:
    vendor = Vendor(load("{extends: aimlapi, envelope: 2026-08}"))
    error = heard(vendor.error_answer(ApiError("insufficient_credits"), ABOUT))["error"]
    assert error["message"].startswith("You've run out of funds.")
    assert (error["name"], error["data"]) == ("OutOfFundsException", {"kind": "err_insufficent_credits"})


def test_every_refusal_of_a_generation_names_its_exception(load: Load) -> None:
    vendor = Vendor(load("{extends: aimlapi, envelope: 2026-01}"))
    names = {
        n: heard(vendor.error_answer(ApiError(n), ABOUT))["error"]["name"] for n in (405, 415, 418, 501, 599)
    }
    assert names == {
        405: "MethodNotAllowedException",
        415: "UnsupportedMediaTypeException",
        418: "ImaTeapotException",
        501: "NotImplementedException",
        599: "UnknownErrorException",
    }


@pytest.mark.parametrize("number", [522, 524])
def test_what_stands_before_the_vendor_speaks_in_plain_text(vendors: dict[str, Vendor], number: int) -> None:
    answer = vendors["aimlapi"].error_answer(ApiError(number), ABOUT)
    assert answer.frames[0].data == f"error code: {number}".encode()
    assert headers(answer)["content-type"] == "text/plain; charset=UTF-8"
    assert "etag" not in headers(answer)


def test_a_wrong_verb_is_a_page_that_says_which_is_right(vendors: dict[str, Vendor]) -> None:
    answer = vendors["segmind"].error_answer(ApiError("method_not_allowed"), ABOUT)
    assert (answer.status, headers(answer)["allow"]) == (405, "POST")
    assert answer.frames[0].data.startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, {}),
        (0.0, {"retry-after": "0"}),
        (1.0, {"retry-after": "1"}),
        (60.0, {"retry-after": "60"}),
        (0.03, {"retry-after": "1", "retry-after-ms": "30"}),
        (1.5, {"retry-after": "2", "retry-after-ms": "1500"}),
        (0.0005, {"retry-after": "1", "retry-after-ms": "0.5"}),
        (3600.5, {"retry-after": "3601", "retry-after-ms": "3600500"}),
        (86400.123456, {"retry-after": "86401", "retry-after-ms": "86400123.456"}),
    ],
)
@every_vendor
def test_retry_after_is_in_whole_seconds_rounded_up(
    vendors: dict[str, Vendor], name: str, seconds: float | None, told: dict[str, str]
) -> None:
    retry_after = None if seconds is None else RetryAfter(seconds)
    sent = headers(vendors[name].error_answer(ApiError(429, retry_after=retry_after), ABOUT))
    assert {key: value for key, value in sent.items() if key.startswith("retry-after")} == told


def test_retry_after_may_be_an_http_date(vendors: dict[str, Vendor]) -> None:
    began = time.time()
    error = ApiError(429, retry_after=RetryAfter(2.5, as_date=True))
    sent = headers(vendors["omixa"].error_answer(error, ABOUT))
    moment = parsedate_to_datetime(sent["retry-after"])
    assert moment.tzname() == "UTC"
    assert sent["retry-after"].endswith(" GMT")
    assert began + 2.5 <= moment.timestamp() <= time.time() + 3.5
    assert "retry-after-ms" not in sent


def test_a_limit_says_when_it_is_over(vendors: dict[str, Vendor]) -> None:
    sent = headers(vendors["segmind"].error_answer(ApiError("rate_limited"), ABOUT))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["x-rate-limit-reset-at-utc"])
    assert "retry-after" not in sent


@every_vendor
def test_an_errors_own_words_and_headers_are_heard(vendors: dict[str, Vendor], name: str) -> None:
    answer = vendors[name].error_answer(
        ApiError(404, "nothing here", headers=(("x-should-retry", "false"),)), ABOUT
    )
    assert b"nothing here" in answer.frames[0].data
    assert answer.headers[-1] == ("x-should-retry", "false")


def test_an_errors_own_code_is_heard(vendors: dict[str, Vendor]) -> None:
    assert (
        heard(vendors["omixa"].error_answer(ApiError(429, code="slow_down"), ABOUT))["error"]["code"]
        == "slow_down"
    )


@pytest.mark.parametrize(("what", "number"), [("rate_limited", 429), (418, 418), ("timeout", 504)])
def test_a_vendor_without_words_gives_the_phrase_of_the_status(
    load: Load, what: str | int, number: int
) -> None:
    answer = Vendor(load(FOURTH)).error_answer(ApiError(what), ABOUT)
    phrase = {429: "Too Many Requests", 418: "I'm a Teapot", 504: "Gateway Timeout"}[number]
    assert (answer.status, heard(answer)) == (number, {"no": phrase, "number": number})


def test_a_vendors_other_words_stand_for_all_it_does_not_word(load: Load) -> None:
    words = "{other: {message: 'Alas, $status $title.'}, gone: {status: 404, message: Gone}, 409: {message: Busy}}"
    vendor = Vendor(load(FOURTH.replace("error_texts: {}", f"error_texts: {words}")))
    told = {
        what: heard(vendor.error_answer(ApiError(what), ABOUT))["no"]
        for what in ("timeout", 418, 404, 409, "gone", 410)
    }
    assert told == {
        "timeout": "Alas, 504 Gateway Timeout.",
        418: "Alas, 418 I'm a Teapot.",
        404: "Gone",
        409: "Busy",
        "gone": "Gone",
        410: "Gone",
    }


def test_a_body_of_its_own_may_have_blanks(load: Load) -> None:
    words = "{404: {content_type: text/html, body: '<p>$path</p>'}}"
    vendor = Vendor(load(FOURTH.replace("error_texts: {}", f"error_texts: {words}")))
    assert vendor.error_answer(ApiError(404), ABOUT).frames[0].data == b"<p>/v1/chat/completions</p>"
