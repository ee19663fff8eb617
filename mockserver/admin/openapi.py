"""The control API's own description, made from the table of its ways and the records that they read and tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.responses import Response

from mockserver import __version__
from mockserver.admin.error_responses import ERROR_ENVELOPE
from mockserver.admin.request_input import QUERY_PARAMETERS, AdminRequest
from mockserver.schema.field_types import Cursor, FieldType
from mockserver.schema.object_types import create_json_schema
from mockserver.settings import ADMIN_PREFIX

Services = TypeVar("Services")


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that may be asked: where, how, of what, and what is told then.

    `told` is what is answered with `status`: a shape of JSON, or a media type where it is none. `root` says that
    the path is not under the prefix.
    """

    method: str
    path: str
    handler: Callable[[Any, AdminRequest], Awaitable[Response]]
    summary: str
    query_parameters: tuple[str, ...] = ()
    request_type: FieldType | None = None
    response_type: FieldType | str | None = None
    status: int = 200
    at_root: bool = False

    @property
    def route_path(self) -> str:
        """The whole path, as routes have it."""
        return self.path if self.at_root else ADMIN_PREFIX + self.path

    @property
    def display_path(self) -> str:
        """The same for people and programs."""
        return self.route_path.replace(":path", "")


@dataclass(frozen=True, slots=True)
class _ComponentSchemas(FieldType):
    """Every shape that is spoken of, to find each record once."""

    field_types: tuple[FieldType, ...] = field(default=())

    def read(self, value: Any, cursor: Cursor) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        return {}

    def parts(self) -> Iterable[FieldType]:
        return self.field_types


def build_openapi(operations: Iterable[Operation]) -> dict[str, Any]:
    """The OpenAPI document (3.1, whose schemas are JSON Schema's own)."""
    operations = tuple(operations)
    shapes = (
        shape
        for way in operations
        for shape in (way.request_type, way.response_type)
        if isinstance(shape, FieldType)
    )
    known = create_json_schema(_ComponentSchemas((ERROR_ENVELOPE, *shapes)))["$defs"]
    paths: dict[str, dict[str, Any]] = {}
    for way in operations:
        paths.setdefault(way.display_path, {})[way.method.lower()] = _operation_object(way)
    whole: dict[str, Any] = _relocate_refs(
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


def _operation_object(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "description": QUERY_PARAMETERS[name].description,
            "schema": dict(QUERY_PARAMETERS[name].schema),
        }
        for name in operation.query_parameters
    ]
    if "{name" in operation.path:
        parameters.append({"name": "name", "in": "path", "required": True, "schema": {"type": "string"}})
    body: Mapping[str, Any] = {}
    if operation.request_type is not None:
        kinds = ("application/json", "application/yaml")
        content = {kind: {"schema": operation.request_type.schema()} for kind in kinds}
        body = {"requestBody": {"required": True, "content": content}}
    told = {"description": operation.summary, **_content_object(operation.response_type)}
    statuses = [operation.status]
    if operation.method == "PUT" and "{name" in operation.path:
        statuses.append(201)  # what is put under a name may be new
    return {
        "summary": operation.summary,
        "operationId": operation.handler.__name__,
        "parameters": parameters,
        **body,
        "responses": {
            **{str(status): told for status in statuses},
            "default": {"description": "It is not obeyed, and why.", **_content_object(ERROR_ENVELOPE)},
        },
    }


def _content_object(response_type: FieldType | str | None) -> dict[str, Any]:
    if isinstance(response_type, str):
        return {"content": {response_type: {"schema": {"type": "string"}}}}
    return {
        "content": {
            "application/json": {"schema": response_type.schema() if response_type else {"type": "object"}}
        }
    }


def _relocate_refs(value: Any) -> Any:
    """The schemas where OpenAPI has them, and every reference to them after."""
    if isinstance(value, dict):
        return {
            name: item.replace("#/$defs/", "#/components/schemas/")
            if name == "$ref"
            else _relocate_refs(item)
            for name, item in value.items()
        }
    return [_relocate_refs(item) for item in value] if isinstance(value, list) else value
