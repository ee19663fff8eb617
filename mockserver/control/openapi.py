"""The control API's own description, made from the table of its ways and the records that they read and tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.responses import Response

from mockserver import __version__, record
from mockserver.control.intake import PARAMETERS, Asked
from mockserver.control.refusal import REFUSAL
from mockserver.settings import PREFIX
from mockserver.shape import At, Shape

House = TypeVar("House")


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that may be asked: where, how, of what, and what is told then.

    `told` is what is answered with `status`: a shape of JSON, or a media type where it is none. `root` says that
    the path is not under the prefix.
    """

    method: str
    path: str
    answer: Callable[[Any, Asked], Awaitable[Response]]
    summary: str
    takes: tuple[str, ...] = ()
    reads: Shape | None = None
    told: Shape | str | None = None
    status: int = 200
    root: bool = False

    @property
    def at(self) -> str:
        """The whole path, as routes have it."""
        return self.path if self.root else PREFIX + self.path

    @property
    def shown(self) -> str:
        """The same for people and programs."""
        return self.at.replace(":path", "")


@dataclass(frozen=True, slots=True)
class _All(Shape):
    """Every shape that is spoken of, to find each record once."""

    shapes: tuple[Shape, ...] = field(default=())

    def read(self, value: Any, at: At) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        return {}

    def parts(self) -> Iterable[Shape]:
        return self.shapes


def describe(ways: Iterable[Way]) -> dict[str, Any]:
    """The OpenAPI document (3.1, whose schemas are JSON Schema's own)."""
    ways = tuple(ways)
    shapes = (shape for way in ways for shape in (way.reads, way.told) if isinstance(shape, Shape))
    known = record.schema(_All((REFUSAL, *shapes)))["$defs"]
    paths: dict[str, dict[str, Any]] = {}
    for way in ways:
        paths.setdefault(way.shown, {})[way.method.lower()] = _operation(way)
    whole: dict[str, Any] = _moved(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "mockserver",
                "version": __version__,
                "description": "What steers a mock LLM provider, and what it has heard.",
            },
            "paths": paths,
            "components": {
                "schemas": known,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
        }
    )
    return whole


def _operation(way: Way) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "description": PARAMETERS[name].documentation,
            "schema": dict(PARAMETERS[name].schema),
        }
        for name in way.takes
    ]
    if "{name" in way.path:
        parameters.append({"name": "name", "in": "path", "required": True, "schema": {"type": "string"}})
    body: Mapping[str, Any] = {}
    if way.reads is not None:
        kinds = ("application/json", "application/yaml")
        content = {kind: {"schema": way.reads.schema()} for kind in kinds}
        body = {"requestBody": {"required": True, "content": content}}
    told = {"description": way.summary, **_content(way.told)}
    statuses = [way.status]
    if way.method == "PUT" and "{name" in way.path:
        statuses.append(201)  # what is put under a name may be new
    return {
        "summary": way.summary,
        "operationId": way.answer.__name__,
        "parameters": parameters,
        **body,
        "responses": {
            **{str(status): told for status in statuses},
            "default": {"description": "It is not obeyed, and why.", **_content(REFUSAL)},
        },
    }


def _content(told: Shape | str | None) -> dict[str, Any]:
    if isinstance(told, str):
        return {"content": {told: {"schema": {"type": "string"}}}}
    return {"content": {"application/json": {"schema": told.schema() if told else {"type": "object"}}}}


def _moved(value: Any) -> Any:
    """The schemas where OpenAPI has them, and every reference to them after."""
    if isinstance(value, dict):
        return {
            name: item.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _moved(item)
            for name, item in value.items()
        }
    return [_moved(item) for item in value] if isinstance(value, list) else value
