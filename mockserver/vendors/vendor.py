"""What would the vendor do? A profile, compiled: where it listens, how it reads a key, how it counts and words.

The blanks of its forms are filled here and in `reply.completion`, and nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson

from mockserver.errors import KINDS, ApiError
from mockserver.money import NOTHING, Amount, Charge, spell
from mockserver.vendors import ids
from mockserver.vendors.catalogue import Catalogue
from mockserver.vendors.form import ABSENT, Form, Values, text
from mockserver.vendors.lookup import Lookup
from mockserver.vendors.model import Price, Success
from mockserver.vendors.price import Tariff
from mockserver.vendors.profile import OTHER, Profile, Wording
from mockserver.wire.answer import Answer, Frame, phrase

Headers = tuple[tuple[str, str], ...]


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
        self.body = Form(profile.body.whole)
        self.choice = Form(profile.body.choice)
        self.message = Form(profile.body.message)
        self.chunk = Form(profile.stream.chunk)
        self.last_chunk = Form(profile.stream.chunk | (profile.stream.last or {}))
        self.chunk_choice = Form(profile.stream.choice)
        self.opening = Form(profile.stream.opening)
        self._usage = Form(profile.usage)
        self._chunk_usage = Form(profile.stream.usage_form or profile.usage)
        self._refusal = Form(profile.refusal.body)
        self._data = {kind: Form(wording.data) for kind, wording in profile.errors.items()}
        self._echo = {name: re.compile(pattern) for name, pattern in (profile.echo or {}).items()}
        self._ids = {name: ids.maker(pattern) for name, pattern in profile.ids.items()}
        self.tariff = Tariff(profile)
        # Whether its completions tell what is left; those of others are the same for every account.
        self.tells_left = b"remaining_" in orjson.dumps([profile.body.headers, profile.body.whole])
        self.models = Catalogue(profile)
        self._lookups = [Lookup(endpoint) for endpoint in (profile.endpoints or {}).values()]
        self._exact = {path for path in profile.paths.chat if "{model}" not in path}
        self._patterns = [_pattern(path) for path in profile.paths.chat if "{model}" in path]
        self._statuses = _first_of_each_status(profile.errors)

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
        return tuple(
            [
                (name, headers[name])
                for name, pattern in self._echo.items()
                if name in headers and pattern.fullmatch(headers[name])
            ]
        )

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

    def new_id(self, name: str) -> str:
        """One of the identifiers that the profile describes, made new."""
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
            sent.append(("etag", _etag(body)))
        return tuple(sent)

    def tag(self, body: bytes) -> str:
        """The entity tag of a body, as Express makes it."""
        return _etag(body)

    def body_headers(self, values: Values) -> Headers:
        """The headers that a completion has as one JSON body."""
        return (("content-type", self.profile.body.content_type), *filled(self.profile.body.headers, values))

    def refuse(self, error: ApiError, about: Values) -> Answer:
        """A refusal in the vendor's words.

        `about` fills the blanks that concern the request: method, path, model.
        """
        kind, status = self._worded(error.what)
        wording = self.profile.errors.get(kind, _WORDLESS)
        values = self._blanks(error, kind, status, about)
        if wording.body is None:
            body = orjson.dumps(self._refusal.fill(values))
            own = self.headers(values, body)
        else:
            body = text(wording.body, values).encode()
            own = self.headers(values)
        headers = (
            ("content-type", wording.content_type or self.profile.refusal.content_type),
            *own,
            *filled(wording.headers, values),
            *_retry(error.retry_after),
            *error.headers,
        )
        return Answer(status, headers, (Frame(body),))

    def _worded(self, what: str | int) -> tuple[str, int]:
        """The key of the wording for a kind or a number, and the status it is sent with."""
        errors = self.profile.errors
        if isinstance(what, int):
            kinds = (str(what), self._statuses.get(what), _GENERAL.get(what))
            return next((kind for kind in kinds if kind in errors), OTHER), what
        kind = what if what in errors else OTHER
        return kind, errors.get(kind, _WORDLESS).status or KINDS[what]

    def _blanks(self, error: ApiError, kind: str, status: int, about: Values) -> dict[str, Any]:
        wording = self.profile.errors.get(kind, _WORDLESS)
        now = datetime.now(UTC)
        wait = next((one for one in (error.reset, error.retry_after) if one is not None), _WINDOW)
        # In whole seconds, and not before it is true.
        reset = now + timedelta(
            seconds=math.ceil(wait + now.microsecond / 1e6), microseconds=-now.microsecond
        )
        title = phrase(status, _PHRASES) or "Unknown Error"
        values: dict[str, Any] = {
            **{name: make() for name, make in self._ids.items()},
            **about,
            "status": status,
            "title": title,
            "reason": re.sub(r"\W", "", title),
            "now": stamp(now),
            "reset_at": reset.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": error.detail or ABSENT,
            "shortage": error.shortage or ABSENT,
            "issues": list(error.issues) or ABSENT,
            "type": wording.type,
            "code": error.code or wording.code,
        }
        values["message"] = error.message or text(wording.message, values) or title
        values["name"] = text(wording.name, values) or "Error"
        values["data"] = ABSENT if wording.data is None else self._data[kind].fill(values)
        return values


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{model\}", r"(?P<model>[^/]+)"))


def _first_of_each_status(errors: Mapping[str, Wording]) -> dict[int, str]:
    """Which kind speaks for a number: the first in the profile that is sent with it."""
    first: dict[int, str] = {}
    for kind, wording in errors.items():
        if kind in KINDS:
            first.setdefault(wording.status or KINDS[kind], kind)
    return first


def number(value: Decimal) -> int | float:
    """A number as JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)


def stamp(moment: datetime) -> str:
    """A moment in UTC as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filled(headers: Mapping[str, str] | None, values: Values) -> list[tuple[str, str]]:
    """Headers of a profile, their blanks filled; one that is a blank which nobody fills is left out."""
    told = ((name, value, _line(text(value, values))) for name, value in (headers or {}).items())
    return [(name, line) for name, value, line in told if line or not value]


def _line(value: str) -> str:
    """A header's value: what a client sent may be part of it, and must not become another header."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=string.punctuation + " ")


def _retry(seconds: float | None) -> Headers:
    """`Retry-After` in whole seconds, rounded up; the exact milliseconds besides when it is not whole."""
    if seconds is None:
        return ()
    whole = math.ceil(seconds)
    exact: Headers = () if whole == seconds else (("retry-after-ms", f"{round(seconds * 1000, 3):.12g}"),)
    return (("retry-after", str(whole)), *exact)


def _etag(body: bytes) -> str:
    # Express: length in hexadecimal, then 27 characters of the SHA-1 in base 64.
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest())[:27].decode()
    return f'W/"{len(body):x}-{digest}"'


_WORDLESS = Wording(message="$title")
_WINDOW = 60.0  # seconds until a limit is over, where nobody says
_GENERAL = {status: kind for kind, status in reversed(KINDS.items())}
# As Node words them, whatever the version of Python; the last two are Cloudflare's.
_PHRASES = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    522: "Connection Timed Out",
    524: "A Timeout Occurred",
}
