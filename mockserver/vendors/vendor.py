"""What would the vendor do? A profile, compiled: where it listens, how it reads a key, how it counts and words.

The blanks of its forms are filled here and in `rendering.completion`, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from mockserver.errors import ApiError
from mockserver.memoize import Memo
from mockserver.schema.money import NO_CHARGE, Amount, Charge, format_amount
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.error_bodies import ErrorBodies
from mockserver.vendors.ids import IdFactory, create_id_factory
from mockserver.vendors.model_catalogue import ModelCatalogue
from mockserver.vendors.model_spec import PriceSpec, SuccessSpec
from mockserver.vendors.placeholders import (
    HeaderPairs,
    JsonTemplate,
    PlaceholderValues,
    compute_etag,
    fill_headers,
    fill_text,
)
from mockserver.vendors.pricing import Tariff
from mockserver.vendors.profile import VendorProfile
from mockserver.wire.answer import Answer, encode_headers


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Raw tokens, before a vendor words them. `completion` includes `reasoning`."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0


class Vendor:
    """One vendor, ready to answer. `tokenizer` is what its tokens are counted and cut by."""

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
        self._usage = JsonTemplate(profile.usage)
        self._chunk_usage = JsonTemplate(profile.stream.usage_form or profile.usage)
        self._error_bodies = ErrorBodies(profile)
        self._echo_patterns = {name: re.compile(pattern) for name, pattern in (profile.echo or {}).items()}
        self._id_factories = {name: create_id_factory(pattern) for name, pattern in profile.ids.items()}
        self.tariff = Tariff(profile)
        # Whether its completions tell what is left; those of others are the same for every account.
        self.reports_balance = b"remaining_" in orjson.dumps([profile.body.headers, profile.body.whole])
        self.models = ModelCatalogue(profile)
        self._aux_endpoints = [AuxEndpoint(endpoint) for endpoint in (profile.endpoints or {}).values()]
        self.memo = Memo()
        self._exact_paths = {path for path in profile.paths.chat if "{model}" not in path}
        self._path_patterns = [_path_pattern(path) for path in profile.paths.chat if "{model}" in path]

    def match_chat_path(self, path: str, reserved: frozenset[str] = frozenset()) -> tuple[bool, str | None]:
        """Whether chat completions are at this path, and the model that the path names.

        `reserved` are names that no model may have here, besides the vendor's own.
        """
        if path in self._exact_paths:
            return True, None
        for pattern in self._path_patterns:
            found = pattern.fullmatch(path)
            if found and found["model"] not in reserved and found["model"] not in self.profile.paths.reserved:
                return True, found["model"]
        return False, None

    def find_aux_endpoint(self, path: str) -> tuple[AuxEndpoint, str] | None:
        """The endpoint besides the chat that is at this path, and the item that the path names."""
        found = [
            (lookup, item) for lookup in self._aux_endpoints if (item := lookup.match_item(path)) is not None
        ]
        # A path that names no item is meant as it stands.
        return min(found, key=lambda one: bool(one[1]), default=None)

    def api_key(self, headers: Mapping[str, str]) -> str | None:
        """The API key of a request; None when nothing was sent, empty when what was sent is no key."""
        sent = False
        for place in self.profile.keys:
            value = headers.get(place.header, "").strip()
            if place.scheme is not None:
                scheme, _, rest = value.partition(" ")
                sent = sent or (bool(value) and scheme.lower() != place.scheme.lower())
                value = rest.strip() if scheme.lower() == place.scheme.lower() else ""
            if value and place.lenient and self.profile.strict_auth:
                sent = True
            elif value:
                return value
        return "" if sent else None

    def echo_headers(self, headers: Mapping[str, str]) -> HeaderPairs:
        """The headers of a request that every answer to it repeats; one that is not as it must be is dropped."""
        sent = [
            (name, headers[name], pattern) for name, pattern in self._echo_patterns.items() if name in headers
        ]
        sound = [(name, value) for name, value, pattern in sent if pattern.fullmatch(value)]
        return tuple([header for header in sound if encode_headers((header,)) is not None])

    def unsupported_role(self, model: str, roles: Iterable[object]) -> str | None:
        """What the vendor says of the first role that a model does not hear; None when it hears them all."""
        heard = self.models[model].roles
        if heard is None:
            return None
        for index, role in enumerate(roles):
            if role not in heard:
                return fill_text(self.profile.unsupported_role, {"index": index, "role": role})
        return None

    def has_model(self, model: str) -> bool:
        """Whether a model is to be had, as far as anybody says."""
        return model in self.models or not self.profile.strict_models

    def success(self, model: str) -> SuccessSpec:
        return self.models[model].success or self.profile.success

    def id_factory(self, name: str) -> IdFactory:
        """What makes the identifiers that the profile describes by this name."""
        return self._id_factories[name]

    def new_id(self, name: str) -> str:
        """One of them, made new."""
        return self._id_factories[name]()

    def usage(self, raw: TokenUsage, model: str, *, streamed: bool = False) -> Any:
        """The usage as this vendor words it."""
        return (self._chunk_usage if streamed else self._usage).fill(self.usage_values(raw, model))

    def price(self, model: str) -> PriceSpec | None:
        """What a model costs; where it has no price of its own, what any other does."""
        return self.models[model].price or self.profile.billing.price

    def charge(self, raw: TokenUsage, model: str) -> Charge:
        """What an answer of so many tokens costs."""
        price = self.price(model)
        return NO_CHARGE if price is None else self.tariff.charge(price, raw.prompt, raw.completion)

    def remaining_values(self, balance: Amount | None) -> dict[str, Any]:
        """The blanks of what is left of a balance; none where there is no end of it."""
        if balance is None:
            return {}
        dollars, own = self.in_both_units(balance)
        return {"remaining_usd": format_amount(dollars), "remaining_credits": format_amount(own)}

    def in_both_units(self, amount: Amount) -> tuple[Decimal, Decimal]:
        """An amount in dollars, and in the vendor's credits."""
        if amount.unit == "usd":
            return amount.value, self.tariff.to_credits(amount.value)
        return self.tariff.to_dollars(amount.value), amount.value

    def usage_values(self, raw: TokenUsage, model: str) -> dict[str, Any]:
        """The blanks of a usage: tokens, and what they cost in the vendor's credits and in dollars.

        A model without a price of its own is counted in tokens, whatever is charged for it.
        """
        price = self.models[model].price
        prompt, completion = raw.prompt, raw.completion
        if price is not None:
            prompt, completion = self.tariff.rounded_credits(price, prompt, completion)
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
        """The headers of every answer; `body` is the vendor's JSON, where it goes out as one."""
        sent = fill_headers(self.profile.headers, values)
        if body is not None and self.profile.etag:
            sent.append(("etag", compute_etag(body)))
        return tuple(sent)

    def body_headers(self, values: PlaceholderValues) -> HeaderPairs:
        """The headers that a completion has as one JSON body."""
        return (
            ("content-type", self.profile.body.content_type),
            *fill_headers(self.profile.body.headers, values),
        )

    def error_answer(self, error: ApiError, context: PlaceholderValues) -> Answer:
        """A refusal in the vendor's words.

        `about` fills the blanks that concern the request: method, path, model.
        """
        made = {name: make() for name, make in self._id_factories.items()}
        return self._error_bodies.error_answer(error, {**made, **context}, self.headers)


def _path_pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{model\}", r"(?P<model>[^/]+)"))


def to_json_number(value: Decimal) -> int | float:
    """A number as JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)
