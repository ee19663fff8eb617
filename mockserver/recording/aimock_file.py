"""Fixtures of aimock (llmock) in JSON, in the words of this server's fixtures. https://github.com/CopilotKit/aimock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from mockserver.recording.import_problems import SkippedPart
from mockserver.recording.response_writer import write_arguments

Definition = dict[str, Any]

_ORDER_KEYS: Final = ("sequenceIndex", "turnIndex")  # they say which response of several is sent
_IGNORED_KEYS: Final = ("endpoint", "role", "metadata", "replaySpeed", "type", "param", "total_tokens")
_CONTENT_KEYS: Final = ("content", "toolCalls", "blocks", "error", "json")
_TIMING_KEYS: Final = ("latency", "chunkSize", "streamingProfile", "recordedTimings")
_CUT_KEYS: Final = ("truncateAfterChunks", "disconnectAfterMs")
_USAGE_KEYS: Final = {
    "prompt_tokens": "prompt_tokens",
    "input_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "output_tokens": "completion_tokens",
}
_DEFAULT_ERROR_STATUS: Final = 500


class _UnsupportedError(Exception):
    """A fixture cannot be expressed; the message says why."""


def read_aimock_fixtures(value: Mapping[str, Any]) -> Iterator[Definition | SkippedPart]:
    """Yield the fixtures of a file, without names, and the parts that cannot be expressed."""
    groups: dict[bytes, list[tuple[float, str, Definition, Definition]]] = {}
    for number, entry in enumerate(value["fixtures"]):
        place = f"fixtures[{number}]"
        try:
            translation = _Translation(entry)
            match, response = translation.write_match(), translation.write_response()
        except _UnsupportedError as error:
            yield SkippedPart(place, str(error))
            continue
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            yield SkippedPart(place, f"no fixture as aimock has them ({type(error).__name__}: {error})")
            continue
        if translation.omitted:
            yield SkippedPart(place, f"left out, because no fixture has it: {', '.join(translation.omitted)}")
        group = groups.setdefault(orjson.dumps(match, option=orjson.OPT_SORT_KEYS), [])
        group.append((translation.order, place, match, response))
    yield from map(_merge_group, groups.values())


def _merge_group(group: list[tuple[float, str, Definition, Definition]]) -> Definition:
    """Return the fixture of all entries with one match; those with an index answer in its order."""
    group.sort(key=lambda one: one[0])
    ordered = [one for one in group if one[0] >= 0]
    match = group[0][2]
    if not ordered:
        return {"match": match, "response": group[0][3]}  # those after the first are never reached
    return {"match": match, "responses": [response for *_, response in ordered]}


class _Translation:
    """The translation of one entry. `omitted` are the keys that are left out; `order` is the place in a sequence."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self._entry = entry
        self._match: Mapping[str, Any] = entry["match"]
        self._response: Mapping[str, Any] = entry["response"]
        self.omitted: list[str] = []
        indexes = [self._match[key] for key in _ORDER_KEYS if key in self._match]
        self.order = float(indexes[0]) if indexes else -1.0

    def write_match(self) -> Definition:
        """Return the match. Raises _UnsupportedError."""
        match: Definition = {}
        for key, value in self._match.items():
            write = _MATCH_WRITERS.get(key)
            if key == "endpoint" and value != "chat":
                raise _UnsupportedError(f"it is for the endpoint {value!r}, not for completions")
            if write is not None:
                match |= write(value)
            elif key not in (*_ORDER_KEYS, *_IGNORED_KEYS):
                self.omitted.append(f"match.{key}")
        if "tool_result" in match and "toolResultContains" in self._match:
            match |= _MATCH_WRITERS["toolResultContains"](self._match["toolResultContains"])
        return match

    def write_response(self) -> Definition:
        """Return the response with its timing. Raises _UnsupportedError."""
        found = [key for key in _CONTENT_KEYS if key in self._response]
        if not found:
            raise _UnsupportedError(f"its response has none of {', '.join(_CONTENT_KEYS)}")
        content = {"error": self._write_error, "json": self._write_json}.get(found[0], self._write_completion)
        response = content() | self._write_stream() | self._write_cut()
        known = ("match", "response", *_TIMING_KEYS, *_CUT_KEYS, *_IGNORED_KEYS)
        self.omitted += [key for key in self._entry if key not in known]
        return response

    def _write_completion(self) -> Definition:
        response: Definition = {}
        calls: list[Definition] = []
        for key, value in self._response.items():
            if key == "content":
                response["json" if isinstance(value, dict | list) else "text"] = value
            elif key == "toolCalls":
                calls = [_write_call(call) for call in value]
            elif key in _FIELD_NAMES:
                response[_FIELD_NAMES[key]] = value
            elif key == "usage":
                response["usage"] = {
                    _USAGE_KEYS[name]: count for name, count in value.items() if name in _USAGE_KEYS
                }
            elif key not in ("blocks", *_IGNORED_KEYS):
                self.omitted.append(f"response.{key}")
        if "blocks" in self._response:
            return response | self._write_blocks(self._response["blocks"])
        return response | ({"tool_calls": calls} if calls else {})

    def _write_blocks(self, blocks: list[Mapping[str, Any]]) -> Definition:
        """Return the text and the tool calls of blocks, whose order is lost."""
        kinds = [block["type"] for block in blocks]
        if kinds != sorted(kinds, key="text".__ne__):
            self.omitted.append("response.blocks (their order: text is sent before tool calls)")
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = [_write_call(block) for block in blocks if block["type"] == "toolCall"]
        return {**({"text": text} if text else {}), **({"tool_calls": calls} if calls else {})}

    def _write_error(self) -> Definition:
        error = self._response["error"]
        status = int(self._response.get("status", _DEFAULT_ERROR_STATUS))
        fields = {name: error[name] for name in ("message", "code") if error.get(name)}
        retry = self._response.get("retryAfter")
        self.omitted += [
            f"response.error.{key}" for key in error if key not in ("message", "code", *_IGNORED_KEYS)
        ]
        return {"error": status, **fields, **({} if retry is None else {"retry_after": f"{float(retry):g}s"})}

    def _write_json(self) -> Definition:
        body = orjson.dumps(self._response["json"]).decode()
        headers = {"content-type": "application/json"}
        return {"raw": {"status": int(self._response.get("status", 200)), "headers": headers, "body": body}}

    def _write_stream(self) -> Definition:
        stream: Definition = {}
        if "latency" in self._entry:
            stream["gap"] = _write_milliseconds(self._entry["latency"])
        if "chunkSize" in self._entry:
            stream["chunk"] = {"chars": int(self._entry["chunkSize"])}
        if timings := self._entry.get("recordedTimings"):
            stream |= _write_timings(timings)
        if profile := self._entry.get("streamingProfile"):
            stream |= _write_profile(profile)
        is_completion = not {"error", "json"} & self._response.keys()
        return {"stream": stream} if stream and is_completion else {}

    def _write_cut(self) -> Definition:
        if "truncateAfterChunks" in self._entry:
            return {"fault": f"reset@{int(self._entry['truncateAfterChunks'])}"}
        if "disconnectAfterMs" in self._entry:
            return {"fault": f"reset@{_write_milliseconds(self._entry['disconnectAfterMs'])}"}
        return {}


def _write_call(call: Mapping[str, Any]) -> Definition:
    arguments = call.get("arguments", {})
    if isinstance(arguments, str):
        arguments = write_arguments(arguments)
    elif not isinstance(arguments, dict):
        arguments = orjson.dumps(arguments).decode()
    return {
        "name": str(call["name"]),
        "arguments": arguments,
        **({"id": call["id"]} if call.get("id") else {}),
    }


def _write_timings(timings: Mapping[str, Any]) -> Definition:
    """Return the pace of a recorded stream: the time to its first token, and the average between two chunks."""
    gaps = [float(gap) for gap in timings.get("interChunkDelaysMs") or ()]
    mean = {"gap": _write_milliseconds(sum(gaps) / len(gaps))} if gaps else {}
    return {"ttft": _write_milliseconds(timings.get("ttftMs", 0)), **mean}


def _write_profile(profile: Mapping[str, Any]) -> Definition:
    writers: dict[str, Callable[[Any], Any]] = {
        "ttft": _write_milliseconds,
        "tps": float,
        "jitter": lambda share: f"{float(share) * 100:g}%",
    }
    return {name: writers[name](profile[name]) for name in writers if name in profile}


def _write_milliseconds(value: Any) -> str:
    return f"{float(value):g}ms"


_FIELD_NAMES: Final = {
    "reasoning": "reasoning",
    "id": "id",
    "created": "created",
    "model": "model",
    "systemFingerprint": "system_fingerprint",
    "finishReason": "finish_reason",
}
_MATCH_WRITERS: Final[Mapping[str, Callable[[Any], Definition]]] = {
    "userMessage": lambda text: {"user": str(text)} if text else {},
    "systemMessage": lambda text: {
        "system": {"all": [{"contains": str(one)} for one in text]} if isinstance(text, list) else str(text)
    },
    "toolCallId": lambda text: {"body": {"messages.-1.tool_call_id": str(text)}},
    "toolResultContains": lambda text: {"tool_result": {"contains": str(text)}},
    "hasToolResult": lambda value: {"tool_result": bool(value)},
    "toolName": lambda name: {"tools": str(name)},
    "model": lambda name: {"model": {"equals": str(name)}},
    "responseFormat": lambda name: {"response_format": str(name)},
}
