"""What a vendor's profile says: one YAML file, checked against this model; no vendor is named in the code.

What a file leaves to another, or to a generation of itself, is laid together by `overlay`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from mockserver import document
from mockserver.errors import KINDS, InputError
from mockserver.money import ZERO, Amount
from mockserver.record import ListOf, MapOf, Record, record, said
from mockserver.shape import (
    Anything,
    At,
    Flag,
    OneOf,
    Shape,
    Text,
    Whole,
    choice,
    meant,
    read,
)
from mockserver.vendors import blanks, overlay
from mockserver.vendors.lookup import Endpoint
from mockserver.vendors.model import Model, Price, Success, Unavailable
from mockserver.vendors.parameter import PARAMETERS, Parameter
from mockserver.vendors.spelling import (
    CHAT_PATH,
    EXPRESSIONS,
    FORM,
    HEADER,
    HEADERS,
    HOST,
    LINE,
    MONEY,
    NAME,
    PATH,
    PATTERN,
    RATE,
    TIME,
)

CHECKS = ("content_type", "key", "model", "balance", "body")  # in the order of a vendor that states none
OTHER = "other"  # the wording of whatever has none


class Wordings(MapOf):
    """Wordings by kind, by status, or for all that has none."""

    __slots__ = ()

    def read(self, value: Any, at: At) -> Any:
        for key in value if isinstance(value, dict) else ():
            if key not in (*KINDS, OTHER) and not re.fullmatch(r"[45][0-9][0-9]", key):
                at.key(key).problem(
                    f"found {document.clipped(key)!r}, expected a kind, a status from 400 to 599 or {OTHER!r}"
                    f"{meant(key, KINDS) or f': {choice(KINDS)}'}"
                )
        return super().read(value, at)


@record
class Paths:
    """Where a vendor listens, below its own host."""

    chat: tuple[str, ...] = said(
        ListOf(CHAT_PATH, at_least=1),
        "chat completions; `{model}` stands for the model's name",
    )
    openai: str | None = said(
        PATH, "what an OpenAI client's base URL ends with; absent: it cannot be used", default=None
    )
    owns: tuple[str, ...] = said(
        ListOf(PATH),
        "without prefix and Host: unknown paths below these are refused in its words",
        default=(),
    )
    reserved: tuple[str, ...] = said(ListOf(Text()), "names that `{model}` never takes", default=())


@record
class KeyHeader:
    """A header that may carry the API key."""

    header: str = said(HEADER, "the header's name")
    scheme: str | None = said(Text(), "the word before the key, as `Bearer`", default=None)
    lenient: bool = said(Flag(), "whether `strict_auth` refuses it", default=False)


@record
class Billing:
    """How it charges the accounts of its customers."""

    price: Price | None = said(
        Record(Price), "of a model that has none; absent: it costs nothing", default=None
    )
    whole_credits: bool = said(
        Flag(), "whether request and answer cost whole credits each, rounded half up", default=False
    )
    statuses: tuple[int, ...] | None = said(
        ListOf(Whole(200, 599), at_least=1), "of the answers that it charges; absent: below 400", default=None
    )
    hold: Amount = said(
        MONEY,
        "the least that it holds until an answer has ended; a balance must cover it",
        default=Amount(ZERO),
    )
    unlimited: Amount = said(
        MONEY, "the balance that is told where there is no end of it", default=Amount(Decimal(100))
    )
    low: Amount = said(MONEY, "a balance below this is low", default=Amount(ZERO))
    cut: str = said(
        OneOf("full", "delivered", "none"),
        "what an answer costs that was not heard to its end",
        default="full",
    )


@record
class Wording:
    """How one kind of refusal, or one status, is worded. Sentences may have blanks."""

    status: int | None = said(
        Whole(400, 599), "its HTTP status; absent: what the kind means in general", default=None
    )
    message: str | None = said(Text(), "`$detail` is what was wrong with this request", default=None)
    type: str | None = said(Text(), "the error's type", default=None)
    code: str | None = said(Text(), "the error's code", default=None)
    name: str | None = said(Text(), "the exception's name", default=None)
    data: Any = said(Anything(), "a form, for what else it carries", default=None)
    headers: dict[str, str] | None = said(HEADERS, "further headers", default=None)
    content_type: str | None = said(LINE, "when it is not the vendor's JSON", default=None)
    body: str | None = said(Text(), "the whole body, when it is not the vendor's JSON", default=None)


@record
class Refusal:
    """The envelope of every refusal."""

    content_type: str = said(LINE, "its Content-Type", default="application/json")
    body: dict[str, Any] = said(FORM, "its form")


@record
class Body:
    """A completion as one JSON body: a form for the whole and one for each part."""

    content_type: str = said(LINE, "its Content-Type", default="application/json")
    headers: dict[str, str] | None = said(HEADERS, "headers of a JSON answer alone", default=None)
    whole: dict[str, Any] = said(FORM, "the body")
    choice: dict[str, Any] = said(FORM, "one of `$choices`")
    message: dict[str, Any] = said(FORM, "a choice's `$message`")
    no_text: str | None = said(
        Text(), "the content of a message that has no text; absent: null", default=None
    )


@record
class Streaming:
    """A completion as chunks."""

    mode: str = said(OneOf("openai", "ignored"), "`ignored`: stream: true gets a JSON body", default="openai")
    chunk: dict[str, Any] = said(FORM, "one chunk")
    choice: dict[str, Any] = said(FORM, "one of a chunk's `$choices`")
    opening: dict[str, Any] = said(
        FORM, "the first delta of a choice; `$content` is empty text, or null before calls"
    )
    usage: str = said(OneOf("asked", "always"), "when the usage chunk is sent", default="asked")
    usage_form: dict[str, Any] | None = said(
        FORM, "its usage, where it differs from the body's", default=None
    )
    last: dict[str, Any] | None = said(FORM, "what the usage chunk has besides", default=None)
    heartbeat: float | None = said(TIME, "a comment this often while nothing else is sent", default=None)


@record
class Profile:
    """One vendor."""

    name: str = said(NAME, "the word for it in prefixes and fixtures")
    title: str = said(Text(), "its name for people")
    hosts: tuple[str, ...] = said(ListOf(HOST), "its own hosts", default=())
    paths: Paths = said(Record(Paths), "where it listens")
    keys: tuple[KeyHeader, ...] = said(
        ListOf(Record(KeyHeader), at_least=1), "where the API key is read, first found wins"
    )
    checks: tuple[str, ...] = said(
        ListOf(OneOf(*CHECKS)), "what is checked of a request, in this order", default=CHECKS
    )
    strict_auth: bool = said(Flag(), "refuse keys in the lenient headers", default=False)
    sample_key: str = said(Text(), "a key to try, shown at start")
    sample_model: str = said(Text(), "a model to try, shown at start")
    envelope: str | None = said(Text(), "which of the generations speaks", default=None)
    generations: dict[str, Any] | None = said(MapOf(FORM), "what differs, by generation", default=None)
    success: Success = said(Record(Success), "statuses of good answers", default=Success())
    prompt: bool = said(Flag(), "whether `prompt: text` stands for one user message", default=False)
    unsupported_role: str = said(
        Text(),
        "the message when a model does not hear a role",
        default="messages[$index].role: this model does not hear '$role'",
    )
    thinking: str | None = said(Text(), "the request's flag that asks for reasoning_content", default=None)
    credits_per_dollar: float = said(RATE, "its own money", default=1)
    billing: Billing = said(Record(Billing), "how it charges", default=Billing())
    models: dict[str, Model] | None = said(MapOf(Record(Model)), "the models it documents", default=None)
    parameters: dict[str, Parameter] | None = said(
        PARAMETERS, "what fields of a request must be, for whatever model", default=None
    )
    strict_models: bool = said(
        Flag(), "whether models that are not documented here are refused", default=False
    )
    unknown_model: Unavailable = said(
        Record(Unavailable), "how they are", default=Unavailable(kind="not_found")
    )
    retired_model: Unavailable = said(
        Record(Unavailable), "how a retired one is", default=Unavailable(kind="gone")
    )
    ids: dict[str, str] = said(MapOf(PATTERN), "the blanks that are identifiers")
    headers: dict[str, str] | None = said(HEADERS, "headers of every answer", default=None)
    echo: dict[str, str] | None = said(
        EXPRESSIONS,
        "headers of the request that every answer repeats, each where the expression matches the whole of it",
        default=None,
    )
    etag: bool = said(Flag(), "whether JSON bodies carry a weak ETag as Express makes it", default=False)
    usage: dict[str, Any] = said(FORM, "the usage; raw tokens and credits are blanks")
    body: Body = said(Record(Body), "a completion as one body")
    stream: Streaming = said(Record(Streaming), "a completion as chunks")
    refusal: Refusal = said(Record(Refusal), "the envelope of refusals")
    errors: dict[str, Wording] = said(
        Wordings(Record(Wording)),
        "wording by kind or status; of several with one status the first speaks for it",
    )

    endpoints: dict[str, Endpoint] | None = said(
        MapOf(Record(Endpoint)), "what else there is to read, by a name of yours", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        if sorted(self.checks) != sorted(CHECKS):
            yield (
                "checks",
                f"found {', '.join(self.checks) or 'nothing'}; expected each of {', '.join(CHECKS)} once",
            )
        if "tool_call_id" not in self.ids:  # a fixture's tool call is given one, whatever the forms say
            yield "ids", "the key 'tool_call_id' is missing, expected a pattern like call_{alnum:24}"


PROFILE: Shape = Record(Profile)


def load(path: Path) -> Profile:
    """The profile in this file. Raises InputError with everything that is wrong with it."""
    written = document.read(path)
    file = overlay.whole(written) if isinstance(written.value, dict) else written
    profile: Profile = read(PROFILE, file)
    models = (profile.models or {}).values()
    wrong = list(blanks.unknown(file, profile.ids, (name for model in models for name in model.facts or {})))
    if wrong:
        raise InputError(*wrong)
    return profile
