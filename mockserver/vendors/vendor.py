"""A compiled vendor profile: paths, API keys, models, usage, prices, headers and errors of a vendor.

Only this module and `rendering.completion` fill the templates of a profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from mockserver.bounded_regex import BoundedRegex, RegexSearchError, compile_regex
from mockserver.errors import ApiError
from mockserver.masking import match_scheme
from mockserver.memoize import Memo
from mockserver.schema.money import NO_CHARGE, Amount, Charge, format_amount
from mockserver.vendors.apis import COMPLETION_APIS, Api
from mockserver.vendors.aux_endpoints import AuxEndpoint, create_stored_responses
from mockserver.vendors.error_bodies import ErrorBodies
from mockserver.vendors.ids import IdFactory, create_id_factory
from mockserver.vendors.latency_spec import LatencySpec, merge_latency
from mockserver.vendors.model_catalogue import ModelCatalogue
from mockserver.vendors.model_spec import PriceSpec, SuccessSpec
from mockserver.vendors.placeholders import (
    HeaderPairs,
    JsonTemplate,
    PlaceholderValues,
    compute_etag,
    fill_headers,
    fill_text,
    format_wait,
)
from mockserver.vendors.pricing import Tariff
from mockserver.vendors.profile import VendorProfile
from mockserver.vendors.responses_spec import ResponsesSpec
from mockserver.vendors.responses_templates import ResponsesTemplates
from mockserver.vendors.unserved_endpoints import UnservedEndpoints
from mockserver.wire.answer import Answer, encode_headers


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Raw token counts. `completion` includes `reasoning`, `prompt` includes `cached`."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0


class Vendor:
    """A vendor with its compiled profile. `tokenizer` names the tokenizer that counts and cuts its texts."""

    def __init__(self, profile: VendorProfile, tokenizer: str = "estimate") -> None:
        self.profile = profile
        self.tokenizer = tokenizer
        self.name = profile.name
        self.supports_streaming = profile.stream.mode == "openai"
        self.body = JsonTemplate(profile.body.whole)
        self.choice = JsonTemplate(profile.body.choice)
        self.message = JsonTemplate(profile.body.message)
        self.chunk = JsonTemplate(profile.stream.chunk)
        self.last_chunk = JsonTemplate(profile.stream.chunk | (profile.stream.last or {}))
        self.chunk_choice = JsonTemplate(profile.stream.choice)
        self.first_delta = JsonTemplate(profile.stream.opening)
        self.reasoning_delta = JsonTemplate(profile.stream.reasoning_delta or _REASONING_DELTA)
        self.text_delta = JsonTemplate(profile.stream.text_delta or _TEXT_DELTA)
        self.embedding_body = JsonTemplate(profile.embeddings.body if profile.embeddings else {})
        self.embedding_item = JsonTemplate(profile.embeddings.item if profile.embeddings else {})
        self._usage = JsonTemplate(profile.usage)
        self._chunk_usage = JsonTemplate(profile.stream.usage_form or profile.usage)
        self._error_bodies = ErrorBodies(profile)
        self._echo_patterns = {
            name: compile_regex(pattern, rarely_used=True) for name, pattern in (profile.echo or {}).items()
        }
        self._id_factories = {name: create_id_factory(pattern) for name, pattern in profile.ids.items()}
        self.responses = ResponsesTemplates(profile.responses or ResponsesSpec())
        self.tariff = Tariff(profile)
        # Whether its completions report the balance; otherwise they are the same for every account.
        self.reports_balance = b"remaining_" in orjson.dumps(
            [profile.body.headers, profile.body.whole, profile.stream.headers]
        )
        self.models = ModelCatalogue(profile)
        self._aux_endpoints = [AuxEndpoint(endpoint) for endpoint in (profile.endpoints or {}).values()]
        if profile.paths.responses:
            self._aux_endpoints.append(create_stored_responses(profile.paths.responses))
        self.unserved_endpoints = UnservedEndpoints(profile)
        self.memo = Memo()
        filters = profile.content_filters
        self.filter_values: PlaceholderValues = {}  # of bodies and choices; empty if they are not sent
        self.filter_chunk = None if filters is None else JsonTemplate(filters.first_chunk)
        if filters is not None and filters.sent:
            self.filter_values = {
                "prompt_filter_results": filters.prompt,
                "content_filter_results": filters.choice,
            }
        self._job_body = JsonTemplate(profile.jobs.body if profile.jobs else {})
        self._job_paths = frozenset(profile.jobs.paths if profile.jobs else ())
        self.posted_paths = _find_posted_paths(profile)
        self._path_patterns = [
            (path, _path_pattern(path)) for path in self.posted_paths if _MODEL_PLACEHOLDER in path
        ]

    def match_posted_path(
        self, path: str, reserved: frozenset[str] = frozenset()
    ) -> tuple[Api, str | None, bool]:
        """Return the api at a path (`unknown`: none), the model in the path or None, and whether it submits a job.

        `reserved` are names that are no models, in addition to those that the vendor reserves.
        """
        path = self._without_trailing_slash(path)
        if path in self.posted_paths and _MODEL_PLACEHOLDER not in path:
            return self.posted_paths[path], None, path in self._job_paths
        for posted_path, pattern in self._path_patterns:
            found = pattern.fullmatch(path)
            if found and found["model"] not in reserved and found["model"] not in self.profile.paths.reserved:
                return self.posted_paths[posted_path], found["model"], posted_path in self._job_paths
        return "unknown", None, False

    def find_aux_endpoint(self, path: str) -> tuple[AuxEndpoint, str] | None:
        """Return the auxiliary endpoint at this path and the item that the path names; None if there is none."""
        path = self._without_trailing_slash(path)
        matches = [
            (endpoint, item)
            for endpoint in self._aux_endpoints
            if (item := endpoint.match_item(path)) is not None
        ]
        # A literal path takes precedence over one with `{id}`, and a path after `{id}` over a longer name.
        return min(matches, key=lambda match: len(match[1]), default=None)

    def _without_trailing_slash(self, path: str) -> str:
        """Return the path that the vendor's router looks up: without one trailing slash if it accepts that."""
        return path.removesuffix("/") if self.profile.paths.trailing_slash == "accepted" else path

    def api_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the API key of a request: None if it has none, "" if a header of the key has no valid form."""
        rejected = False
        for spec in self.profile.keys:
            value = headers.get(spec.header, "").strip()
            if spec.scheme is not None:
                credentials = match_scheme(value, spec.scheme)
                rejected = rejected or (bool(value) and credentials is None)
                value = credentials or ""
            if value and spec.lenient and self.profile.strict_auth:
                rejected = True
            elif value:
                return value
        return "" if rejected else None

    def echo_headers(self, headers: Mapping[str, str]) -> HeaderPairs:
        """Return the request's headers that its answer repeats; those with an invalid value are dropped."""
        received = [
            (name, headers[name], pattern) for name, pattern in self._echo_patterns.items() if name in headers
        ]
        valid = [(name, value) for name, value, pattern in received if _is_match(pattern, value)]
        return tuple([header for header in valid if encode_headers((header,)) is not None])

    def unsupported_role(self, model: str, roles: Iterable[object]) -> str | None:
        """Return the vendor's message about the first role that a model does not support; None if it supports all."""
        supported = self.models[model].roles
        if supported is None:
            return None
        for index, role in enumerate(roles):
            if role not in supported:
                return fill_text(self.profile.unsupported_role, {"index": index, "role": role})
        return None

    def hides_reasoning(self, model: str) -> bool:
        """Return whether the reasoning of a model is never sent."""
        return self.profile.hides_reasoning or self.models[model].hides_reasoning

    def sends_reasoning(self, model: str, body: Mapping[str, Any]) -> bool:
        """Return whether the answer to a request with this body includes the reasoning."""
        field = self.profile.thinking
        return not self.hides_reasoning(model) and (field is None or body.get(field) is True)

    def has_model(self, model: str) -> bool:
        """Return whether a model exists: an unlisted one does, unless the profile has `strict_models`."""
        return not self.profile.strict_models or self.models.accepts(model)

    def success(self, model: str) -> SuccessSpec:
        """Return the statuses of successful responses of a model."""
        return self.models[model].success or self.profile.success

    def serves(self, model: str, api: Api) -> bool:
        """Return whether an api serves a model; all serve those that the profile does not list."""
        return model not in self.models or api in (self.models[model].apis or COMPLETION_APIS)

    def latency(self, model: str) -> LatencySpec | None:
        """Return the latency of a model: its own, completed by the vendor's; None without either."""
        return merge_latency(self.models[model].latency, self.profile.latency)

    @property
    def has_latency(self) -> bool:
        """Return whether the profile states a latency."""
        models = (self.profile.models or {}).values()
        return self.profile.latency is not None or any(one.latency is not None for one in models)

    def id_factory(self, name: str) -> IdFactory:
        """Return the function that creates the profile's identifiers of this name."""
        return self._id_factories.get(name) or self.responses.id_factories[name]

    def new_id(self, name: str) -> str:
        """Create an identifier of this name."""
        return self._id_factories[name]()

    def usage(self, raw: TokenUsage, model: str, *, streamed: bool = False) -> Any:
        """Return the usage object of a body, or of a stream's chunk, in the vendor's form."""
        return (self._chunk_usage if streamed else self._usage).fill(self.usage_values(raw, model))

    def price(self, model: str) -> PriceSpec | None:
        """Return the price of a model: its own, or the vendor's default; None if it is free."""
        return self.models[model].price or self.profile.billing.price

    def charge(self, raw: TokenUsage, model: str) -> Charge:
        """Return the charge for an answer with this usage."""
        price = self.price(model)
        return (
            NO_CHARGE if price is None else self.tariff.charge(price, raw.prompt, raw.completion, raw.cached)
        )

    def remaining_values(self, balance: Amount | None) -> dict[str, Any]:
        """Return the placeholder values of a remaining balance; none for an unlimited one (None)."""
        if balance is None:
            return {}
        dollars, credit = self.in_both_units(balance)
        return {"remaining_usd": format_amount(dollars), "remaining_credits": format_amount(credit)}

    def in_both_units(self, amount: Amount) -> tuple[Decimal, Decimal]:
        """Return an amount in dollars and in the vendor's credits."""
        if amount.unit == "usd":
            return amount.value, self.tariff.to_credits(amount.value)
        return self.tariff.to_dollars(amount.value), amount.value

    def usage_values(self, raw: TokenUsage, model: str) -> dict[str, Any]:
        """Return the placeholder values of a usage: tokens, and their cost in credits and in dollars.

        For a model without its own price, `$prompt_credits` and the like are tokens, whatever is charged.
        """
        price = self.models[model].price
        prompt, completion = raw.prompt, raw.completion
        if price is not None:
            prompt, completion = self.tariff.rounded_credits(price, prompt, completion, raw.cached)
        cost = self.charge(raw, model)
        return {
            "prompt_tokens": raw.prompt,
            "completion_tokens": raw.completion,
            "total_tokens": raw.prompt + raw.completion,
            "reasoning_tokens": raw.reasoning,
            "cached_tokens": raw.cached,
            "prompt_credits": prompt,
            "completion_credits": completion,
            "total_credits": prompt + completion,
            "credits_used": to_json_number(cost.credits),
            "cost": format_amount(cost.credits),
            "usd": float(cost.usd),
            "usd_spent": f"{cost.usd:.9f}",
        }

    def headers(self, values: PlaceholderValues, body: bytes | None = None) -> HeaderPairs:
        """Return the headers of every answer; `body`, the vendor's JSON, is needed for the entity tag."""
        headers = fill_headers(self.profile.headers, values)
        if body is not None and self.profile.etag:
            headers.append(("etag", compute_etag(body)))
        return tuple(headers)

    def body_headers(self, values: PlaceholderValues) -> HeaderPairs:
        """Return the additional headers of a completion in one JSON body."""
        return (
            ("content-type", self.profile.body.content_type),
            *fill_headers(self.profile.body.headers, values),
        )

    def stream_headers(self, values: PlaceholderValues) -> HeaderPairs:
        """Return the additional headers of a completion as a stream."""
        return tuple(fill_headers(self.profile.stream.headers, values))

    def rate_limit_values(self, raw: TokenUsage) -> dict[str, Any]:
        """Return the placeholder values of the profile's rate limits, after a request with this usage."""
        limits = self.profile.rate_limits
        if limits is None:
            return {}
        return {
            "limit_requests": limits.requests,
            "remaining_requests": limits.requests - 1,
            "reset_requests": format_wait(60 / limits.requests),
            "limit_tokens": limits.tokens,
            "remaining_tokens": max(limits.tokens - raw.prompt, 0),
            "reset_tokens": format_wait(60 * min(raw.prompt / limits.tokens, 1)),
        }

    def fill_job_body(self, values: PlaceholderValues) -> Any:
        """Return the body of the answer to a submitted job."""
        return self._job_body.fill(values)

    def error_message(self, error: ApiError, context: PlaceholderValues) -> str:
        """Return the message of an error; see `error_answer`."""
        return self._error_bodies.error_message(error, context)

    def error_answer(self, error: ApiError, context: PlaceholderValues) -> Answer:
        """Return the answer to an error in the vendor's form.

        `context` has the placeholder values of the request: method, path, model.
        """
        ids = {name: create_id() for name, create_id in self._id_factories.items()}
        return self._error_bodies.error_answer(error, {**ids, **context}, self.headers)


_MODEL_PLACEHOLDER = "{model}"
_REASONING_DELTA = {"reasoning_content": "$reasoning_content"}
_TEXT_DELTA = {"content": "$content"}


def _is_match(pattern: BoundedRegex, value: str) -> bool:
    """Return whether a pattern matches a value; False if it reaches its time limit."""
    try:
        return pattern.fullmatch(value) is not None
    except RegexSearchError:
        return False


def _find_posted_paths(profile: VendorProfile) -> dict[str, Api]:
    """Return the api of each path for POST requests, those of jobs included; `{model}` stands for a model's name."""
    paths = profile.paths
    chat_paths = (*paths.chat, *(profile.jobs.paths if profile.jobs else ()))
    return {
        **dict.fromkeys(chat_paths, "chat"),
        **dict.fromkeys(paths.responses, "responses"),
        **dict.fromkeys(paths.embeddings, "embeddings"),
    }


def _path_pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{model\}", r"(?P<model>[^/]+)"))


def to_json_number(value: Decimal) -> int | float:
    """Return a decimal as an int if it is whole, as a float otherwise."""
    return int(value) if value == value.to_integral_value() else float(value)
