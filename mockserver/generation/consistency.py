"""The members of a document agree: what begins comes before what ends, and a total is what the parts make.

`start_date` is not after `end_date`, nor `min_price` above `max_price`; a line's total is quantity times unit price, a
subtotal the sum of the lines, and a total what tax, shipping and discount leave of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

Members = dict[str, object]


def make_consistent(members: Members) -> Members:
    """The members, changed where two of them contradict each other."""
    agreeing = dict(members)
    for first, last in _ordered_pairs(members):
        agreeing[first], agreeing[last] = _in_order(first, agreeing[first], agreeing[last])
    return _with_totals(agreeing)


def _ordered_pairs(members: Members) -> Iterator[tuple[str, str]]:
    """The names of a beginning and its end."""
    for name in members:
        for first, last in ORDERED_PAIRS:
            for begins, ends in ((first, last), (first.capitalize(), last.capitalize())):
                other = re.sub(rf"(?<![a-z]){begins}(?![a-z])", ends, name, count=1)
                if other != name and other in members:
                    yield name, other


def _in_order(name: str, first: object, last: object) -> tuple[object, object]:
    if isinstance(first, str) and isinstance(last, str):
        if not (DATE_OR_TIME.match(first) and DATE_OR_TIME.match(last)) or len(first) != len(last):
            return first, last
        if SHORT_INTERVAL_NAME.search(name):
            return first, _soon_after(first, last)
    elif not (_is_number(first) and _is_number(last)):
        return first, last
    return (last, first) if first > last else (first, last)  # type: ignore[operator]  # alike, as was just seen


def _soon_after(first: str, last: str) -> str:
    """A journey takes hours and a bill is due within the month, whatever was drawn for its end."""
    try:
        if "T" in first:
            begins, ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
            ends = ends.replace(year=begins.year, month=begins.month, day=1) + timedelta(days=begins.day - 1)
            return (ends if ends > begins else ends + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        begins_on, ends_on = date.fromisoformat(first), date.fromisoformat(last)
        return (begins_on + timedelta(days=1 + ends_on.toordinal() % 30)).isoformat()
    except (ValueError, TypeError, OverflowError):  # a time alone, or a text that only looks like a date
        return last


def _with_totals(members: Members) -> Members:
    each, count = (
        _find_number(members, "unit_price", "price_per_unit"),
        _find_number(members, "quantity", "qty"),
    )
    lines = [_lines_total(member) for member in members.values()]
    subtotal = next((line for line in lines if line is not None), None)
    if each is not None and count is not None:
        members |= {
            name: _rounded(each * count) for name in LINE_TOTAL_NAMES if _is_number(members.get(name))
        }
    elif subtotal is not None:
        given = {name: _find_number(members, name) or 0 for name in ("tax", "shipping", "discount")}
        total = subtotal + given["tax"] + given["shipping"] - given["discount"]
        members |= {name: _rounded(subtotal) for name in ("subtotal",) if _is_number(members.get(name))}
        members |= {
            name: _rounded(total) for name in ("total", "total_amount") if _is_number(members.get(name))
        }
    return members


def _lines_total(member: object) -> float | None:
    """What the lines of a bill make together, None for what are no such lines."""
    lines = member if isinstance(member, list) else []
    sums = [_find_number(line, *LINE_TOTAL_NAMES) for line in lines if isinstance(line, dict)]
    known = [each for each in sums if each is not None]
    return sum(known) if known and len(known) == len(lines) else None


def _find_number(members: Members, *names: str) -> float | None:
    found = (members[name] for name in names if name in members)
    return next(
        (float(value) for value in found if isinstance(value, int | float) and _is_number(value)), None
    )


def _rounded(value: float) -> float | int:
    rounded = round(value, 2)
    return int(rounded) if rounded.is_integer() else rounded


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


LINE_TOTAL_NAMES = ("total", "amount", "line_total", "total_price")
DATE_OR_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
SHORT_INTERVAL_NAME = re.compile(r"depart|issue|invoice|check_?in|order", re.IGNORECASE)
ORDERED_PAIRS = (
    ("start", "end"), ("begin", "end"), ("departure", "arrival"), ("departure", "return"), ("issue", "due"),
    ("issued", "due"), ("check_in", "check_out"), ("checkin", "checkout"), ("from", "to"), ("opened", "closed"),
    ("created", "updated"), ("order", "delivery"), ("invoice", "due"), ("min", "max"), ("minimum", "maximum"),
    ("low", "high"), ("lower", "upper"),
)  # fmt: skip
