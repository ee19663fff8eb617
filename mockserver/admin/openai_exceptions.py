"""The exceptions of the OpenAI SDK for Python, by answer and fault, as measured with its default of two retries.

The tests measure them again with the SDK that is installed, and compare the tables in docs/sdk-exceptions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.wire.answer import Answer, Ending, index_headers
from mockserver.wire.sse import DONE_EVENT


@dataclass(frozen=True, slots=True)
class SdkOutcome:
    """The outcome for a caller of the SDK: an exception by its name, and the number of attempts.

    `chunks` is the number of a stream's chunks received before the exception; None where it makes no difference.
    """

    exception: str | None = None
    attempts: int = 1
    chunks: int | None = None

    def __str__(self) -> str:
        received = [] if self.chunks is None else [f"{self.chunks} chunk{'s' * (self.chunks != 1)}"]
        retried = f" ×{self.attempts}" if self.attempts > 1 else ""
        return ", ".join([*received, (self.exception or "no error") + retried])


def find_sdk_outcome(answer: Answer, fault: str, *, stream: bool) -> SdkOutcome | None:
    """Return the SDK's outcome for an answer with a fault (`""`: none); None if it was not measured."""
    after_head = "@" in fault and answer.head
    outcome = (
        _NO_ERROR
        if after_head and _is_received_whole(answer)
        else _fault_outcome(fault, stream=stream, after_head=after_head)
    )
    dropped = outcome.exception in {_CONNECTION_ERROR, _TIMEOUT_ERROR}
    if answer.status < 400 or (dropped and not stream) or not answer.head:
        return outcome
    return None if dropped else _status_outcome(answer.status)


def _is_received_whole(answer: Answer) -> bool:
    """Return whether the connection breaks after the last byte that the SDK reads: the body's, or `[DONE]`."""
    if answer.ending is Ending.FINISH:
        return False
    if answer.streamed:
        return any(frame.data == DONE_EVENT for frame in answer.frames)
    size = sum(len(frame.data) for frame in answer.frames if not frame.raw)
    return index_headers(answer.headers).get("content-length") == str(size)


def _fault_outcome(fault: str, *, stream: bool, after_head: bool) -> SdkOutcome:
    name = re.split("[=@]", fault)[0]
    at_once, later = FAULT_OUTCOMES.get(name, _HARMLESS_ROW)[2 * stream :][:2]
    # A fault without effect on a stream in progress must have been applied before it began.
    return later if after_head and later != SdkOutcome() else at_once


def _status_outcome(status: int) -> SdkOutcome:
    return STATUS_OUTCOMES.get(status) or STATUS_OUTCOMES[500 if status >= 500 else 402]


def describe_sdk_outcome(outcome: SdkOutcome) -> str:
    """Return the outcome as a short text."""
    if outcome.exception is None:
        return "no error"
    before = ", after the chunks before it" if outcome.chunks else ""
    return f"{outcome.exception}{before}" + (f", {outcome.attempts} attempts" if outcome.attempts > 1 else "")


def format_outcome_tables() -> Iterable[str]:
    """Yield the tables of docs/sdk-exceptions.md: by status, and by fault."""
    statuses: dict[SdkOutcome, list[str]] = {}
    for status, outcome in STATUS_OUTCOMES.items():
        statuses.setdefault(outcome, []).append(str(status))
    lines = [f"| {' '.join(group)} | {outcome} |" for outcome, group in statuses.items()]
    yield "\n".join(["| status | raises |", "|---|---|", *lines])
    lines = [
        f"| {' '.join(f'`{name}`' for name in names)} | {' | '.join(map(str, row))} |"
        for names, row in _FAULT_ROWS
    ]
    yield "\n".join(["| fault | body | body `@0` | stream | stream `@3` |", "|---|---|---|---|---|", *lines])


_CONNECTION_ERROR, _TIMEOUT_ERROR, _DECODE_ERROR = "APIConnectionError", "APITimeoutError", "JSONDecodeError"
_NO_ERROR = SdkOutcome()
_HARMLESS_ROW = (_NO_ERROR, _NO_ERROR, _NO_ERROR, _NO_ERROR)

# The outcome for a client that requests a plain body or a stream, by the status it receives instead.
STATUS_OUTCOMES = {
    400: SdkOutcome("BadRequestError"),
    401: SdkOutcome("AuthenticationError"),
    402: SdkOutcome("APIStatusError"),
    403: SdkOutcome("PermissionDeniedError"),
    404: SdkOutcome("NotFoundError"),
    405: SdkOutcome("APIStatusError"),
    406: SdkOutcome("APIStatusError"),
    408: SdkOutcome("APIStatusError", 3),
    409: SdkOutcome("ConflictError", 3),
    410: SdkOutcome("APIStatusError"),
    413: SdkOutcome("APIStatusError"),
    415: SdkOutcome("APIStatusError"),
    422: SdkOutcome("UnprocessableEntityError"),
    429: SdkOutcome("RateLimitError", 3),
    500: SdkOutcome("InternalServerError", 3),
    502: SdkOutcome("InternalServerError", 3),
    503: SdkOutcome("InternalServerError", 3),
    504: SdkOutcome("InternalServerError", 3),
    522: SdkOutcome("InternalServerError", 3),
    524: SdkOutcome("InternalServerError", 3),
}

# For a body: at once, and after the head; for a stream: at once, and after three chunks.
_OutcomeRow = tuple[SdkOutcome, SdkOutcome, SdkOutcome, SdkOutcome]
_FAULT_ROWS: tuple[tuple[tuple[str, ...], _OutcomeRow], ...] = (
    (
        ("reset", "close", "empty", "garbage"),
        (
            SdkOutcome(_CONNECTION_ERROR, 3),
            SdkOutcome(_CONNECTION_ERROR, 3),
            SdkOutcome(_CONNECTION_ERROR, 3),
            SdkOutcome(_CONNECTION_ERROR, 1, 3),
        ),
    ),
    (
        ("hang",),
        (
            SdkOutcome(_TIMEOUT_ERROR, 3),
            SdkOutcome(_TIMEOUT_ERROR, 3),
            SdkOutcome(_TIMEOUT_ERROR, 3),
            SdkOutcome(_TIMEOUT_ERROR, 1, 3),
        ),
    ),
    (
        ("truncated",),
        (
            SdkOutcome(_CONNECTION_ERROR, 3),
            SdkOutcome(_CONNECTION_ERROR, 3),
            SdkOutcome(_CONNECTION_ERROR, 1, 2),
            SdkOutcome(_CONNECTION_ERROR, 1, 3),
        ),
    ),
    (
        ("malformed_chunk",),
        (
            SdkOutcome(_CONNECTION_ERROR, 3),
            _NO_ERROR,
            SdkOutcome(_CONNECTION_ERROR, 1, 0),
            SdkOutcome(_CONNECTION_ERROR, 1, 3),
        ),
    ),
    (
        ("truncated_json", "not_json"),
        (
            SdkOutcome(_DECODE_ERROR),
            SdkOutcome(_DECODE_ERROR),
            SdkOutcome(_DECODE_ERROR, 1, 0),
            SdkOutcome(_DECODE_ERROR, 1, 3),
        ),
    ),
    (("error_event",), (_NO_ERROR, _NO_ERROR, SdkOutcome("APIError", 1, 0), SdkOutcome("APIError", 1, 3))),
    (("end_early",), (_NO_ERROR, _NO_ERROR, SdkOutcome(None, 1, 0), SdkOutcome(None, 1, 3))),
    (("html",), (STATUS_OUTCOMES[502], _NO_ERROR, STATUS_OUTCOMES[502], _NO_ERROR)),
    (("wrapped",), (STATUS_OUTCOMES[422], _NO_ERROR, STATUS_OUTCOMES[422], _NO_ERROR)),
    (("no_body",), (SdkOutcome(_DECODE_ERROR), _NO_ERROR, SdkOutcome(None, 1, 0), _NO_ERROR)),
    (
        ("false_encoding",),
        (SdkOutcome(_CONNECTION_ERROR, 3), _NO_ERROR, SdkOutcome(_CONNECTION_ERROR, 1, 0), _NO_ERROR),
    ),
    (("truncated_encoding",), (SdkOutcome(_DECODE_ERROR), _NO_ERROR, SdkOutcome(None, 1, 3), _NO_ERROR)),
    (("gzip_per_event",), (_NO_ERROR, _NO_ERROR, SdkOutcome(None, 1, 0), _NO_ERROR)),
    (("slow", "split_utf8", "wrong_content_type", "no_done", "double_done", "after_done"), _HARMLESS_ROW),
    (("comments", "crlf", "no_space", "multiline_data"), _HARMLESS_ROW),
)
FAULT_OUTCOMES = {name: row for names, row in _FAULT_ROWS for name in names}
