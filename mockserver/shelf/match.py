"""What a fixture asks of a call: every field must hold, and an empty match is fulfilled by anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mockserver.call import Call, ToolResult
from mockserver.document import clipped
from mockserver.origin import account
from mockserver.record import ByType, Check, ListOf, MapOf, OneOrMore, Record, record, said, sayings
from mockserver.shape import WRONG, At, Flag, OneOf, Shape, Text, meant
from mockserver.shelf import clue, condition
from mockserver.shelf.clue import Clues
from mockserver.shelf.condition import MISSING, Condition
from mockserver.shelf.operators import Conditions

FORMATS = ("text", "json_object", "json_schema")

_SECRET = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)


def masked(key: Any) -> str:
    """A key in words that do not give it away: its beginning, and the account that it is."""
    text = str(key)
    return f"{text[:3] if len(text) > 8 else ''}… ({account(text)})"


def is_secret(header: str) -> bool:
    """Whether a header of this name may hold a key."""
    return _SECRET.search(header) is not None


class Headers(MapOf):
    """Headers by name; one that may hold a key never shows it."""

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, dict) or not any(map(is_secret, value)):
            return MapOf.read(self, value, at)
        shapes = {name: _KEY if is_secret(name) else self.shape for name in value}
        told = {name: shapes[name].read(item, at.key(name)) for name, item in value.items()}
        return WRONG if any(one is WRONG for one in told.values()) else told


# --- fields whose scalar is no condition on one value


@record
class ResultSought:
    """The long form of `tool_result`."""

    name: Condition | None = said(
        Conditions("glob"), "the tool's name; `*` stands for anything", default=None
    )
    contains: Condition | None = said(Conditions("contains"), "a part of its text, in any case", default=None)
    regex: Condition | None = said(
        Check(Text(), condition.regex), "a regular expression found in its text", default=None
    )


def _offered(names: str | tuple[str, ...] | bool) -> Condition:
    form = f"tools {names!r}"
    if isinstance(names, bool):
        words = "any tool" if names else "no tools"
        return Condition(words, form, lambda found: bool(found) is names)
    wanted = (names,) if isinstance(names, str) else names
    words = f"the tool{'s' if len(wanted) > 1 else ''} {', '.join(wanted)}"
    return Condition(words, form, lambda found: set(wanted) <= set(found), clues=clue.exact(wanted[0]))


def _flag(expected: bool) -> Condition:
    return Condition(condition.spell(expected), str(expected), lambda found: found is expected, expected)


def _result(wanted: bool | str | ResultSought) -> Condition:
    if isinstance(wanted, bool):
        words = "a tool's result" if wanted else "no tool's result"
        return Condition(words, str(wanted), lambda found: (found is not None) is wanted)
    if isinstance(wanted, str):
        wanted = ResultSought(name=condition.glob(wanted))
    name, texts = wanted.name, [part for part in (wanted.contains, wanted.regex) if part]

    def holds(found: ToolResult | None) -> bool:
        if found is None or (name and not name.holds(found.name)):
            return False
        return all(part.holds(found.text) for part in texts)

    named = (f"a result of {name.words}",) if name else ("a tool's result",)
    return Condition(
        " and ".join((*named, *(part.words for part in texts))),
        f"result ({', '.join(part.form for part in (name, *texts) if part)})",
        holds,
        patterns=tuple(pattern for part in texts for pattern in part.patterns),
    )


def _format(wanted: tuple[str, ...]) -> Condition:
    return condition.any_of(map(condition.equals, wanted))


def _in_any(part: Condition) -> Condition:
    def holds(found: tuple[str, ...]) -> bool:
        return any(map(part.holds, found))

    return replace(part, words=f"a message: {part.words}", holds=holds, literal=MISSING)


_FLAG: Shape = Check(Flag(), _flag)
_COUNT: Shape = Conditions("counts")
_KEY: Shape = Conditions("glob", masked)
_TOOLS: Shape = Check(ByType(text=Text(), sequence=ListOf(Text(), at_least=1), flag=Flag()), _offered)
_RESULT: Shape = Check(ByType(flag=Flag(), text=Text(), mapping=Record(ResultSought)), _result)


@record
class Match:
    """What a request must be like; all fields must hold, and `{}` is any request.

    A list is any of its items; a mapping is operators.
    """

    vendor: Condition | None = said(Conditions("glob"), "the vendor's name", default=None)
    model: Condition | None = said(
        Conditions("glob"), "the model asked for; `*` stands for anything", default=None
    )
    key: Condition | None = said(_KEY, "the API key; `*` stands for anything", default=None)
    session: Condition | None = said(Conditions("glob"), "the session's name", default=None)
    user: Condition | None = said(
        Conditions("contains"), "a part of the last user message, in any case", default=None
    )
    system: Condition | None = said(
        Conditions("contains"), "a part of the system and developer messages, in any case", default=None
    )
    any_message: Condition | None = said(
        Check(Conditions("contains"), _in_any), "a part of any message, in any case", default=None
    )
    header: dict[str, Condition] | None = said(
        Headers(Conditions("glob")), "headers, by name; `*` stands for anything", default=None
    )
    body: dict[str, Condition] | None = said(
        MapOf(Conditions("equals")),
        "values in the JSON body, by dotted path (`stream_options.include_usage`)",
        default=None,
    )
    tools: Condition | None = said(
        _TOOLS, "tools offered: a name, a list of which all must be, or false for none", default=None
    )
    tool_result: Condition | None = said(
        _RESULT, "the last message, when it is a tool's: whether it is, or its tool's name", default=None
    )
    image: Condition | None = said(_FLAG, "whether any message carries an image", default=None)
    stream: Condition | None = said(_FLAG, "whether a stream is asked for", default=None)
    response_format: Condition | None = said(
        Check(OneOrMore(OneOf(*FORMATS)), _format), "the format asked for", default=None
    )
    turn: Condition | None = said(_COUNT, "the number of user messages so far, from 1", default=None)
    attempt: Condition | None = said(_COUNT, "the SDK's own count of retries, from 0", default=None)


@dataclass(frozen=True, slots=True)
class _Fields(Record):
    """The shape of a match; what it does not know is most likely meant for the body."""

    expected = "a mapping of conditions ({} is any request)"

    def _unknown(self, name: str, value: dict[str, Any], at: At) -> None:
        fields = sayings(self.cls)
        if meant(name, fields) or (value[name] is None and at.quoted(name)):
            Record._unknown(self, name, value, at)  # noqa: SLF001 a dataclass with slots has no super() of its own
            return
        known = ", ".join(fields)
        message = (
            f"unknown field {clipped(name)!r}, expected one of {known}; what is in the JSON body is asked by"
        )
        at.key(name).problem(f"{message} `body: {{{clipped(name)}: ...}}`")


MATCH: Shape = _Fields(Match)

Look = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Term:
    """One field of a match, ready to be asked of a call. What a `secret` one finds is never shown."""

    field: str
    condition: Condition
    look: Look
    secret: bool = False

    @property
    def clues(self) -> Clues:
        return self.condition.clues

    def holds(self, call: Call) -> bool:
        return self.condition.holds(self.look(call))


def terms(match: Match) -> tuple[Term, ...]:
    """The fields that a match states, the cheapest to ask first."""
    stated: list[Term] = []
    for field, look in LOOKS.items():
        asked = getattr(match, field)
        if asked is not None:
            stated.append(Term(field, asked, look, field == "key"))
    for name, asked in (match.header or {}).items():
        stated.append(Term(f"header.{name}", asked, _header(name.lower()), is_secret(name)))
    for path, asked in (match.body or {}).items():
        stated.append(Term(f"body.{path}", asked, _body(path)))
    return tuple(stated)


def _header(name: str) -> Look:
    return lambda call: call.headers.get(name, MISSING)


def _body(path: str) -> Look:
    steps = path.split(".")

    def look(call: Call) -> Any:
        found: Any = call.body
        for step in steps:
            found = _inside(found, step)
        return found

    return look


def _inside(found: Any, step: str) -> Any:
    """A mapping's value by its name, a list's by its number, which counts from the end when negative."""
    if isinstance(found, dict):
        return found.get(step, MISSING)
    if isinstance(found, list) and _INDEX.fullmatch(step) and -len(found) <= int(step) < len(found):
        return found[int(step)]
    return MISSING


def _user(call: Call) -> Any:
    return call.user or ("" if call.turn else MISSING)


_INDEX = re.compile(r"-?[0-9]{1,9}")

# Where each field looks, the cheapest first; what is not there is MISSING.
LOOKS: Mapping[str, Look] = {
    "vendor": lambda call: call.vendor.name,
    "model": lambda call: call.model or MISSING,
    "key": lambda call: call.key or MISSING,
    "session": lambda call: call.session,
    "stream": lambda call: call.body.get("stream") is True,
    "user": _user,
    "attempt": lambda call: call.attempt,
    "turn": lambda call: call.turn,
    "tools": lambda call: call.tool_names,
    "tool_result": lambda call: call.tool_result,
    "response_format": lambda call: call.response_format,
    "image": lambda call: call.image,
    "system": lambda call: call.system or MISSING,
    "any_message": lambda call: call.texts,
}
