"""Keyword arguments of the Python API: the fields of a fixture file for matches, responses and faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from mockserver.masking import is_secret_header
from mockserver.schema.messages import suggest_name, truncate_text

__tracebackhide__ = True  # as in `session_client`

TextOrPattern: TypeAlias = "str | re.Pattern[str]"
# A value is compared as its field defines, a list matches if any item does, a mapping has operators:
# {"equals": "Hello"}.
TextCriterion: TypeAlias = "TextOrPattern | Sequence[TextOrPattern] | Mapping[str, Any]"
CountCriterion: TypeAlias = "int | Sequence[int] | Mapping[str, Any]"
ResponseFormatName = Literal["text", "json_object", "json_schema"]
ApiName = Literal["chat", "responses", "embeddings", "read", "unknown"]
ThenArgument = Literal["repeat_last", "cycle", "no_match"]
# A duration with its unit, like "30ms", or a distribution, like {"median": "800ms", "p95": "4s", "p99": "9s"}.
DelayArgument: TypeAlias = "str | Mapping[str, str]"

# A duration like "10ms", or {"date": "3s"}, which is sent as an HTTP date.
RetryAfterArgument: TypeAlias = "str | Mapping[str, str]"


class MatchArguments(TypedDict, total=False):
    """The conditions that a request must meet, all of them. A compiled regular expression is searched for."""

    vendor: TextCriterion  # equal, with `*` as a wildcard
    model: TextCriterion
    key: TextCriterion
    session: TextCriterion
    user: TextCriterion  # part of the last user message, case-insensitive
    system: TextCriterion  # part of the system and developer messages
    any_message: TextCriterion
    header: Mapping[str, TextCriterion]  # by name: {"x-tenant": "acme"}
    body: Mapping[str, Any]  # by dotted path: {"temperature": {"lte": 1}, "messages.0.role": "user"}
    tools: str | Sequence[str] | bool  # the offered tools; a list: all of them; False: none
    tool_result: bool | str | Mapping[str, Any]
    image: bool
    stream: bool
    response_format: ResponseFormatName | Sequence[ResponseFormatName]
    turn: CountCriterion  # the number of user messages so far, from 1
    attempt: CountCriterion  # the retry count that the SDK sends, from 0
    api: ApiName | Sequence[ApiName]  # absent: "chat" or "responses"


class ResponseArguments(TypedDict, total=False):
    """A response: one of text, chunks, json, tool_calls, choices, refusal, error, embedding and raw, and more."""

    text: str
    chunks: Sequence[str | Mapping[str, Any]]
    json: Any
    tool_calls: Sequence[Mapping[str, Any]]  # [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    choices: Sequence[str | Mapping[str, Any]]
    refusal: str
    error: int | str
    embedding: Sequence[float] | Literal["generated"]  # the vector of every input
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
    delay: DelayArgument
    stream: Mapping[str, Any]  # {"ttft": "150ms", "tps": 80}
    fault: str | Mapping[str, Any]
    retry_after: RetryAfterArgument
    patch: Mapping[str, Mapping[str, Any]]  # {"delta": {"role": "assistant"}, "chunk": {"usage": None}}
    message: str
    code: str
    template: bool
    times: int


class FaultArguments(TypedDict, total=False):
    """The properties of a fault rule, besides its error."""

    fault: str | Mapping[str, Any]  # "reset@3", "hang", {"slow": {"bytes_per_second": 100}}
    delay: DelayArgument  # before the first byte
    retry_after: RetryAfterArgument  # of an error
    message: str  # of an error, in place of the vendor's
    code: str
    times: int  # how often it applies; absent: always
    for_: str  # how long it applies, from now on: "1m"
    probability: float | str  # 0.1 or "10%"


class FailArguments(MatchArguments, FaultArguments, total=False):
    """The arguments of `Session.fail`: a fault rule and its match."""


def check_keywords(caller: str, arguments: Mapping[str, Any], *argument_types: type) -> None:
    """Raise TypeError for a keyword that is in none of these argument types."""
    names = [name for one in argument_types for name in one.__annotations__]
    for name in arguments:
        if name not in names:
            raise TypeError(f"{caller}: unknown keyword {name!r}{suggest_name(name, names)}")


def select_keywords(arguments: Mapping[str, Any], argument_type: type) -> dict[str, Any]:
    """Return the arguments of this type, by their names in a fixture file (`for_` is `for`)."""
    return {name.rstrip("_"): arguments[name] for name in arguments if name in argument_type.__annotations__}


def encode_argument(value: Any) -> Any:
    """Convert a value that JSON cannot hold to that of a fixture file. Raises TypeError if there is none."""
    if isinstance(value, re.Pattern):
        flags = "".join(letter for flag, letter in _REGEX_FLAGS.items() if value.flags & flag)
        return {"regex": f"(?{flags}){value.pattern}" if flags else value.pattern}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"found {value!r}, expected a value that JSON can hold")


def format_arguments(arguments: Mapping[str, Any]) -> str:
    """Format keyword arguments as in source code, with keys masked: `user='weather', stream=True`."""
    return ", ".join(
        f"{name}={truncate_text(_format_value(name, value), _MAX_ARGUMENT_LENGTH)}"
        for name, value in arguments.items()
    )


def _format_value(name: str, value: Any) -> str:
    if name != "session" and is_secret_header(name):
        return "'…'"
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{key!r}: {_format_value(str(key), item)}" for key, item in value.items()) + "}"
        )
    return f"re.compile({value.pattern!r})" if isinstance(value, re.Pattern) else repr(value)


_REGEX_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}
_MAX_ARGUMENT_LENGTH = 80  # characters of an argument in a message
