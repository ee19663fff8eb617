"""The fields of a vendor profile: a YAML file that describes a vendor, so that the code names none.

`profile_inheritance` merges a file with the profile that it extends and with the version that it selects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from mockserver.errors import ERROR_STATUS, STATUS_BY_KIND, InputError
from mockserver.schema.field_types import (
    AmountField,
    AnyValue,
    Boolean,
    Cursor,
    FieldType,
    Integer,
    Null,
    OneOf,
    Text,
    read_document,
)
from mockserver.schema.messages import suggest_name, truncate_text
from mockserver.schema.money import ZERO, Amount
from mockserver.schema.object_types import ByType, ListOf, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.schema.yaml_document import Document, load_document
from mockserver.vendors.aux_endpoints import AuxEndpointSpec
from mockserver.vendors.embeddings_spec import EmbeddingsSpec
from mockserver.vendors.job_spec import JobsSpec
from mockserver.vendors.latency_spec import LatencySpec
from mockserver.vendors.model_spec import (
    ModelSpec,
    PriceSpec,
    RejectedValueSpec,
    SuccessSpec,
    UnavailableSpec,
)
from mockserver.vendors.parameter_rules import PARAMETER_RULES, ParameterRule
from mockserver.vendors.placeholder_check import find_unknown_placeholders
from mockserver.vendors.profile_fields import (
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
    REQUEST_LINE,
    TEMPLATE,
    VENDOR_NAME,
)
from mockserver.vendors.profile_inheritance import resolve_extends
from mockserver.vendors.responses_spec import RESPONSES, ResponsesSpec

DEFAULT_CHECKS = (
    "content_type",
    "key",
    "model",
    "balance",
    "body",
)  # the order if a profile states none
OTHER_KIND = "other"  # the error text for all kinds and statuses without their own


class ErrorTextsField(MapOf):
    """A mapping of error texts by kind, by status, or `other`."""

    __slots__ = ()

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read the mapping; report keys that are no kind and no status."""
        for key in value if isinstance(value, dict) else ():
            if key not in (*STATUS_BY_KIND, OTHER_KIND) and not re.fullmatch(ERROR_STATUS, key):
                cursor.key(key).report(
                    f"found {truncate_text(key)!r}, expected a kind, a status from 400 to 599 or {OTHER_KIND!r}"
                    f"{suggest_name(key, STATUS_BY_KIND, ': ')}"
                )
        return super().read(value, cursor)


@spec_dataclass
class PathsSpec:
    """The paths of a vendor, below its own host."""

    chat: tuple[str, ...] = spec_field(
        ListOf(CHAT_PATH, at_least=1),
        "chat completions; `{model}` stands for the model's name",
    )
    responses: tuple[str, ...] = spec_field(
        ListOf(CHAT_PATH), "OpenAI's Responses API; absent: not served", default=()
    )
    embeddings: tuple[str, ...] = spec_field(ListOf(CHAT_PATH), "embeddings; absent: not served", default=())
    openai: str | None = spec_field(
        PATH, "the path of an OpenAI client's base URL; absent: OpenAI clients cannot be used", default=None
    )
    owns: tuple[str, ...] = spec_field(
        ListOf(PATH),
        "paths below which it answers unknown paths, in requests without vendor prefix and Host",
        default=(),
    )
    reserved: tuple[str, ...] = spec_field(ListOf(Text()), "names that `{model}` never matches", default=())
    trailing_slash: str = spec_field(
        OneOf("accepted", "not_found"), "how its router handles a slash after a path", default="not_found"
    )


@spec_dataclass
class KeyHeaderSpec:
    """A header that may carry the API key."""

    header: str = spec_field(HEADER_NAME, "the header's name")
    scheme: str | None = spec_field(Text(), "the scheme before the key, as `Bearer`", default=None)
    lenient: bool = spec_field(Boolean(), "whether `strict_auth` rejects a key in it", default=False)


@spec_dataclass
class BillingSpec:
    """The rules by which a vendor charges its accounts."""

    price: PriceSpec | None = spec_field(
        ObjectType(PriceSpec), "for a model without a price; absent: it is free", default=None
    )
    whole_credits: bool = spec_field(
        Boolean(),
        "whether prompt and completion are each charged in whole credits, rounded half up",
        default=False,
    )
    statuses: tuple[int, ...] | None = spec_field(
        ListOf(Integer(200, 599), at_least=1),
        "the statuses of charged answers; absent: all below 400",
        default=None,
    )
    hold: Amount = spec_field(
        AmountField(),
        "the minimum hold until an answer ends; a balance must cover it",
        default=Amount(ZERO),
    )
    unlimited: Amount = spec_field(
        AmountField(), "the reported balance of an account without a limit", default=Amount(Decimal(100))
    )
    low: Amount = spec_field(AmountField(), "the threshold of a low balance", default=Amount(ZERO))
    cut: str = spec_field(
        OneOf("full", "delivered", "none"),
        "the cost of an aborted answer",
        default="full",
    )


@spec_dataclass
class ErrorText:
    """The text of one error kind or status. Its texts may contain placeholders."""

    status: int | None = spec_field(
        Integer(400, 599), "its HTTP status; absent: the usual one of the kind", default=None
    )
    message: str | None = spec_field(
        Text(), "the message; `$detail` describes the problem of this request", default=None
    )
    type: str | None = spec_field(Text(), "the error's type", default=None)
    code: str | None = spec_field(Text(), "the error's code", default=None)
    name: str | None = spec_field(Text(), "the exception's name", default=None)
    data: Any = spec_field(AnyValue(), "a template for its further data", default=None)
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "further headers", default=None)
    content_type: str | None = spec_field(
        ASCII_LINE, "the Content-Type, if it is not the vendor's JSON", default=None
    )
    body: str | None = spec_field(Text(), "the whole body, if it is not the vendor's JSON", default=None)


@spec_dataclass
class ErrorTemplate:
    """The envelope of all error bodies."""

    content_type: str = spec_field(ASCII_LINE, "its Content-Type", default="application/json")
    headers: dict[str, str] | None = spec_field(
        HEADER_MAP, "headers of every error, besides those of every answer", default=None
    )
    body: dict[str, Any] = spec_field(TEMPLATE, "its template")
    upstream: dict[str, Any] | None = spec_field(
        TEMPLATE,
        "the template of an upstream error, whose JSON the message carries; absent: it carries the text",
        default=None,
    )
    upstream_text: tuple[int, ...] = spec_field(
        ListOf(Integer(400, 599)),
        "the statuses whose message carries the text of an upstream error",
        default=(),
    )


@spec_dataclass
class IssueText:
    """The text of an invalid body, by the code of its first issue."""

    message: str = spec_field(Text(), "the message; `$param` is the field, `$issue` the text of the issue")
    code: str | None = spec_field(Text(), "the error's code", default=None)


@spec_dataclass
class RateLimitsSpec:
    """The limits that are reported for a key without limits of its own, for a minute."""

    requests: int = spec_field(Integer(1), "requests")
    tokens: int = spec_field(Integer(1), "tokens of prompts")


@spec_dataclass
class VersionSpec:
    """One version of a vendor: the fields in which its answers and its errors differ from the profile."""

    answers: dict[str, Any] | None = spec_field(TEMPLATE, "the fields of its answers", default=None)
    errors: dict[str, Any] | None = spec_field(TEMPLATE, "the fields of its errors", default=None)


@spec_dataclass
class BodyTemplate:
    """The templates of a completion as one JSON body: of the whole and of each part."""

    content_type: str = spec_field(ASCII_LINE, "its Content-Type", default="application/json")
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "headers that only a JSON body has", default=None)
    whole: dict[str, Any] = spec_field(TEMPLATE, "the body")
    choice: dict[str, Any] = spec_field(TEMPLATE, "one of `$choices`")
    message: dict[str, Any] = spec_field(TEMPLATE, "a choice's `$message`")
    no_text: str | None = spec_field(
        Text(), "the content of a message without text; absent: null", default=None
    )


@spec_dataclass
class StreamTemplate:
    """The templates of a completion as the chunks of a stream."""

    mode: str = spec_field(
        OneOf("openai", "ignored"), "`ignored`: `stream: true` is answered with a JSON body", default="openai"
    )
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "headers that only a stream has", default=None)
    chunk: dict[str, Any] = spec_field(TEMPLATE, "one chunk")
    choice: dict[str, Any] = spec_field(TEMPLATE, "one of a chunk's `$choices`")
    opening: dict[str, Any] = spec_field(
        TEMPLATE, "the first delta of a choice; `$content` is empty text, or null before tool calls"
    )
    reasoning_delta: dict[str, Any] | None = spec_field(
        TEMPLATE, "a delta of reasoning, if it has more than `reasoning_content`", default=None
    )
    text_delta: dict[str, Any] | None = spec_field(
        TEMPLATE, "a delta of text that follows reasoning, if it has more than `content`", default=None
    )
    usage: str = spec_field(OneOf("asked", "always"), "when the usage chunk is sent", default="asked")
    usage_form: dict[str, Any] | None = spec_field(
        TEMPLATE, "its usage, if it differs from the body's", default=None
    )
    last: dict[str, Any] | None = spec_field(TEMPLATE, "further fields of the usage chunk", default=None)
    heartbeat: float | None = spec_field(
        DURATION, "the interval of comments while nothing else is sent", default=None
    )
    padding: int = spec_field(
        Integer(0, 1_000_000), "the bytes of a comment after the first event, 0 for none", default=0
    )
    pieces: int = spec_field(
        Integer(0), "the most bytes that are sent at once, 0 for whole events", default=0
    )


@spec_dataclass
class ContentFiltersSpec:
    """The results of content filters in answers: for the prompt, and for each choice."""

    sent: bool = spec_field(Boolean(), "whether they are sent", default=False)
    prompt: Any = spec_field(AnyValue(), "the value of `$prompt_filter_results`")
    choice: Any = spec_field(AnyValue(), "the value of `$content_filter_results`")
    first_chunk: dict[str, Any] = spec_field(TEMPLATE, "a chunk without choices that begins every stream")


_VERSION: FieldType = ByType(text=Text(), null=Null())


@spec_dataclass
class VendorProfile:
    """The description of one vendor."""

    name: str = spec_field(VENDOR_NAME, "its name in path prefixes and fixtures")
    title: str = spec_field(Text(), "its full name")
    hosts: tuple[str, ...] = spec_field(ListOf(HOST), "its own hosts", default=())
    listed: bool = spec_field(
        Boolean(),
        "whether it is shown at start, and has its native paths; if not, only its path prefix and hosts are served, "
        "unless `--vendor` names it",
        default=True,
    )
    paths: PathsSpec = spec_field(ObjectType(PathsSpec), "its paths")
    keys: tuple[KeyHeaderSpec, ...] = spec_field(
        ListOf(ObjectType(KeyHeaderSpec), at_least=1),
        "the headers of the API key; the first one present is used",
    )
    checks: tuple[str, ...] = spec_field(
        ListOf(OneOf(*DEFAULT_CHECKS)), "the checks of a request, in their order", default=DEFAULT_CHECKS
    )
    strict_auth: bool = spec_field(Boolean(), "reject keys in the lenient headers", default=False)
    sample_key: str = spec_field(Text(), "a key to try, shown at start")
    sample_model: str = spec_field(Text(), "a model to try, shown at start")
    answers: str | None = spec_field(
        _VERSION, "the version of its answers, one of `versions`; `envelope` sets both", default=None
    )
    errors: str | None = spec_field(
        _VERSION, "the version of its errors, one of `versions`; `envelope` sets both", default=None
    )
    versions: dict[str, VersionSpec] | None = spec_field(
        MapOf(ObjectType(VersionSpec)), "the versions, by name", default=None
    )
    success: SuccessSpec = spec_field(
        ObjectType(SuccessSpec), "statuses of successful responses", default=SuccessSpec()
    )
    prompt: bool = spec_field(Boolean(), "whether `prompt: text` stands for one user message", default=False)
    unsupported_role: str = spec_field(
        Text(),
        "the message if a model does not support a role",
        default="messages[$index].role: this model does not support '$role'",
    )
    thinking: str | None = spec_field(
        Text(),
        "the field of a request that requests reasoning_content; absent: it is sent unasked",
        default=None,
    )
    hides_reasoning: bool = spec_field(
        Boolean(), "whether reasoning is never sent as reasoning_content", default=False
    )
    credits_per_dollar: float = spec_field(CREDIT_RATE, "the value of a dollar in its credits", default=1)
    billing: BillingSpec = spec_field(ObjectType(BillingSpec), "its charges", default=BillingSpec())
    rate_limits: RateLimitsSpec | None = spec_field(
        ObjectType(RateLimitsSpec), "the values of `$limit_requests` and the like", default=None
    )
    latency: LatencySpec | None = spec_field(
        ObjectType(LatencySpec), "the latency of its models, besides their own", default=None
    )
    models: dict[str, ModelSpec] | None = spec_field(
        MapOf(ObjectType(ModelSpec)), "the models it documents", default=None
    )
    parameters: dict[str, ParameterRule] | None = spec_field(
        PARAMETER_RULES, "rules for the fields of a request to any model", default=None
    )
    strict_models: bool = spec_field(
        Boolean(), "whether models that are not listed here are rejected", default=False
    )
    unknown_model: UnavailableSpec = spec_field(
        ObjectType(UnavailableSpec),
        "the error for a model that is not listed",
        default=UnavailableSpec(kind="not_found"),
    )
    retired_model: UnavailableSpec = spec_field(
        ObjectType(UnavailableSpec), "the error for a retired model", default=UnavailableSpec(kind="gone")
    )
    rejected_value: RejectedValueSpec | None = spec_field(
        ObjectType(RejectedValueSpec),
        "the error for parameters whose values are not allowed; absent: that of invalid_request",
        default=None,
    )
    ids: dict[str, str] = spec_field(
        MapOf(ID_PATTERN), "the placeholders that are identifiers, with their patterns"
    )
    headers: dict[str, str] | None = spec_field(HEADER_MAP, "headers of every answer", default=None)
    echo: dict[str, str] | None = spec_field(
        HEADER_PATTERNS,
        "headers of a request that every answer repeats, if the regular expression matches the whole value",
        default=None,
    )
    etag: bool = spec_field(
        Boolean(), "whether JSON bodies have a weak ETag in the form of Express", default=False
    )
    compress: bool = spec_field(
        Boolean(), "whether responses are compressed with gzip for clients that accept it", default=False
    )
    usage: dict[str, Any] = spec_field(
        TEMPLATE, "the template of the usage; tokens and credits are placeholders"
    )
    body: BodyTemplate = spec_field(ObjectType(BodyTemplate), "a completion as one body")
    stream: StreamTemplate = spec_field(ObjectType(StreamTemplate), "a completion as chunks")
    responses: ResponsesSpec | None = spec_field(
        RESPONSES, "the Responses API, if `paths` has one; absent: OpenAI's form", default=None
    )
    embeddings: EmbeddingsSpec | None = spec_field(
        ObjectType(EmbeddingsSpec), "the answer to requests for embeddings", default=None
    )
    refusal: ErrorTemplate = spec_field(ObjectType(ErrorTemplate), "the envelope of errors")
    issue_texts: dict[str, IssueText] | None = spec_field(
        MapOf(ObjectType(IssueText)),
        "the texts of an invalid body, by field or code of its first issue, `required` or `other`; "
        "absent: that of invalid_request",
        default=None,
    )
    error_texts: dict[str, ErrorText] = spec_field(
        ErrorTextsField(ObjectType(ErrorText)),
        "error texts by kind or status; the first kind with a status represents it",
    )

    content_filters: ContentFiltersSpec | None = spec_field(
        ObjectType(ContentFiltersSpec), "the results of its content filters", default=None
    )
    jobs: JobsSpec | None = spec_field(
        ObjectType(JobsSpec), "completions that are submitted as asynchronous jobs", default=None
    )
    endpoints: dict[str, AuxEndpointSpec] | None = spec_field(
        MapOf(ObjectType(AuxEndpointSpec)), "further endpoints, by a name of your choice", default=None
    )

    unserved: tuple[str, ...] = spec_field(
        ListOf(REQUEST_LINE),
        "endpoints that it has and this server does not serve, as `POST /v1/images`; `{id}` stands for a segment",
        default=(),
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the fields in combination."""
        if sorted(self.checks) != sorted(DEFAULT_CHECKS):
            yield (
                "checks",
                f"found {', '.join(self.checks) or 'nothing'}; expected each of {', '.join(DEFAULT_CHECKS)} once",
            )
        if self.jobs is not None and self.jobs.id not in self.ids:
            yield (
                "jobs",
                f"found the id {truncate_text(self.jobs.id)!r}, expected one of {', '.join(self.ids)}",
            )
        if (self.embeddings is None) is not (self.paths.embeddings == ()):
            yield "embeddings", "found one of 'embeddings' and 'paths.embeddings', expected both or neither"
        if "tool_call_id" not in self.ids:  # tool calls of fixtures need one
            yield "ids", "the key 'tool_call_id' is missing, expected a pattern like call_{alnum:24}"


PROFILE: FieldType = ObjectType(VendorProfile)


def load_profile(path: Path) -> VendorProfile:
    """Load the profile in a file. Raises InputError with all problems of the file."""
    return read_profile(load_document(path))


def read_profile(source: Document) -> VendorProfile:
    """Read a profile from a document. Raises InputError with all of its problems."""
    file = resolve_extends(source) if isinstance(source.value, dict) else source
    profile: VendorProfile = read_document(PROFILE, file)
    facts = [name for model in (profile.models or {}).values() for name in model.facts or {}]
    headers = [
        name
        for endpoint in (profile.endpoints or {}).values()
        for name in {**(endpoint.answer_headers or {}), **(endpoint.request_headers or {})}
    ]
    job_fields = profile.jobs.body if profile.jobs else ()
    problems = list(find_unknown_placeholders(file, profile.ids, [*facts, *headers, *job_fields]))
    if problems:
        raise InputError(*problems)
    return profile
