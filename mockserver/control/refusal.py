"""How the control API says no: one clear JSON, with every problem in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from mockserver.errors import InputError, Problem
from mockserver.record import ListOf, Record, record, said
from mockserver.shape import Shape, Text, Whole


class Refused(Exception):
    """A call of the control API that is not obeyed; `more` is said of it besides."""

    def __init__(
        self,
        status: int,
        message: str,
        problems: Iterable[Problem] = (),
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = tuple(problems)
        self.headers = headers or {}
        self.more = more or {}

    @classmethod
    def of(cls, error: InputError) -> Refused:
        """Of what is wrong in a document that somebody sent."""
        return cls(400, str(error.problems[0]), error.problems)


@record
class Wrong:
    """One thing that is wrong, and where; line and column are 0 where the input has none."""

    message: str = said(Text(), "what was found, and what was expected")
    path: str = said(Text(), "where it stands in the document")
    line: int = said(Whole(0), "from 1")
    column: int = said(Whole(0), "from 1")


@record
class Error:
    """What was refused, and why."""

    message: str = said(Text(), "the whole of it in a line")
    problems: Sequence[Wrong] = said(ListOf(Record(Wrong)), "everything that is wrong")


@record
class Refusal:
    """Every refusal."""

    error: Error = said(Record(Error), "what is wrong")


REFUSAL: Shape = Record(Refusal)


def told(refused: Refused) -> Response:
    """The refusal as it is sent."""
    problems = [
        {"message": one.message, "path": one.path, "line": one.line, "column": one.column}
        for one in refused.problems
    ]
    body = {"error": {"message": refused.message, "problems": problems, **refused.more}}
    return answer(body, refused.status, refused.headers)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; it is not to be kept, because the next one may differ."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str) + b"\n"
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(body, status, kept, "application/json")
