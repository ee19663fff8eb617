"""The OpenAPI document of the admin API, built from its operations and their field types."""

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
    """One operation: method, path, handler, and the types of its request and response.

    `response_type` is the field type of the JSON body that is sent with `status`, or a media type for other bodies.
    The path is under the prefix `/_mock`, unless `at_root`. An operation `is_stateless` if it neither reads nor changes
    the state of the server, so that each of several workers gives the same answer.
    """

    method: str
    path: str
    handler: Callable[[Any, AdminRequest], Awaitable[Response]]
    summary: str
    query_parameters: tuple[str, ...] = ("session",)
    request_type: FieldType | None = None
    response_type: FieldType | str | None = None
    status: int = 200
    at_root: bool = False
    requires_body: bool = True
    is_stateless: bool = False

    @property
    def route_path(self) -> str:
        """Return the full path for the router."""
        return self.path if self.at_root else ADMIN_PREFIX + self.path

    @property
    def display_path(self) -> str:
        """Return the full path without converters, as the OpenAPI document shows it."""
        return self.route_path.replace(":path", "")


@dataclass(frozen=True, slots=True)
class _ComponentSchemas(FieldType):
    """A type that contains all others, so that each named schema is collected once."""

    field_types: tuple[FieldType, ...] = field(default=())

    def read(self, value: Any, cursor: Cursor) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        return {}

    def parts(self) -> Iterable[FieldType]:
        return self.field_types


def build_openapi(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document (version 3.1, whose schemas are JSON Schema)."""
    operations = tuple(operations)
    field_types = (
        field_type
        for operation in operations
        for field_type in (operation.request_type, operation.response_type)
        if isinstance(field_type, FieldType)
    )
    schemas = create_json_schema(_ComponentSchemas((ERROR_ENVELOPE, *field_types)))["$defs"]
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.display_path, {})[operation.method.lower()] = _operation_object(operation)
    document: dict[str, Any] = _relocate_refs(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "mockserver",
                "version": __version__,
                "description": "The admin API of a mock LLM provider: requests, fixtures, faults, accounts, events.",
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
        }
    )
    return document


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
        media_types = ("application/json", "application/yaml")
        content = {media: {"schema": operation.request_type.schema()} for media in media_types}
        body = {"requestBody": {"required": operation.requires_body, "content": content}}
    response = {"description": operation.summary, **_content_object(operation.response_type)}
    statuses = [operation.status]
    if operation.method == "PUT" and "{name" in operation.path:
        statuses.append(201)  # PUT may create
    return {
        "summary": operation.summary,
        "operationId": operation.handler.__name__,
        "parameters": parameters,
        **body,
        "responses": {
            **{str(status): response for status in statuses},
            "default": {"description": "An error, with its reason.", **_content_object(ERROR_ENVELOPE)},
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
    """Point every `$ref` to the place where OpenAPI keeps schemas."""
    if isinstance(value, dict):
        return {
            name: item.replace("#/$defs/", "#/components/schemas/")
            if name == "$ref"
            else _relocate_refs(item)
            for name, item in value.items()
        }
    return [_relocate_refs(item) for item in value] if isinstance(value, list) else value
