"""What would the vendor do? A profile, compiled: where it listens, how it reads a key, how it counts and words.

The blanks of its forms are filled here and in `reply.completion`, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from mockserver.errors import ApiError
from mockserver.money import NOTHING, Amount, Charge, spell
from mockserver.notes import Notes
from mockserver.vendors import ids
from mockserver.vendors.catalogue import Catalogue
from mockserver.vendors.form import Form, Values, text
from mockserver.vendors.header import Headers, etag, filled
from mockserver.vendors.lookup import Lookup
from mockserver.vendors.model import Price, Success
from mockserver.vendors.price import Tariff
from mockserver.vendors.profile import Profile
from mockserver.vendors.refusals import Refusals
from mockserver.wire.answer import Answer
from mockserver.wire.lines import encoded


@dataclass(frozen=True, slots=True)
class Usage:
    """Raw tokens, before a vendor words them. `completion` includes `reasoning`."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0


class Vendor:
    """One vendor, ready to answer. `tokenizer` is what its tokens are counted and cut by."""

    def __init__(self, profile: Profile, tokenizer: str = "estimate") -> None:
        self.profile = profile
        self.tokenizer = tokenizer
        self.name = profile.name
        self.streams = profile.stream.mode == "openai"
        self.body = Form(profile.body.whole)
        self.choice = Form(profile.body.choice)
        self.message = Form(profile.body.message)
        self.chunk = Form(profile.stream.chunk)
        self.last_chunk = Form(profile.stream.chunk | (profile.stream.last or {}))
        self.chunk_choice = Form(profile.stream.choice)
        self.opening = Form(profile.stream.opening)
        self._usage = Form(profile.usage)
        self._chunk_usage = Form(profile.stream.usage_form or profile.usage)
        self._refusals = Refusals(profile)
        self._echo = {name: re.compile(pattern) for name, pattern in (profile.echo or {}).items()}
        self._ids = {name: ids.maker(pattern) for name, pattern in profile.ids.items()}
        self.tariff = Tariff(profile)
        # Whether its completions tell what is left; those of others are the same for every account.
        self.tells_left = b"remaining_" in orjson.dumps([profile.body.headers, profile.body.whole])
        self.models = Catalogue(profile)
        self._lookups = [Lookup(endpoint) for endpoint in (profile.endpoints or {}).values()]
        self.notes = Notes()
        self._exact = {path for path in profile.paths.chat if "{model}" not in path}
        self._patterns = [_pattern(path) for path in profile.paths.chat if "{model}" in path]

    def listens(self, path: str, reserved: frozenset[str] = frozenset()) -> tuple[bool, str | None]:
        """Whether chat completions are at this path, and the model that the path names.

        `reserved` are names that no model may have here, besides the vendor's own.
        """
        if path in self._exact:
            return True, None
        for pattern in self._patterns:
            found = pattern.fullmatch(path)
            if found and found["model"] not in reserved and found["model"] not in self.profile.paths.reserved:
                return True, found["model"]
        return False, None

    def lookup(self, path: str) -> tuple[Lookup, str] | None:
        """The endpoint besides the chat that is at this path, and the item that the path names."""
        found = [(lookup, item) for lookup in self._lookups if (item := lookup.asks(path)) is not None]
        # A path that names no item is meant as it stands.
        return min(found, key=lambda one: bool(one[1]), default=None)

    def key(self, headers: Mapping[str, str]) -> str | None:
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

    def echoed(self, headers: Mapping[str, str]) -> Headers:
        """The headers of a request that every answer to it repeats; one that is not as it must be is dropped."""
        sent = [(name, headers[name], pattern) for name, pattern in self._echo.items() if name in headers]
        sound = [(name, value) for name, value, pattern in sent if pattern.fullmatch(value)]
        return tuple([header for header in sound if encoded((header,)) is not None])

    def deaf_to(self, model: str, roles: Iterable[object]) -> str | None:
        """What the vendor says of the first role that a model does not hear; None when it hears them all."""
        heard = self.models[model].roles
        if heard is None:
            return None
        for index, role in enumerate(roles):
            if role not in heard:
                return text(self.profile.unsupported_role, {"index": index, "role": role})
        return None

    def offers(self, model: str) -> bool:
        """Whether a model is to be had, as far as anybody says."""
        return model in self.models or not self.profile.strict_models

    def success(self, model: str) -> Success:
        return self.models[model].success or self.profile.success

    def maker(self, name: str) -> ids.Maker:
        """What makes the identifiers that the profile describes by this name."""
        return self._ids[name]

    def new_id(self, name: str) -> str:
        """One of them, made new."""
        return self._ids[name]()

    def usage(self, raw: Usage, model: str, *, streamed: bool = False) -> Any:
        """The usage as this vendor words it."""
        return (self._chunk_usage if streamed else self._usage).fill(self.charged(raw, model))

    def price(self, model: str) -> Price | None:
        """What a model costs; where it has no price of its own, what any other does."""
        return self.models[model].price or self.profile.billing.price

    def charge(self, raw: Usage, model: str) -> Charge:
        """What an answer of so many tokens costs."""
        price = self.price(model)
        return NOTHING if price is None else self.tariff.charge(price, raw.prompt, raw.completion)

    def remaining(self, left: Amount | None) -> dict[str, Any]:
        """The blanks of what is left of a balance; none where there is no end of it."""
        if left is None:
            return {}
        dollars, own = self.worth(left)
        return {"remaining_usd": spell(dollars), "remaining_credits": spell(own)}

    def worth(self, amount: Amount) -> tuple[Decimal, Decimal]:
        """An amount in dollars, and in the vendor's credits."""
        if amount.unit == "usd":
            return amount.value, self.tariff.credits(amount.value)
        return self.tariff.dollars(amount.value), amount.value

    def charged(self, raw: Usage, model: str) -> dict[str, Any]:
        """The blanks of a usage: tokens, and what they cost in the vendor's credits and in dollars.

        A model without a price of its own is counted in tokens, whatever is charged for it.
        """
        price = self.models[model].price
        prompt, completion = raw.prompt, raw.completion
        if price is not None:
            prompt, completion = self.tariff.parts(price, prompt, completion)
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
            "credits_used": number(cost.credits),
            "cost": spell(cost.credits),
            "usd": float(cost.usd),
            "usd_spent": f"{cost.usd:.9f}",
        }

    def headers(self, values: Values, body: bytes | None = None) -> Headers:
        """The headers of every answer; `body` is the vendor's JSON, where it goes out as one."""
        sent = filled(self.profile.headers, values)
        if body is not None and self.profile.etag:
            sent.append(("etag", etag(body)))
        return tuple(sent)

    def body_headers(self, values: Values) -> Headers:
        """The headers that a completion has as one JSON body."""
        return (("content-type", self.profile.body.content_type), *filled(self.profile.body.headers, values))

    def refuse(self, error: ApiError, about: Values) -> Answer:
        """A refusal in the vendor's words.

        `about` fills the blanks that concern the request: method, path, model.
        """
        made = {name: make() for name, make in self._ids.items()}
        return self._refusals.answer(error, {**made, **about}, self.headers)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{model\}", r"(?P<model>[^/]+)"))


def number(value: Decimal) -> int | float:
    """A number as JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)
