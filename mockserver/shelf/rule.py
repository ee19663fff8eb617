"""A fault rule: what goes wrong with the calls that it matches, how often, for how long, how likely."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver import document, shape
from mockserver.call import Call
from mockserver.errors import InputError
from mockserver.record import Record, record, said, sayings
from mockserver.shape import Duration, Percent, Shape, Text, Whole, meant
from mockserver.shelf.fault import FAULT
from mockserver.shelf.match import MATCH, Match, Term, terms
from mockserver.shelf.response import DELAY, ERROR, Spread
from mockserver.wire.faults import Fault


@record
class Rule:
    """One rule; it needs an error, a fault or a delay."""

    match: Match = said(MATCH, "the calls it is for; absent: all", default=Match())
    error: str | int | None = said(
        ERROR, "a status 400 to 599 or a kind, in the vendor's words", default=None
    )
    fault: Fault | None = said(FAULT, "as `reset@3`; with an error, what happens to that", default=None)
    delay: Spread | None = said(DELAY, "silence before the first byte", default=None)
    retry_after: float | None = said(Duration(), "Retry-After of the error", default=None)
    message: str | None = said(Text(), "the error's message, in place of the vendor's", default=None)
    code: str | None = said(Text(), "the error's code, in place of the vendor's", default=None)
    times: int | None = said(Whole(1), "how often it strikes in a session; absent: always", default=None)
    lasting: float | None = said(
        Duration(), "how long it strikes, from when it was made", default=None, name="for"
    )
    probability: float = said(Percent(), "how likely it strikes, as `10%`", default=1.0)

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.error is None and self.fault is None and self.delay is None:
            yield None, "it does nothing; expected error, fault or delay"
        for field in ("message", "code", "retry_after"):
            if getattr(self, field) is not None and self.error is None:
                yield field, f"{field} goes with an error, and there is none here"


RULE: Shape = Record(Rule)


@dataclass(frozen=True, slots=True)
class Laid:
    """A rule in force, under a name of its own, since a moment in seconds; `written` is what stands at `source`."""

    name: str
    rule: Rule
    since: float
    source: str
    written: Any
    terms: tuple[Term, ...]

    def meets(self, call: Call, now: float) -> bool:
        """Whether it is for this call, and not over."""
        over = self.rule.lasting is not None and now - self.since >= self.rule.lasting
        return not over and all(term.holds(call) for term in self.terms)


def laid(rule: Rule, name: str, source: str, written: Any) -> Laid:
    """The rule in force from now on."""
    return Laid(name, rule, now(), source, written, terms(rule.match))


def now() -> float:
    """The clock of the rules, in seconds."""
    return time.monotonic()


def parse(text: str, name: str, source: str) -> Laid:
    """A rule in one line: `model=o1-* error=429 times=2`; what is no word of a rule is a field of its match.

    Raises InputError.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError.of(f"found {text!r}: {error}", source=source) from error
    stated: dict[str, Any] = {}
    match: dict[str, Any] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals or field not in (*_WORDS, *_FIELDS):
            known = (*_FIELDS, *_WORDS)
            hint = meant(field, known) if field not in known else ""
            expected = hint or f", expected NAME=VALUE with one of {', '.join(known)}"
            raise InputError.of(f"found {word!r}{expected}", source=source)
        into = stated if field in _WORDS else match
        if field in into:
            raise InputError.of(f"found {field!r} twice", source=source)
        into[field] = document.parse(value, source).value if value else ""
    written = {**({"match": match} if match else {}), **stated}
    return laid(shape.read(RULE, document.of(written, source)), name, source, written)


_FIELDS = tuple(sayings(Match))
_WORDS = ("error", "fault", "delay", "retry_after", "message", "code", "times", "for", "probability")
