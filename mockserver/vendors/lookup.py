"""What a vendor lets its clients read besides: a list of its models, what is left of an account's money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.record import OneOrMore, record, said
from mockserver.shape import Anything, OneOf
from mockserver.vendors.form import Form, Values
from mockserver.vendors.spelling import ENDPOINT, FORM, HEADERS

ITEM = "{id}"  # in a path: one of the items, by the name it goes by
LISTS = ("models", "retired", "charges", "rollups")  # the last two are told by an account


@record
class Endpoint:
    """What clients may read besides, with GET: a list of models, what is left of their money."""

    paths: tuple[str, ...] = said(
        OneOrMore(ENDPOINT), "where it is; `{id}` at the end stands for one item's name", name="path"
    )
    key: str = said(OneOf("required", "none"), "whether it asks for an API key", default="required")
    headers: dict[str, str] | None = said(HEADERS, "headers besides those of every answer", default=None)
    list: str | None = said(OneOf(*LISTS), "what its items are made of", default=None)
    item: dict[str, Any] | None = said(FORM, "the form of one item", default=None)
    body: Any = said(Anything(), "the form of the whole; `$items`, or where the path has `{id}`, `$item`")

    def check(self) -> Iterator[tuple[str | None, str]]:
        if (self.list is None) is not (self.item is None):
            yield None, "found one of 'list' and 'item', expected both or neither"
        if self.list is None and any(path.endswith("{id}") for path in self.paths):
            yield "paths", "found {id}, expected a 'list' that it is an item of"


class Lookup:
    """One endpoint of a profile, compiled."""

    __slots__ = ("_body", "_item", "_patterns", "open", "profile")

    def __init__(self, profile: Endpoint) -> None:
        self.profile = profile
        self.open = profile.key == "none"
        self._body = Form(profile.body)
        self._item = Form(profile.item)
        self._patterns = [
            re.compile(re.escape(path.removesuffix(ITEM)) + ("(.+)" if path.endswith(ITEM) else "()"))
            for path in profile.paths
        ]

    def asks(self, path: str) -> str | None:
        """What a path asks for here: the name of an item, or "" for all; None when it asks elsewhere."""
        found = (pattern.fullmatch(path) for pattern in self._patterns)
        return next((match[1] for match in found if match), None)

    def fill(self, values: Values, item: str) -> Any:
        """The body, for all items or for the one of that name.

        The items are the mappings that `values` has under the name of the endpoint's list; the blanks of an
        item's form are filled from its mapping first. An item goes by its `id` and its `aliases`, in any case.
        Raises LookupError when there is no item of that name.
        """
        found: Iterable[Values] = values.get(self.profile.list or "", ())
        if not item:
            items = [self._item.fill({**values, **one}) for one in found]
            return self._body.fill({**values, "items": items})
        one = next((one for one in found if item.lower() in _names(one)), None)
        if one is None:
            raise LookupError(item)
        return self._body.fill({**values, "item": self._item.fill({**values, **one})})


def _names(item: Values) -> list[str]:
    return [str(name).lower() for name in (item.get("id"), *item.get("aliases", ()))]
