"""What a profile says of one model."""

from __future__ import annotations

from typing import Any

from mockserver.errors import KINDS
from mockserver.record import ListOf, MapOf, Record, record, said
from mockserver.shape import Flag, Number, OneOf, Text, Whole
from mockserver.vendors.parameter import PARAMETERS, Parameter
from mockserver.vendors.spelling import FORM


@record
class Success:
    """The status of a good answer."""

    body: int = said(Whole(200, 299), "for a JSON body", default=200)
    stream: int = said(Whole(200, 299), "for a stream", default=200)


@record
class Price:
    """Dollars for a million tokens."""

    prompt: float = said(Number(0), "of the request")
    completion: float = said(Number(0), "of the answer, reasoning included")


@record
class Unavailable:
    """How a model is refused that is not to be had."""

    kind: str = said(OneOf(*KINDS), "the kind of error")
    message: str | None = said(Text(), "in other words than the kind's; `$model` is its name", default=None)


@record
class Model:
    """What is particular to one model."""

    snapshot: str | None = said(
        Text(), "the name it answers with; absent: the name it was asked by", default=None
    )
    success: Success | None = said(Record(Success), "its own statuses", default=None)
    fingerprint: str | None = said(Text(), "its system_fingerprint", default=None)
    price: Price | None = said(Record(Price), "what it costs", default=None)
    prompt_overhead: int = said(Whole(0), "prompt tokens it counts beyond the messages' own", default=0)
    reasoning: bool = said(Flag(), "whether it counts reasoning tokens", default=False)
    retired: bool = said(Flag(), "whether it is no more to be had", default=False)
    roles: tuple[str, ...] | None = said(
        ListOf(Text(), at_least=1), "the roles it hears; absent: all", default=None
    )
    facts: dict[str, Any] | None = said(
        FORM, "blanks that its item in a list of models fills besides `$id` and `$aliases`", default=None
    )
    parameters: dict[str, Parameter] | None = said(
        PARAMETERS, "what fields of a request must be; those that are not told may be there", default=None
    )
    messages: dict[str, dict[str, Parameter]] | None = said(
        MapOf(PARAMETERS), "the same of a message, by its role", default=None
    )
