"""How the control API says no: one clear JSON, with every problem in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from mockserver.errors import InputError, Problem
from mockserver.schema.field_types import FieldType, Integer, Text
from mockserver.schema.object_types import ListOf, ObjectType, spec_dataclass, spec_field


class AdminError(Exception):
    """A call of the control API that is not obeyed; `more` is said of it besides."""

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
        """Of what is wrong in a document that somebody sent."""
        return cls(400, str(error.problems[0]), error.problems)


@spec_dataclass
class ProblemBody:
    """One thing that is wrong, and where; line and column are 0 where the input has none."""

    message: str = spec_field(Text(), "what was found, and what was expected")
    path: str = spec_field(Text(), "where it stands in the document")
    line: int = spec_field(Integer(0), "from 1")
    column: int = spec_field(Integer(0), "from 1")


@spec_dataclass
class ErrorBody:
    """What was refused, and why."""

    message: str = spec_field(Text(), "the whole of it in a line")
    problems: Sequence[ProblemBody] = spec_field(ListOf(ObjectType(ProblemBody)), "everything that is wrong")


@spec_dataclass
class ErrorEnvelope:
    """Every refusal."""

    error: ErrorBody = spec_field(ObjectType(ErrorBody), "what is wrong")


ERROR_ENVELOPE: FieldType = ObjectType(ErrorEnvelope)


def create_error_response(error: AdminError) -> Response:
    """The refusal as it is sent."""
    problems = [
        {"message": one.message, "path": one.path, "line": one.line, "column": one.column}
        for one in error.problems
    ]
    body = {"error": {"message": error.message, "problems": problems, **error.extra}}
    return create_json_response(body, error.status, error.headers)


def create_json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; it is not to be kept, because the next one may differ."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str) + b"\n"
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(body, status, kept, "application/json")
