"""Errors: `ApiError` is sent to a client, `InputError` reports invalid fixtures, settings or arguments.

An `ApiError` is independent of the vendor: it names a kind or a status, and the vendor's profile supplies the text.
An `InputError` holds all problems of an input, each with its position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

# The usual status of each kind; a vendor's profile may use another one
# (insufficient_credits is 402, 403 or 406, depending on the vendor).
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
ERROR_STATUS = "[45][0-9][0-9]"  # the pattern of a status in place of a kind


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The value of Retry-After: in seconds from now, sent as a number or as an HTTP date."""

    seconds: float
    as_date: bool = False


ErrorCause = Literal["path", "body", "refusal", "no_match", "response"]  # "response": it cannot be rendered


class ApiError(Exception):
    """An error response, independent of the vendor's form.

    `kind` is a key of `STATUS_BY_KIND` or a status from 400 to 599; the profile supplies `message` and `code` if they
    are None. `detail` describes the problem of this request, if the vendor's text has a placeholder for it;
    `issues` describes it for programs. `headers` are sent in addition to the vendor's.
    `reset_after` is the number of seconds until a rate limit resets; `shortage` describes the missing balance.
    `status` replaces the status of the kind. With an `upstream_status`, `message` is that of an upstream error, which
    the vendor sends inside its own.
    `cause` tells apart what is not counted as a request (a wrong path or method, an invalid body) from other refusals.
    """

    def __init__(
        self,
        kind: str | int,
        message: str | None = None,
        *,
        detail: str | None = None,
        code: str | None = None,
        retry_after: RetryAfter | None = None,
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
        self.status: int | None = None
        self.upstream_status: int | None = None
        self.cause: ErrorCause = "refusal"

    def with_cause(self, cause: ErrorCause) -> Self:
        """Set the cause, and return the error itself."""
        self.cause = cause
        return self


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of an input: what was found, what was expected, and its position.

    `path` is the place in the document (`fixtures[2].response.text`), `source` the file or other origin. `line` and
    `column` count from 1; they are 0 if the input has no lines (a flag, a header, a JSON body).
    """

    message: str
    path: str = ""
    source: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        position = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return ": ".join(part for part in (position, self.path, self.message) if part)


class InputError(Exception):
    """The problems of one input, all of them, in `problems`."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def from_message(cls, message: str, path: str = "", source: str = "") -> Self:
        """Create an error with a single problem that has no line."""
        return cls(Problem(message, path, source))
