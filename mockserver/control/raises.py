"""What the OpenAI SDK for Python raises, answer by answer: as measured, with its retries as they are (two).

The tests measure it again with the SDK that is installed, and compare the tables in docs/sdk-exceptions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.wire.answer import Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a caller of the SDK meets: an exception, by its name, after so many attempts.

    `chunks` of a stream's text are heard before it; None where it makes no difference.
    """

    raises: str | None = None
    attempts: int = 1
    chunks: int | None = None

    def __str__(self) -> str:
        heard = [] if self.chunks is None else [f"{self.chunks} chunk{'s' * (self.chunks != 1)}"]
        retried = f" ×{self.attempts}" if self.attempts > 1 else ""
        return ", ".join([*heard, (self.raises or "no error") + retried])


def of(answer: Answer, fault: str, *, stream: bool) -> Outcome | None:
    """What comes of an answer that this fault has spoiled, or none; None where nobody has measured it."""
    struck = _struck(fault, stream=stream, late="@" in fault and answer.head)
    dropped = struck.raises in {_LOST, _LATE}
    if answer.status < 400 or (dropped and not stream) or not answer.head:
        return struck
    return None if dropped else _status(answer.status)


def _struck(fault: str, *, stream: bool, late: bool) -> Outcome:
    name = re.split("[=@]", fault)[0]
    at_once, later = FAULTS.get(name, _LAWFUL)[2 * stream :][:2]
    # One that makes nothing of what is under way has struck before that.
    return later if late and later != Outcome() else at_once


def _status(status: int) -> Outcome:
    return STATUSES.get(status) or STATUSES[500 if status >= 500 else 402]


def text(outcome: Outcome) -> str:
    """The outcome as a person reads it."""
    if outcome.raises is None:
        return "no error"
    before = ", after the chunks before it" if outcome.chunks else ""
    return f"{outcome.raises}{before}" + (f", {outcome.attempts} attempts" if outcome.attempts > 1 else "")


def tables() -> Iterable[str]:
    """Yield the tables of docs/sdk-exceptions.md: by status, and by fault."""
    alike: dict[Outcome, list[str]] = {}
    for status, outcome in STATUSES.items():
        alike.setdefault(outcome, []).append(str(status))
    lines = [f"| {' '.join(those)} | {outcome} |" for outcome, those in alike.items()]
    yield "\n".join(["| status | raises |", "|---|---|", *lines])
    lines = [
        f"| {' '.join(f'`{name}`' for name in names)} | {' | '.join(map(str, row))} |" for names, row in _ROWS
    ]
    yield "\n".join(["| fault | body | body `@0` | stream | stream `@3` |", "|---|---|---|---|---|", *lines])


_LOST, _LATE, _ODD = "APIConnectionError", "APITimeoutError", "JSONDecodeError"
_SAME = Outcome()
_LAWFUL = (_SAME, _SAME, _SAME, _SAME)

# A client asks for a plain body or for a stream of five chunks, and gets this instead.
STATUSES = {
    400: Outcome("BadRequestError"),
    401: Outcome("AuthenticationError"),
    402: Outcome("APIStatusError"),
    403: Outcome("PermissionDeniedError"),
    404: Outcome("NotFoundError"),
    405: Outcome("APIStatusError"),
    406: Outcome("APIStatusError"),
    408: Outcome("APIStatusError", 3),
    409: Outcome("ConflictError", 3),
    410: Outcome("APIStatusError"),
    413: Outcome("APIStatusError"),
    415: Outcome("APIStatusError"),
    422: Outcome("UnprocessableEntityError"),
    429: Outcome("RateLimitError", 3),
    500: Outcome("InternalServerError", 3),
    502: Outcome("InternalServerError", 3),
    503: Outcome("InternalServerError", 3),
    504: Outcome("InternalServerError", 3),
    522: Outcome("InternalServerError", 3),
    524: Outcome("InternalServerError", 3),
}

# Of a body: at once, and once the head is out; of a stream: at once, and after three chunks.
_Row = tuple[Outcome, Outcome, Outcome, Outcome]
_ROWS: tuple[tuple[tuple[str, ...], _Row], ...] = (
    (
        ("reset", "close", "empty", "garbage"),
        (Outcome(_LOST, 3), Outcome(_LOST, 3), Outcome(_LOST, 3), Outcome(_LOST, 1, 3)),
    ),
    (("hang",), (Outcome(_LATE, 3), Outcome(_LATE, 3), Outcome(_LATE, 3), Outcome(_LATE, 1, 3))),
    (("truncated",), (Outcome(_LOST, 3), Outcome(_LOST, 3), Outcome(_LOST, 1, 2), Outcome(_LOST, 1, 3))),
    (("malformed_chunk",), (Outcome(_LOST, 3), _SAME, Outcome(_LOST, 1, 0), Outcome(_LOST, 1, 3))),
    (
        ("truncated_json", "not_json"),
        (Outcome(_ODD), Outcome(_ODD), Outcome(_ODD, 1, 0), Outcome(_ODD, 1, 3)),
    ),
    (("error_event",), (_SAME, _SAME, Outcome("APIError", 1, 0), Outcome("APIError", 1, 3))),
    (("html", "wrapped"), (STATUSES[502], _SAME, STATUSES[502], _SAME)),
    (("no_body",), (Outcome(_ODD), _SAME, Outcome(None, 1, 0), _SAME)),
    (("slow", "split_utf8", "wrong_content_type", "no_done", "double_done", "after_done"), _LAWFUL),
    (("comments", "crlf", "no_space", "multiline_data"), _LAWFUL),
)
FAULTS = {name: row for names, row in _ROWS for name in names}
