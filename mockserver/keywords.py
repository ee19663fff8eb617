"""What a match, a response and a fault are called in Python: the words of a fixture file, as keyword arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from mockserver.shape import choice, meant
from mockserver.shelf.match import is_secret

__tracebackhide__ = True  # as in `remote`

Scalar: TypeAlias = "str | re.Pattern[str]"
# A value is compared as the field says, a list is any of its items, a mapping is operators: {"equals": "Hello"}.
Texts: TypeAlias = "Scalar | Sequence[Scalar] | Mapping[str, Any]"
Counts: TypeAlias = "int | Sequence[int] | Mapping[str, Any]"
Format = Literal["text", "json_object", "json_schema"]
Then = Literal["repeat_last", "cycle", "no_match"]
# A duration with its unit, as "30ms"; or one that varies, as {"median": "800ms", "p95": "4s"}.
Delay: TypeAlias = "str | Mapping[str, str]"


class Match(TypedDict, total=False):
    """What a request must be like; all that is stated must hold. A compiled pattern is searched for."""

    vendor: Texts  # equality; `*` stands for anything
    model: Texts
    key: Texts
    session: Texts
    user: Texts  # a part of the last user message, in any case
    system: Texts  # a part of the system and developer messages
    any_message: Texts
    header: Mapping[str, Texts]  # by name: {"x-tenant": "acme"}
    body: Mapping[str, Any]  # by dotted path: {"temperature": {"lte": 1}, "messages.0.role": "user"}
    tools: str | Sequence[str] | bool  # offered; a list: all of them; False: none
    tool_result: bool | str | Mapping[str, Any]
    image: bool
    stream: bool
    response_format: Format | Sequence[Format]
    turn: Counts  # the number of user messages so far, from 1
    attempt: Counts  # the SDK's own count of retries, from 0


class Response(TypedDict, total=False):
    """What is answered: one of text, chunks, json, tool_calls, choices, refusal, error or raw; and how."""

    text: str
    chunks: Sequence[str | Mapping[str, Any]]
    json: Any
    tool_calls: Sequence[Mapping[str, Any]]  # [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    choices: Sequence[str | Mapping[str, Any]]
    refusal: str
    error: int | str
    raw: Mapping[str, Any]
    reasoning: str
    finish_reason: str
    usage: Mapping[str, int]
    id: str
    created: int
    model: str
    system_fingerprint: str
    headers: Mapping[str, str]
    status: int
    delay: Delay
    stream: Mapping[str, Any]  # {"ttft": "150ms", "tps": 80}
    fault: str | Mapping[str, Any]
    retry_after: str
    message: str
    code: str
    template: bool
    times: int


class Fault(TypedDict, total=False):
    """What goes wrong besides an error: how often, for how long, how likely."""

    fault: str | Mapping[str, Any]  # "reset@3", "hang", {"slow": {"bytes_per_second": 100}}
    delay: Delay  # silence before the first byte
    retry_after: str  # "10ms"; of an error
    message: str  # of an error, in place of the vendor's
    code: str
    times: int  # how often it strikes; absent: always
    for_: str  # how long it strikes, from now on
    probability: float | str  # 0.1 or "10%"


class Failure(Match, Fault, total=False):
    """What goes wrong, and for which requests."""


def known(what: str, stated: Mapping[str, Any], *words: type) -> None:
    """Raises TypeError for a keyword that none of these has."""
    names = [name for one in words for name in one.__annotations__]
    for name in stated:
        if name not in names:
            hint = meant(name, names) or f", expected {choice(names)}"
            raise TypeError(f"{what}: unknown keyword {name!r}{hint}")


def part(stated: Mapping[str, Any], words: type) -> dict[str, Any]:
    """What is stated of these words, under their names in a fixture file."""
    return {name.rstrip("_"): stated[name] for name in stated if name in words.__annotations__}


def plain(value: Any) -> Any:
    """A value that JSON has no word for, in the words of a fixture file. Raises TypeError where there are none."""
    if isinstance(value, re.Pattern):
        flags = "".join(letter for flag, letter in _FLAGS.items() if value.flags & flag)
        return {"regex": f"(?{flags}){value.pattern}" if flags else value.pattern}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"found {value!r}, expected a value that JSON can hold")


def spelled(stated: Mapping[str, Any]) -> str:
    """Keyword arguments as they were written, but for keys: `user='weather', stream=True`."""
    return ", ".join(f"{name}={_clipped(_repr(name, value))}" for name, value in stated.items())


def _repr(name: str, value: Any) -> str:
    if name == "key" or is_secret(name):
        return "'…'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_repr(str(key), item)}" for key, item in value.items()) + "}"
    return f"re.compile({value.pattern!r})" if isinstance(value, re.Pattern) else repr(value)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}
_LONG = 80  # characters of an argument that a message repeats
