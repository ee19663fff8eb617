"""The query parameters of an auxiliary endpoint with a list: filters, sections, a time window and pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from mockserver.schema.field_types import Boolean, Integer, OneOf, Text
from mockserver.schema.messages import truncate_text
from mockserver.schema.object_types import MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.vendors.placeholders import PlaceholderValues, format_timestamp
from mockserver.vendors.profile_fields import TEMPLATE

_MAX_PARAMETERS = 200  # of one query
_ALL: Final = "all"  # the value of `include` for every section
_PERIOD = re.compile(r"([1-9][0-9]{0,4})([hd])")
_PAGING = ("offset", "cursor")

Parameters = Mapping[str, list[str]]


@spec_dataclass
class WindowSpec:
    """The parameters of a time window; each is optional."""

    start: str = spec_field(Text(), "the parameter of its start, in ISO 8601")
    end: str = spec_field(Text(), "the parameter of its end, in ISO 8601")
    period: str | None = spec_field(Text(), "the parameter of its length, as 24h or 7d", default=None)
    at: str = spec_field(Text(), "the value of an item that is its time", default="at")


@spec_dataclass
class ListQuerySpec:
    """The query parameters that an endpoint with a list understands; it ignores others."""

    filters: dict[str, str] | None = spec_field(
        MapOf(Text()),
        "parameters that select items, each with the value of an item that it is compared with, or with a list of "
        "values. A repeated parameter selects by any of its values",
        default=None,
    )
    commas: bool = spec_field(
        Boolean(),
        "whether values of filters are separated by commas, and their case is ignored",
        default=False,
    )
    include: dict[str, Any] | None = spec_field(
        TEMPLATE, "sections that the parameter `include` adds to each item, by name", default=None
    )
    window: WindowSpec | None = spec_field(ObjectType(WindowSpec), "a time window", default=None)
    paging: str | None = spec_field(
        OneOf(*_PAGING), "how pages are numbered; absent: all items are on one page", default=None
    )
    limit: int = spec_field(Integer(1), "the items of a page, if the parameter `limit` is absent", default=50)
    max_limit: int = spec_field(Integer(1), "the most items of a page", default=100)


@dataclass(frozen=True, slots=True)
class SelectedItems:
    """The items that a query selects, the sections that it adds to them, and the placeholder values of the page."""

    items: Sequence[PlaceholderValues]
    sections: tuple[str, ...]
    values: PlaceholderValues


def select_items(
    spec: ListQuerySpec, items: Iterable[PlaceholderValues], query: str, now: datetime
) -> SelectedItems:
    """Return what a query selects of a list. Raises ValueError with a message for an invalid parameter."""
    given = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    selected = list(_filter_items(spec, items, given))
    if spec.window is not None:
        start, end = _read_window(spec.window, given, now)
        selected = [item for item in selected if start <= item[spec.window.at] < end]
    names = [name.strip() for text in given.get("include", ()) for name in text.split(",")]
    sections = tuple(name for name in spec.include or () if name in names or _ALL in names)
    if spec.paging is None:
        return SelectedItems(selected, sections, {"total": len(selected)})
    limit = _read_number(given, "limit", spec.limit, 1, spec.max_limit)
    offset = _read_offset(spec.paging, given)
    has_more = offset + limit < len(selected)
    return SelectedItems(
        selected[offset : offset + limit],
        sections,
        {
            "limit": limit,
            "offset": offset,
            "total": len(selected),
            "has_more": has_more,
            "next_cursor": _encode_cursor(offset + limit) if has_more else None,
        },
    )


def _filter_items(
    spec: ListQuerySpec, items: Iterable[PlaceholderValues], given: Parameters
) -> Iterator[PlaceholderValues]:
    wanted: dict[str, set[str]] = {}
    for parameter, name in (spec.filters or {}).items():
        if parameter in given:
            texts = given[parameter]
            parts = [part.strip().lower() for text in texts for part in text.split(",")]
            wanted[name] = set(parts if spec.commas else texts)
    for item in items:
        if all(not values.isdisjoint(_list_values(spec, item.get(name))) for name, values in wanted.items()):
            yield item


def _list_values(spec: ListQuerySpec, value: Any) -> list[str]:
    texts = [str(one) for one in (value if isinstance(value, list) else [value])]
    return [text.lower() for text in texts] if spec.commas else texts


def _read_window(window: WindowSpec, given: Parameters, now: datetime) -> tuple[str, str]:
    """Return the start and the end of a time window, as the times of items are written."""
    start, end = _read_time(given, window.start), _read_time(given, window.end)
    if window.period is not None and window.period in given:
        found = _PERIOD.fullmatch(given[window.period][0])
        if found is None:
            raise _invalid(window.period, given, "a number of hours or days, like 24h or 7d")
        hours = int(found[1]) * (24 if found[2] == "d" else 1)
        start = now - timedelta(hours=min(hours, 24 * 36_500))
    if start and end and end < start:
        raise _invalid(window.end, given, f"a time after {window.start}")
    return format_timestamp(start) if start else "", format_timestamp(end) if end else "~"


def _read_time(given: Parameters, name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        moment = datetime.fromisoformat(given[name][0])
    except ValueError:
        raise _invalid(name, given, "a time in ISO 8601") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_number(given: Parameters, name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, [str(default)])[0]
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise _invalid(name, given, f"a whole number from {least} to {most}")
    return int(text)


def _read_offset(paging: str, given: Parameters) -> int:
    if paging == "offset":
        return _read_number(given, "offset", 0, 0, 999_999_999)
    if "cursor" not in given:
        return 0
    try:
        return int(base64.urlsafe_b64decode(given["cursor"][0].encode()).decode()[:9])
    except (ValueError, binascii.Error):
        raise _invalid("cursor", given, "the next_cursor of the page before") from None


def _encode_cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _invalid(name: str, given: Parameters, expected: str) -> ValueError:
    return ValueError(f"{name}: found {truncate_text(given[name][0])!r}, expected {expected}")
