"""What a vendor lets its clients read besides: a list of its models, what is left of an account's money."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mockserver.vendors.form import Form, Values
from mockserver.vendors.profile import Endpoint

ITEM = "{id}"  # in a path: one of the items, by the name it goes by


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
