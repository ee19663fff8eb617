"""What a vendor's profile says: one YAML file, checked against this model; no vendor is named in the code.

What a file leaves to another, or to a generation of itself, is laid together by `overlay`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from mockserver.errors import STATUS_BY_KIND, InputError
from mockserver.schema.field_types import (
    AnyValue,
    Boolean,
    Cursor,
    FieldType,
    Integer,
    OneOf,
    Text,
    read_document,
)
from mockserver.schema.messages import did_you_mean, format_alternatives
from mockserver.schema.money import ZERO, Amount
from mockserver.schema.object_types import ListOf, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.schema.yaml_document import load_document, truncate_text
from mockserver.vendors.aux_endpoints import AuxEndpointSpec
from mockserver.vendors.model_spec import ModelSpec, PriceSpec, SuccessSpec, UnavailableSpec
from mockserver.vendors.parameter_rules import PARAMETER_RULES, ParameterRule
from mockserver.vendors.placeholder_check import find_unknown_placeholders
from mockserver.vendors.profile_fields import (
    AMOUNT,
    ASCII_LINE,
    CHAT_PATH,
    CREDIT_RATE,
    DURATION,
    HEADER_MAP,
    HEADER_NAME,
    HEADER_PATTERNS,
    HOST,
    ID_PATTERN,
    PATH,
    TEMPLATE,
    VENDOR_NAME,
)
from mockserver.vendors.profile_inheritance import resolve_extends

DEFAULT_CHECKS = (
    "content_type",
    "key",
    "model",
    "balance",
    "body",
)  # in the order of a vendor that states none
OTHER_KIND = "other"  # the wording of whatever has none


class ErrorTextsField(MapOf):
    """Wordings by kind, by status, or for all that has none."""

    __slots__ = ()

    def read(self, value: Any, cursor: Cursor) -> Any:
        for key in value if isinstance(value, dict) else ():
            if key not in (*STATUS_BY_KIND, OTHER_KIND) and not re.fullmatch(r"[45][0-9][0-9]", key):
                cursor.key(key).report(
                    f"found {truncate_text(key)!r}, expected a kind, a status from 400 to 599 or {OTHER_KIND!r}"
                    f"{did_you_mean(key, STATUS_BY_KIND) or f': {format_alternatives(STATUS_BY_KIND)}'}"
                )
        return super().read(value, cursor)


@spec_dataclass
class PathsSpec:
    """Where a vendor listens, below its own host."""

    chat: tuple[str, ...] = spec_field(
        ListOf(CHAT_PATH, at_least=1),
        "chat completions; `{model}` stands for the model's name",
    )
    openai: str | None = spec_field(
        PATH, "what an OpenAI client's base URL ends with; absent: it cannot be used", default=None
    )
    owns: tuple[str, ...] = spec_field(
        ListOf(PATH),
        "without prefix and Host: unknown paths below these are refused in its words",
        default=(),
    )
    reserved: tuple[str, ...] = spec_field(ListOf(Text()), "names that `{model}` never takes", default=())


@spec_dataclass
class KeyHeaderSpec:
    """A header that may carry the API key."""

    header: str = spec_field(HEADER_NAME, "the header's name")
    scheme: str | None = spec_field(Text(), "the word before the key, as `Bearer`", default=None)
    lenient: bool = spec_field(Boolean(), "whether `strict_auth` refuses it", default=False)


@spec_dataclass
class BillingSpec:
    """How it charges the accounts of its customers."""

    price: PriceSpec | None = spec_field(
        ObjectType(PriceSpec), "of a model that has none; absent: it costs nothing", default=None
    )
    whole_credits: bool = spec_field(
        Boolean(), "whether request and answer cost whole credits each, rounded half up", default=False
    )
    statuses: tuple[int, ...] | None = spec_field(
        ListOf(Integer(200, 599), at_least=1),
        "of the answers that it charges; absent: below 400",
        default=None,
    )
    hold: Amount = spec_field(
        AMOUNT,
        "the least that it holds until an answer has ended; a balance must cover it",
        default=Amount(ZERO),
    )
    unlimited: Amount = spec_field(
        AMOUNT, "the balance that is told where there is no end of it", default=Amount(Decimal(100))
    )
    low: Amount = spec_field(AMOUNT, "a balance below this is low", default=Amount(ZERO))
    cut: str = spec_field(
        OneOf("full", "delivered", "none"),
        "what an answer costs that was not heard to its end",
        default="full",
    )


@spec_dataclass
class ErrorText:
    """How one kind of refusal, or one status, is worded. Sentences may have blanks."""

    status: int | None = spec_field(
        Integer(400, 599), "its HTTP status; absent: what the kind means in general", default=None
    )
    message: str | None = spec_field(Text(), "`$detail` is what was wrong with this request", default=None)
    type: str | None = spec_field(Text(), "the error's type", default=None)
    code: str | None = spec_field(Text(), "the error's code", default=None)
    name: str | None = spec_field(Text(), "the exception's name", default=None)
    data: Any = spec_field(AnyValue(), "a form, for what else it carries", default=None)
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "further headers", default=None)
    content_type: str | None = spec_field(ASCII_LINE, "when it is not the vendor's JSON", default=None)
    body: str | None = spec_field(Text(), "the whole body, when it is not the vendor's JSON", default=None)


@spec_dataclass
class ErrorTemplate:
    """The envelope of every refusal."""

    content_type: str = spec_field(ASCII_LINE, "its Content-Type", default="application/json")
    body: dict[str, Any] = spec_field(TEMPLATE, "its form")


@spec_dataclass
class BodyTemplate:
    """A completion as one JSON body: a form for the whole and one for each part."""

    content_type: str = spec_field(ASCII_LINE, "its Content-Type", default="application/json")
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "headers of a JSON answer alone", default=None)
    whole: dict[str, Any] = spec_field(TEMPLATE, "the body")
    choice: dict[str, Any] = spec_field(TEMPLATE, "one of `$choices`")
    message: dict[str, Any] = spec_field(TEMPLATE, "a choice's `$message`")
    no_text: str | None = spec_field(
        Text(), "the content of a message that has no text; absent: null", default=None
    )


@spec_dataclass
class StreamTemplate:
    """A completion as chunks."""

    mode: str = spec_field(
        OneOf("openai", "ignored"), "`ignored`: stream: true gets a JSON body", default="openai"
    )
    chunk: dict[str, Any] = spec_field(TEMPLATE, "one chunk")
    choice: dict[str, Any] = spec_field(TEMPLATE, "one of a chunk's `$choices`")
    opening: dict[str, Any] = spec_field(
        TEMPLATE, "the first delta of a choice; `$content` is empty text, or null before calls"
    )
    usage: str = spec_field(OneOf("asked", "always"), "when the usage chunk is sent", default="asked")
    usage_form: dict[str, Any] | None = spec_field(
        TEMPLATE, "its usage, where it differs from the body's", default=None
    )
    last: dict[str, Any] | None = spec_field(TEMPLATE, "what the usage chunk has besides", default=None)
    heartbeat: float | None = spec_field(
        DURATION, "a comment this often while nothing else is sent", default=None
    )


@spec_dataclass
class VendorProfile:
    """One vendor."""

    name: str = spec_field(VENDOR_NAME, "the word for it in prefixes and fixtures")
    title: str = spec_field(Text(), "its name for people")
    hosts: tuple[str, ...] = spec_field(ListOf(HOST), "its own hosts", default=())
    paths: PathsSpec = spec_field(ObjectType(PathsSpec), "where it listens")
    keys: tuple[KeyHeaderSpec, ...] = spec_field(
        ListOf(ObjectType(KeyHeaderSpec), at_least=1), "where the API key is read, first found wins"
    )
    checks: tuple[str, ...] = spec_field(
        ListOf(OneOf(*DEFAULT_CHECKS)), "what is checked of a request, in this order", default=DEFAULT_CHECKS
    )
    strict_auth: bool = spec_field(Boolean(), "refuse keys in the lenient headers", default=False)
    sample_key: str = spec_field(Text(), "a key to try, shown at start")
    sample_model: str = spec_field(Text(), "a model to try, shown at start")
    envelope: str | None = spec_field(Text(), "which of the generations speaks", default=None)
    generations: dict[str, Any] | None = spec_field(
        MapOf(TEMPLATE), "what differs, by generation", default=None
    )
    success: SuccessSpec = spec_field(
        ObjectType(SuccessSpec), "statuses of good answers", default=SuccessSpec()
    )
    prompt: bool = spec_field(Boolean(), "whether `prompt: text` stands for one user message", default=False)
    unsupported_role: str = spec_field(
        Text(),
        "the message when a model does not hear a role",
        default="messages[$index].role: this model does not hear '$role'",
    )
    thinking: str | None = spec_field(
        Text(), "the request's flag that asks for reasoning_content", default=None
    )
    credits_per_dollar: float = spec_field(CREDIT_RATE, "its own money", default=1)
    billing: BillingSpec = spec_field(ObjectType(BillingSpec), "how it charges", default=BillingSpec())
    models: dict[str, ModelSpec] | None = spec_field(
        MapOf(ObjectType(ModelSpec)), "the models it documents", default=None
    )
    parameters: dict[str, ParameterRule] | None = spec_field(
        PARAMETER_RULES, "what fields of a request must be, for whatever model", default=None
    )
    strict_models: bool = spec_field(
        Boolean(), "whether models that are not documented here are refused", default=False
    )
    unknown_model: UnavailableSpec = spec_field(
        ObjectType(UnavailableSpec), "how they are", default=UnavailableSpec(kind="not_found")
    )
    retired_model: UnavailableSpec = spec_field(
        ObjectType(UnavailableSpec), "how a retired one is", default=UnavailableSpec(kind="gone")
    )
    ids: dict[str, str] = spec_field(MapOf(ID_PATTERN), "the blanks that are identifiers")
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "headers of every answer", default=None)
    echo: dict[str, str] | None = spec_field(
        HEADER_PATTERNS,
        "headers of the request that every answer repeats, each where the expression matches the whole of it",
        default=None,
    )
    etag: bool = spec_field(
        Boolean(), "whether JSON bodies carry a weak ETag as Express makes it", default=False
    )
    usage: dict[str, Any] = spec_field(TEMPLATE, "the usage; raw tokens and credits are blanks")
    body: BodyTemplate = spec_field(ObjectType(BodyTemplate), "a completion as one body")
    stream: StreamTemplate = spec_field(ObjectType(StreamTemplate), "a completion as chunks")
    refusal: ErrorTemplate = spec_field(ObjectType(ErrorTemplate), "the envelope of refusals")
    errors: dict[str, ErrorText] = spec_field(
        ErrorTextsField(ObjectType(ErrorText)),
        "wording by kind or status; of several with one status the first speaks for it",
    )

    endpoints: dict[str, AuxEndpointSpec] | None = spec_field(
        MapOf(ObjectType(AuxEndpointSpec)), "what else there is to read, by a name of yours", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        if sorted(self.checks) != sorted(DEFAULT_CHECKS):
            yield (
                "checks",
                f"found {', '.join(self.checks) or 'nothing'}; expected each of {', '.join(DEFAULT_CHECKS)} once",
            )
        if "tool_call_id" not in self.ids:  # a fixture's tool call is given one, whatever the forms say
            yield "ids", "the key 'tool_call_id' is missing, expected a pattern like call_{alnum:24}"


PROFILE: FieldType = ObjectType(VendorProfile)


def load_profile(path: Path) -> VendorProfile:
    """The profile in this file. Raises InputError with everything that is wrong with it."""
    written = load_document(path)
    file = resolve_extends(written) if isinstance(written.value, dict) else written
    profile: VendorProfile = read_document(PROFILE, file)
    models = (profile.models or {}).values()
    wrong = list(
        find_unknown_placeholders(file, profile.ids, (name for model in models for name in model.facts or {}))
    )
    if wrong:
        raise InputError(*wrong)
    return profile
