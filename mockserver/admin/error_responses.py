"""Errors of the admin API as JSON responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from mockserver.errors import InputError, Problem
from mockserver.schema.field_types import FieldType, Integer, Text
from mockserver.schema.object_types import ListOf, ObjectType, spec_dataclass, spec_field

MAX_PROBLEMS = 100  # problems in one response


class AdminError(Exception):
    """An error of the admin API: status, message, problems, and extra fields of the error object."""

    def __init__(
        self,
        status: int,
        message: str,
        problems: Iterable[Problem] = (),
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = tuple(problems)
        self.headers = headers or {}
        self.extra = extra or {}

    @classmethod
    def from_input_error(cls, error: InputError) -> AdminError:
        """Return the 400 for an invalid document."""
        return cls(400, str(error.problems[0]), error.problems)


@spec_dataclass
class ProblemBody:
    """One problem and its place; line and column are 0 where the input has none."""

    message: str = spec_field(Text(), "what was found and what was expected")
    path: str = spec_field(Text(), "its path in the document")
    line: int = spec_field(Integer(0), "from 1")
    column: int = spec_field(Integer(0), "from 1")


@spec_dataclass
class ErrorBody:
    """The reason for an error."""

    message: str = spec_field(Text(), "all problems in one line")
    problems: Sequence[ProblemBody] = spec_field(
        ListOf(ObjectType(ProblemBody)), "every problem with its place"
    )


@spec_dataclass
class ErrorEnvelope:
    """The body of every error response."""

    error: ErrorBody = spec_field(ObjectType(ErrorBody), "the reason")


ERROR_ENVELOPE: FieldType = ObjectType(ErrorEnvelope)


def create_error_response(error: AdminError) -> Response:
    """Return the response for an error."""
    problems = [
        {"message": one.message, "path": one.path, "line": one.line, "column": one.column}
        for one in error.problems[:MAX_PROBLEMS]
    ]
    body = {"error": {"message": error.message, "problems": problems, **error.extra}}
    return create_json_response(body, error.status, error.headers)


def create_json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response that clients must not cache."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str) + b"\n"
    all_headers = {"cache-control": "no-store", **(headers or {})}
    return Response(body, status, all_headers, "application/json")
