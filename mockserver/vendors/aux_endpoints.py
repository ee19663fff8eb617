"""Auxiliary endpoints of a vendor: its list of models, the balance of an account, usage reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from mockserver.schema.field_types import AnyValue, Integer, OneOf, Text
from mockserver.schema.object_types import MapOf, ObjectType, OneOrMore, spec_dataclass, spec_field
from mockserver.vendors.list_query import ListQuerySpec, select_items
from mockserver.vendors.placeholders import ABSENT, JsonTemplate, PlaceholderValues
from mockserver.vendors.profile_fields import ENDPOINT_PATH, HEADER_MAP, TEMPLATE

ID_PLACEHOLDER = "{id}"  # in a path: the name of one item
# All but the first two depend on the key; of `jobs` only one at a time can be read.
LIST_SOURCES = ("models", "retired", "charges", "rollups", "requests", "transactions", "jobs")
_STORED_RESPONSES = "responses"  # the source of the stored responses of the Responses API


@spec_dataclass
class AuxEndpointSpec:
    """An endpoint for GET requests, besides chat completions: a list of models, a balance."""

    paths: tuple[str, ...] = spec_field(
        OneOrMore(ENDPOINT_PATH),
        "its path or paths; `{id}` stands for one item's name",
        name="path",
    )
    key: str = spec_field(OneOf("required", "none"), "whether it requires an API key", default="required")
    headers: dict[str, str] | None = spec_field(
        HEADER_MAP, "headers in addition to those of every answer", default=None
    )
    list: str | None = spec_field(OneOf(*LIST_SOURCES), "the source of its items", default=None)
    item: dict[str, Any] | None = spec_field(TEMPLATE, "the template of one item", default=None)
    body: Any = spec_field(
        AnyValue(), "the template of the body, with `$items`; with `$item` where the path has `{id}`"
    )
    missing: str | None = spec_field(
        Text(), "the message if there is no item `$id`; absent: that of not_found", default=None
    )
    missing_code: str | None = spec_field(Text(), "the error's code if there is no item `$id`", default=None)
    query: ListQuerySpec = spec_field(
        ObjectType(ListQuerySpec), "the query parameters of its list", default=ListQuerySpec()
    )
    answer_headers: dict[str, str] | None = spec_field(
        MapOf(Text()), "placeholders of an item of `requests` and their headers in its answer", default=None
    )
    request_headers: dict[str, str] | None = spec_field(
        MapOf(Text()), "the same for headers of the request; null without the header", default=None
    )
    failed: int = spec_field(Integer(200, 599), "the status for a job that has failed", default=200)

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the fields in combination."""
        if (self.list is None) is not (self.item is None):
            yield None, "found one of 'list' and 'item', expected both or neither"
        if self.list is None and any(ID_PLACEHOLDER in path for path in self.paths):
            yield "paths", "found {id}, expected a 'list' that it is an item of"


class AuxEndpoint:
    """A compiled auxiliary endpoint of a profile."""

    __slots__ = (
        *("_body_template", "_item_template", "_patterns", "_section_templates"),
        *("is_public", "methods", "spec"),
    )

    def __init__(self, spec: AuxEndpointSpec, methods: tuple[str, ...] = ("GET",)) -> None:
        self.spec = spec
        self.methods = methods
        self.is_public = spec.key == "none"
        self._body_template = JsonTemplate(spec.body)
        self._item_template = JsonTemplate(spec.item)
        self._section_templates = {
            name: JsonTemplate(section) for name, section in (spec.query.include or {}).items()
        }
        self._patterns = [_compile_path(path) for path in spec.paths]

    def match_item(self, path: str) -> str | None:
        """Return the item that a path names, "" for the whole list, or None if the path is not this endpoint's."""
        found = (pattern.fullmatch(path) for pattern in self._patterns)
        return next((match[1] for match in found if match), None)

    def fill(self, values: PlaceholderValues, item: str, query: str = "") -> Any:
        """Return the body, for the items that a query selects (`item` is "") or for the item of that name.

        The items are the mappings under the list's name in `values`; the values of an item take precedence over
        `values` in its own template. The name of an item is its `id` or one of its `aliases`, in any case.
        Raises LookupError if there is no item of that name, ValueError if a parameter of the query is invalid.
        """
        candidates: Iterable[PlaceholderValues] = values.get(self.spec.list or "", ())
        if not item:
            selected = select_items(self.spec.query, candidates, query, datetime.now(UTC))
            items = [self._fill_item({**values, **one}, selected.sections) for one in selected.items]
            return self._body_template.fill({**values, **selected.values, "items": items})
        one = next((one for one in candidates if item.lower() in _item_names(one)), None)
        if one is None:
            raise LookupError(item)
        return self._body_template.fill({**values, "item": self._item_template.fill({**values, **one})})

    def _fill_item(self, values: PlaceholderValues, sections: Iterable[str]) -> Any:
        added = {name: self._section_templates[name].fill(values) for name in sections}
        stated = {name: section for name, section in added.items() if section is not ABSENT}
        return {**self._item_template.fill(values), **stated}


def create_stored_responses(paths: Iterable[str]) -> AuxEndpoint:
    """Return the endpoint that reads and deletes the stored responses below these paths."""
    below = tuple(f"{path}/{ID_PLACEHOLDER}" for path in paths)
    return AuxEndpoint(
        AuxEndpointSpec(paths=below, list=_STORED_RESPONSES, item={}, body={}), ("GET", "DELETE")
    )


def _compile_path(path: str) -> re.Pattern[str]:
    """Compile a path; its only group is the name of an item. Only at the end may a name contain slashes."""
    before, placeholder, after = path.partition(ID_PLACEHOLDER)
    name = ("([^/]+)" if after else "(.+)") if placeholder else "()"
    return re.compile(re.escape(before) + name + re.escape(after))


def _item_names(item: PlaceholderValues) -> list[str]:
    return [str(name).lower() for name in (item.get("id"), *item.get("aliases", ()))]
