"""Corrections that make the members of a generated object consistent with each other.

A start does not come after its end (`start_date` and `end_date`, `min_price` and `max_price`). The total of an item is
its quantity times its unit price, a subtotal is the sum of the items, and a total adds tax and shipping and subtracts
the discount.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from mockserver.generation.json_schema import as_finite_number

Members = dict[str, object]


def make_consistent(members: Members) -> Members:
    """Return a copy of the members in which no two of them contradict each other."""
    consistent = dict(members)
    for first, last in _ordered_pairs(members):
        consistent[first], consistent[last] = _in_order(first, consistent[first], consistent[last])
    return _with_totals(consistent)


def _ordered_pairs(members: Members) -> Iterator[tuple[str, str]]:
    """Yield the names of each start and its end."""
    for name in members:
        starts = START_WORD.findall(name[:MAX_NAME_LENGTH])
        for start, end in ORDERED_WORDS if starts else ():
            if start in starts:
                other = re.sub(rf"(?<![a-z]){start}(?![a-z])", end, name, count=1)
                if other in members:
                    yield name, other


def _in_order(name: str, first: object, last: object) -> tuple[object, object]:
    """Return the two values in ascending order; unchanged if they are not comparable."""
    if isinstance(first, str) and isinstance(last, str):
        if not (DATE_OR_TIME.match(first) and DATE_OR_TIME.match(last)) or len(first) != len(last):
            return first, last
        if SHORT_INTERVAL_NAME.search(name):
            return first, _soon_after(first, last)
    elif not (_is_number(first) and _is_number(last)):
        return first, last
    return (last, first) if first > last else (first, last)  # type: ignore[operator]  # of the same type, as checked above


def _soon_after(first: str, last: str) -> str:
    """Return an end at most a month after the start (hours after it for times): journeys and bills take no longer."""
    try:
        if "T" in first:
            start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
            end = end.replace(year=start.year, month=start.month, day=1) + timedelta(days=start.day - 1)
            return (end if end > start else end + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        start_date, end_date = date.fromisoformat(first), date.fromisoformat(last)
        return (start_date + timedelta(days=1 + end_date.toordinal() % 30)).isoformat()
    except (
        ValueError,
        TypeError,
        OverflowError,
    ):  # a time without a date, or a text that only looks like a date
        return last


def _with_totals(members: Members) -> Members:
    """Return the members with totals that are the sum or product of their parts."""
    unit_price = _find_number(members, "unit_price", "price_per_unit")
    quantity = _find_number(members, "quantity", "qty")
    sums = [_sum_of_items(member) for member in members.values()]
    subtotal = next((each for each in sums if each is not None), None)
    if unit_price is not None and quantity is not None:
        members |= {
            name: _rounded(unit_price * quantity)
            for name in ITEM_TOTAL_NAMES
            if _is_number(members.get(name))
        }
    elif subtotal is not None:
        extra = {name: _find_number(members, name) or 0 for name in ("tax", "shipping", "discount")}
        total = subtotal + extra["tax"] + extra["shipping"] - extra["discount"]
        members |= {name: _rounded(subtotal) for name in ("subtotal",) if _is_number(members.get(name))}
        members |= {
            name: _rounded(total) for name in ("total", "total_amount") if _is_number(members.get(name))
        }
    return members


def _sum_of_items(member: object) -> float | None:
    """Return the sum of the totals of a list of invoice items; None if an item has no total."""
    items = member[: MAX_ITEMS + 1] if isinstance(member, list) else []
    totals = [_find_number(item, *ITEM_TOTAL_NAMES) for item in items if isinstance(item, dict)]
    known = [total for total in totals if total is not None]
    return sum(known) if known and len(known) == len(items) <= MAX_ITEMS else None


def _find_number(members: Members, *names: str) -> float | None:
    """Return the first number among the members with these names."""
    numbers = (as_finite_number(members.get(name)) for name in names)
    return next((float(number) for number in numbers if number is not None), None)


def _rounded(value: float) -> float | int:
    if not math.isfinite(value):
        return sys.float_info.max
    rounded = round(value, 2)
    return int(rounded) if rounded.is_integer() else rounded


def _is_number(value: object) -> bool:
    return as_finite_number(value) is not None


ITEM_TOTAL_NAMES = ("total", "amount", "line_total", "total_price")
DATE_OR_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
SHORT_INTERVAL_NAME = re.compile(r"depart|issue|invoice|check_?in|order", re.IGNORECASE)
ORDERED_PAIRS = (
    ("start", "end"), ("begin", "end"), ("departure", "arrival"), ("departure", "return"), ("issue", "due"),
    ("issued", "due"), ("check_in", "check_out"), ("checkin", "checkout"), ("from", "to"), ("opened", "closed"),
    ("created", "updated"), ("order", "delivery"), ("invoice", "due"), ("min", "max"), ("minimum", "maximum"),
    ("low", "high"), ("lower", "upper"),
)  # fmt: skip
ORDERED_WORDS = tuple(
    words
    for first, last in ORDERED_PAIRS
    for words in ((first, last), (first.capitalize(), last.capitalize()))
)
START_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(start for start, _ in ORDERED_WORDS)})(?![a-z])")
MAX_NAME_LENGTH = 100  # characters of a property name that are looked at
MAX_ITEMS = 200  # of a list whose sum is taken
