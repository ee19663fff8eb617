"""One fixture: what it is called, what it asks of a call, and what it answers, how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mockserver.errors import Problem
from mockserver.record import Check, ListOf, Record, record, said
from mockserver.shape import Flag, OneOf, Shape, Text
from mockserver.shelf.account import ACCOUNT, Account
from mockserver.shelf.match import MATCH, Match, Term, terms
from mockserver.shelf.response import DELAY, RESPONSE, Pace, Response, Spread
from mockserver.shelf.rule import RULE, Rule

Then = Literal["repeat_last", "cycle", "no_match"]


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("found an empty name; write one, or leave the key out")
    return name


@record
class Written:
    """A fixture as it stands in a file."""

    name: str | None = said(
        Check(Text(), _name), "its name, unique among all; absent: its place in the file", default=None
    )
    match: Match = said(MATCH, "what it asks of a call; `{}` is fulfilled by anything")
    response: Response | None = said(RESPONSE, "what it answers", default=None)
    responses: tuple[Response, ...] | None = said(
        ListOf(RESPONSE, at_least=1), "what it answers the first time, the second time ...", default=None
    )
    then: Then | None = said(
        OneOf("repeat_last", "cycle", "no_match"), "what follows the last of `responses`", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.response is None and self.responses is None:
            yield None, "it has no answer; write response, or responses for one after the other"
        if self.response is not None and self.responses is not None:
            yield "responses", "found both response and responses, expected one of them"
        if self.then is not None and self.responses is None:
            yield "then", "then says what follows the last of `responses`, and there is no such list here"


WRITTEN: Shape = Record(Written)


@record
class Defaults:
    """What the responses of a file have in common."""

    stream: Pace | None = said(Record(Pace), "how streams are paced", default=None)
    delay: Spread | None = said(DELAY, "silence before the first byte", default=None)
    template: bool | None = said(Flag(), "whether texts are Jinja2 templates", default=None)


@record
class File:
    """A fixture file."""

    defaults: Defaults = said(Record(Defaults), "what the responses have in common", default=Defaults())
    fixtures: tuple[Written, ...] = said(ListOf(WRITTEN), "the first that matches answers", default=())
    faults: tuple[Rule, ...] = said(
        ListOf(RULE), "what goes wrong, whatever answers; the first that strikes", default=()
    )
    accounts: tuple[Account, ...] = said(
        ListOf(ACCOUNT), "API keys with their money, limits and permissions", default=()
    )


FILE: Shape = Record(File)


@dataclass(frozen=True, slots=True)
class Fixture:
    """A fixture, ready to be asked. `source` is its file and line, `written` what stands there."""

    name: str
    match: Match
    responses: tuple[Response, ...]
    then: Then
    source: str = ""
    terms: tuple[Term, ...] = field(default=(), compare=False)
    written: Any = field(default=None, compare=False, repr=False)

    def problem(self, message: str) -> Problem:
        """Something that is wrong with this fixture as a whole, where it stands."""
        file, _, line = self.source.rpartition(":")
        if not line.isdecimal():
            return Problem(message, self.name, self.source)
        return Problem(message, self.name, file, int(line), 1)

    def after(self, answered: int) -> Response | None:
        """The response that follows `answered` others; None when it has no more to say."""
        if self.then == "cycle":
            answered %= sum(response.times or 1 for response in self.responses)
        for response in self.responses:
            if response.times is None or answered < response.times:
                return response
            answered -= response.times
        return self.responses[-1] if self.then == "repeat_last" else None


def ready(written: Written, name: str, source: str, defaults: Defaults, plain: Any = None) -> Fixture:
    """A fixture as it was written, with the defaults of its file laid under it."""
    # One alone answers for ever, or as often as it says and then lets the next fixture match.
    responses: tuple[Response, ...] = (written.response or Response(),)
    then: Then = "no_match"
    if written.responses is not None:
        responses = tuple(replace(response, times=response.times or 1) for response in written.responses)
        then = written.then or "repeat_last"
    return Fixture(
        written.name or name,
        written.match,
        tuple(_with_defaults(response, defaults) for response in responses),
        then,
        source,
        terms(written.match),
        plain,
    )


def _with_defaults(response: Response, defaults: Defaults) -> Response:
    return replace(
        response,
        stream=(response.stream or Pace()).over(defaults.stream),
        delay=response.delay or defaults.delay,
        template=defaults.template if response.template is None else response.template,
    )
