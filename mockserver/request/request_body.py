"""The body of a request: parsed when first needed, dropped after the end, and parsed again for later readers.

A parsed body takes at least as much memory as its bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import orjson

from mockserver.memoize import derived_property
from mockserver.request.embedding_input import convert_embedding_body
from mockserver.request.responses_input import Conversation, convert_responses_body
from mockserver.vendors.apis import Api

BodyErrorKind = Literal["", "too_large", "unknown_coding", "no_json"]
ChatMessage = dict[str, Any]
T = TypeVar("T")

MAX_VALUES = 250_000  # commas and opening brackets of a body; more is refused as too large
_COUNTED_SLICE = 1 << 20  # bytes
_IMAGE_PART_TYPES = ("image_url", "input_image", "image")
MAX_KEPT_TEXT = 2_000  # characters of the last user message of a body that is dropped


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The message of a tool: the tool's name (None if it cannot be determined) and the text."""

    name: str | None
    text: str


@dataclass
class ParsedBody:
    """A parsed body; {} if it is not a JSON object, for which `error` and `error_detail` give the reason.

    `chat_body` is the body in the terms of chat completions: the body itself, unless it is one of another api.
    `messages` are those that are objects. What follows from the body is computed once, when it is first needed.
    """

    body: dict[str, Any]
    chat_body: dict[str, Any]
    messages: tuple[ChatMessage, ...]
    last_user_text: str
    error: BodyErrorKind = ""
    error_detail: str = ""
    has_user_message: bool = False

    @derived_property
    def choice_count(self) -> int:
        """Return the number of choices requested (`n`); only for an admitted request."""
        return int(self.chat_body.get("n") or 1)

    @derived_property
    def user_turns(self) -> int:
        """Return the number of user messages."""
        return sum(message.get("role") == "user" for message in self.messages)

    @derived_property
    def system_text(self) -> str:
        """Return the text of all system and developer messages, joined by line breaks."""
        texts = (get_message_text(m) for m in self.messages if m.get("role") in ("system", "developer"))
        return "\n".join(texts)

    @derived_property
    def message_texts(self) -> tuple[str, ...]:
        """Return the text of every message."""
        return tuple(get_message_text(message) for message in self.messages)

    @derived_property
    def has_image(self) -> bool:
        """Return whether any message contains an image."""
        return any(
            part.get("type") in _IMAGE_PART_TYPES
            for message in self.messages
            for part in iter_message_parts(message)
        )

    @derived_property
    def tools(self) -> list[dict[str, Any]]:
        """Return the tools that are offered, as in the chat body."""
        return list(iter_mappings(self.chat_body.get("tools")))

    @derived_property
    def tool_names(self) -> tuple[str, ...]:
        """Return the names of the tools that are offered."""
        functions = (tool.get("function") for tool in self.tools)
        return tuple(
            text_or_empty(function.get("name")) for function in functions if isinstance(function, dict)
        )

    @derived_property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """Return the results of tools after the last assistant message, in their order."""
        newest = itertools.takewhile(
            lambda message: message.get("role") != "assistant", reversed(self.messages)
        )
        results = [message for message in newest if message.get("role") in ("tool", "function")]
        if not results:
            return ()
        names = self._called_tool_names({text_or_empty(one.get("tool_call_id")) for one in results})
        return tuple(
            ToolResult(
                text_or_empty(message.get("name"))
                or names.get(text_or_empty(message.get("tool_call_id")))
                or None,
                get_message_text(message),
            )
            for message in reversed(results)
        )

    @derived_property
    def tool_result(self) -> ToolResult | None:
        """Return the last result of a tool after the last assistant message, None if there is none."""
        results = self.tool_results
        return results[-1] if results else None

    @derived_property
    def response_format(self) -> str:
        """Return the requested format: `text`, `json_object` or `json_schema`."""
        value = self.chat_body.get("response_format")
        return text_or_empty(value.get("type")) or "text" if isinstance(value, dict) else "text"

    def _called_tool_names(self, ids: set[str]) -> dict[str, str]:
        """Return the names of the tools whose last calls have these ids, by id."""
        names: dict[str, str] = {}
        for message in reversed(self.messages):
            for tool_call in iter_mappings(message.get("tool_calls")):
                function, identifier = tool_call.get("function"), text_or_empty(tool_call.get("id"))
                if identifier in ids and isinstance(function, dict):
                    names.setdefault(identifier, text_or_empty(function.get("name")))
            if len(names) == len(ids):
                break
        return names


class LazyBody:
    """A body that is parsed on first access; `accept_prompt`: a string `prompt` stands for one user message.

    `raw` is without its content codings. `failure` is the result for a body that could not be read. `earlier` is the
    conversation that a request to the Responses API continues. Values that are derived from the parsed body are kept
    with it.
    """

    __slots__ = ("_derived", "_parsed", "accept_prompt", "api", "earlier", "failure", "raw")

    def __init__(
        self,
        raw: bytes,
        *,
        accept_prompt: bool = False,
        failure: ParsedBody | None = None,
        api: Api = "chat",
        earlier: Conversation | None = None,
    ) -> None:
        self.raw = raw
        self.accept_prompt = accept_prompt
        self.failure = failure
        self.api = api
        self.earlier = earlier
        self._parsed: ParsedBody | None = None
        self._derived: dict[tuple[str, int], tuple[object, Any]] | None = None

    @property
    def parsed(self) -> ParsedBody:
        """Parse the body, unless that has been done."""
        parsed = self._parsed
        if parsed is None:
            parsed = self._parsed = self.failure or _parse_body(self)
        return parsed

    @property
    def is_parsed(self) -> bool:
        """Return whether the parsed body is in memory."""
        return self._parsed is not None

    def unparsed_copy(self) -> LazyBody:
        """Return a copy that is not parsed yet."""
        return self.with_conversation(self.earlier)

    def with_conversation(self, earlier: Conversation | None) -> LazyBody:
        """Return a copy that is not parsed yet and continues a conversation."""
        return LazyBody(
            self.raw, accept_prompt=self.accept_prompt, failure=self.failure, api=self.api, earlier=earlier
        )

    def derive(self, name: str, subject: object, compute: Callable[[], T]) -> T:
        """Return the value of this name for a subject, computed once as long as the parsed body is kept."""
        if self._derived is None:
            self._derived = {}
        key = name, id(subject)
        if key not in self._derived:
            self._derived[key] = subject, compute()  # the subject is kept, so that its id remains its own
        value: T = self._derived[key][1]
        return value

    def drop_parsed(self) -> None:
        """Free the parsed body and keep the bytes."""
        self._parsed = self._derived = None


def reduce_body(lazy_body: LazyBody) -> tuple[LazyBody, bool]:
    """Return a body with the last user message alone, truncated, and whether its text is whole."""
    parsed = lazy_body.parsed
    text = parsed.last_user_text[:MAX_KEPT_TEXT]
    has_user = parsed.has_user_message
    messages: tuple[ChatMessage, ...] = ({"role": "user", "content": text},) if has_user else ()
    body = {"messages": list(messages)}
    kept = ParsedBody(body, body, messages, text, parsed.error, parsed.error_detail, has_user)
    return LazyBody(b"", failure=kept), len(text) == len(parsed.last_user_text)


def get_message_text(message: Mapping[str, Any]) -> str:
    """Return the text of a message, its text parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(
        text_or_empty(part.get("text"))
        for part in iter_message_parts(message)
        if part.get("type") in ("text", "input_text")
    )


def iter_message_parts(message: Mapping[str, Any]) -> Iterator[ChatMessage]:
    """Yield the parts of a message whose content is a list."""
    yield from iter_mappings(message.get("content"))


def has_too_many_values(raw: bytes) -> bool:
    """Return whether a body may contain more than MAX_VALUES values.

    Parsing holds up the whole process for a time that grows with the values, not with the bytes.
    """
    count = 0
    for start in range(0, len(raw), _COUNTED_SLICE):
        count += sum(raw.count(separator, start, start + _COUNTED_SLICE) for separator in (b",", b"[", b"{"))
        if count > MAX_VALUES:
            return True
    return False


def iter_mappings(value: object) -> Iterator[dict[str, Any]]:
    """Yield the mappings in a list, and nothing if the value is not a list."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def text_or_empty(value: object) -> str:
    """Return the value if it is a string, else an empty string."""
    return value if isinstance(value, str) else ""


def _parse_body(source: LazyBody) -> ParsedBody:
    raw = source.raw
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if not raw.strip():
            return _invalid_body("the body is empty, expected a JSON object")
        return _invalid_body(f"the body is not JSON: {_describe_utf8_error(raw) or error}")
    if type(body) is not dict:
        return _invalid_body(
            f"the body is {_JSON_TYPE_NAMES.get(type(body), 'a scalar')}, expected a JSON object"
        )
    chat_body = body if source.api == "chat" else _convert_to_chat(body, source)
    messages = _extract_messages(chat_body, accept_prompt=source.accept_prompt)
    for message in reversed(messages):
        if message.get("role") == "user":
            return ParsedBody(body, chat_body, messages, get_message_text(message), has_user_message=True)
    return ParsedBody(body, chat_body, messages, "")


def _convert_to_chat(body: dict[str, Any], source: LazyBody) -> dict[str, Any]:
    if source.api == "responses":
        return convert_responses_body(body, source.earlier)
    return convert_embedding_body(body) if source.api == "embeddings" else body


def _extract_messages(body: dict[str, Any], *, accept_prompt: bool) -> tuple[ChatMessage, ...]:
    messages = body.get("messages")
    if type(messages) is list:
        return tuple([item for item in messages if type(item) is dict])
    prompt = body.get("prompt")
    if accept_prompt and isinstance(prompt, str) and "messages" not in body:
        return ({"role": "user", "content": prompt},)
    return ()


def _invalid_body(detail: str) -> ParsedBody:
    return build_body_failure("no_json", detail)


def build_body_failure(error: BodyErrorKind, detail: str = "") -> ParsedBody:
    """Return the result of parsing a body that contains no JSON object."""
    return ParsedBody({}, {}, (), "", error, detail)


def _describe_utf8_error(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"found the byte 0x{raw[error.start]:02x} at {error.start}, expected UTF-8"
    return ""


_JSON_TYPE_NAMES = {list: "an array", str: "a text", type(None): "null"}
TOO_LARGE_BODY: Final = build_body_failure("too_large")
TOO_MANY_VALUES: Final = build_body_failure("too_large", f"the body has more than {MAX_VALUES:,} values")
