"""What a vendor lets its clients read besides: a list of its models, what is left of an account's money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.schema.field_types import AnyValue, OneOf
from mockserver.schema.object_types import OneOrMore, spec_dataclass, spec_field
from mockserver.vendors.placeholders import JsonTemplate, PlaceholderValues
from mockserver.vendors.profile_fields import ENDPOINT_PATH, HEADER_MAP, TEMPLATE

ID_PLACEHOLDER = "{id}"  # in a path: one of the items, by the name it goes by
LIST_SOURCES = ("models", "retired", "charges", "rollups")  # the last two are told by an account


@spec_dataclass
class AuxEndpointSpec:
    """What clients may read besides, with GET: a list of models, what is left of their money."""

    paths: tuple[str, ...] = spec_field(
        OneOrMore(ENDPOINT_PATH), "where it is; `{id}` at the end stands for one item's name", name="path"
    )
    key: str = spec_field(OneOf("required", "none"), "whether it asks for an API key", default="required")
    headers: dict[str, str] | None = spec_field(
        HEADER_MAP, "headers besides those of every answer", default=None
    )
    list: str | None = spec_field(OneOf(*LIST_SOURCES), "what its items are made of", default=None)
    item: dict[str, Any] | None = spec_field(TEMPLATE, "the form of one item", default=None)
    body: Any = spec_field(
        AnyValue(), "the form of the whole; `$items`, or where the path has `{id}`, `$item`"
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        if (self.list is None) is not (self.item is None):
            yield None, "found one of 'list' and 'item', expected both or neither"
        if self.list is None and any(path.endswith("{id}") for path in self.paths):
            yield "paths", "found {id}, expected a 'list' that it is an item of"


class AuxEndpoint:
    """One endpoint of a profile, compiled."""

    __slots__ = ("_body_template", "_item_template", "_patterns", "is_public", "spec")

    def __init__(self, spec: AuxEndpointSpec) -> None:
        self.spec = spec
        self.is_public = spec.key == "none"
        self._body_template = JsonTemplate(spec.body)
        self._item_template = JsonTemplate(spec.item)
        self._patterns = [
            re.compile(
                re.escape(path.removesuffix(ID_PLACEHOLDER))
                + ("(.+)" if path.endswith(ID_PLACEHOLDER) else "()")
            )
            for path in spec.paths
        ]

    def match_item(self, path: str) -> str | None:
        """What a path asks for here: the name of an item, or "" for all; None when it asks elsewhere."""
        found = (pattern.fullmatch(path) for pattern in self._patterns)
        return next((match[1] for match in found if match), None)

    def fill(self, values: PlaceholderValues, item: str) -> Any:
        """The body, for all items or for the one of that name.

        The items are the mappings that `values` has under the name of the endpoint's list; the blanks of an
        item's form are filled from its mapping first. An item goes by its `id` and its `aliases`, in any case.
        Raises LookupError when there is no item of that name.
        """
        found: Iterable[PlaceholderValues] = values.get(self.spec.list or "", ())
        if not item:
            items = [self._item_template.fill({**values, **one}) for one in found]
            return self._body_template.fill({**values, "items": items})
        one = next((one for one in found if item.lower() in _item_names(one)), None)
        if one is None:
            raise LookupError(item)
        return self._body_template.fill({**values, "item": self._item_template.fill({**values, **one})})


def _item_names(item: PlaceholderValues) -> list[str]:
    return [str(name).lower() for name in (item.get("id"), *item.get("aliases", ()))]
