"""The two ways to say no: `ApiError` to a client, `InputError` to the person who wrote the input.

An `ApiError` carries no vendor's words: it names a kind or a status, and the vendor's profile words it.
An `InputError` holds every problem that was found, each with where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

# What each kind means in general; a vendor's profile may give it another status
# (no money is 403, 406 or 402, depending on who is asked).
STATUS_BY_KIND: dict[str, int] = {
    "invalid_request": 400,
    "missing_key": 401,
    "invalid_key": 401,
    "insufficient_credits": 402,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "wrong_content_type": 415,
    "gone": 410,
    "too_large": 413,
    "rate_limited": 429,
    "server_error": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "timeout": 504,
}


class ApiError(Exception):
    """A refusal, before a vendor has worded it.

    `what` is a kind of `STATUS_BY_KIND` or a number 400-599; the profile supplies `message` and `code` where they
    are None. `detail` says what was wrong with this request, and is heard where the vendor's words have
    room for it; `issues` says the same for programs. `retry_after` is in seconds; `headers` are sent besides
    the vendor's own. `reset` is known of a limit, the seconds until it has room again;
    `shortage` of a balance, what it is and what it lacks.
    """

    def __init__(
        self,
        kind: str | int,
        message: str | None = None,
        *,
        detail: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        issues: tuple[dict[str, object], ...] = (),
    ) -> None:
        super().__init__(f"{kind}: {message or detail}")
        self.kind = kind
        self.message = message
        self.detail = detail
        self.code = code
        self.retry_after = retry_after
        self.headers = headers
        self.issues = issues
        self.reset_after: float | None = None
        self.shortage = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in somebody's input: what was found, what was expected, and where.

    `path` is where it stands in the document (`fixtures[2].response.text`); `line` and `column` count from 1,
    and 0 means that the input has none (a flag, a header, a JSON call).
    """

    message: str
    path: str = ""
    source: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return ": ".join(part for part in (place, self.path, self.message) if part)


class InputError(Exception):
    """Everything that is wrong in one input, found in one go."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def from_message(cls, message: str, path: str = "", source: str = "") -> Self:
        """One problem that has no position."""
        return cls(Problem(message, path, source))
