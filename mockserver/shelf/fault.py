"""A fault as a file says it: `reset@3`, or the long form, in which every part has its own place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.record import ByType, Check, Record, record, said
from mockserver.shape import WRONG, At, Duration, Nothing, Number, Shape, Text, Whole, choice
from mockserver.wire import faults
from mockserver.wire.faults import FAULTS, RATE, Fault
from mockserver.wire.strike import After, Unit


@record
class Point:
    """Where a fault strikes: after one of these."""

    chunks: int | None = said(Whole(0), "so many chunks; a plain body is one", default=None)
    bytes: int | None = said(Whole(0), "so many bytes of body", default=None)
    time: float | None = said(Duration(), "so long after the request", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        stated = [name for name in _UNITS if getattr(self, name) is not None]
        if len(stated) != 1:
            yield None, f"found {' and '.join(stated) or 'nothing'}, expected one of {choice(_UNITS)}"

    @property
    def after(self) -> After:
        [after] = [After(unit, amount) for unit in _UNITS if (amount := getattr(self, unit)) is not None]
        return after


_UNITS: tuple[Unit, ...] = ("chunks", "bytes", "time")
AFTER: Shape = ByType(
    text=Check(Text(), faults.point, {"pattern": f"^{faults.POINT}$"}),
    mapping=Check(Record(Point), lambda point: point.after),
)


@record
class Blow:
    """How a fault strikes."""

    after: After | None = said(
        AFTER, "where: `3` chunks, `100b` or `2s` into the answer; absent: at once", default=None
    )


@record
class SlowBlow:
    """How a line is slow."""

    after: After | None = said(AFTER, "from where; absent: from the beginning", default=None)
    bytes_per_second: float = said(Number(0.001), "how slow", default=RATE)


@dataclass(frozen=True, slots=True, eq=False)
class Named(Shape):
    """A mapping of one key, the name of a fault, to what is to be said of it; the program gets the fault."""

    shapes: Mapping[str, Shape]
    expected = "a mapping like {reset: {after: {chunks: 3}}}"

    def read(self, value: Any, at: At) -> Any:
        if len(value) != 1:
            return at.problem(f"found {len(value)} keys, expected one fault, {self.expected}")
        [(name, options)] = value.items()
        try:
            shape = self.shapes[faults.known(name)]
        except ValueError as error:
            return at.key(name).problem(str(error))
        blow = shape.read(options, at.key(name))
        if blow is WRONG:
            return WRONG
        return Fault(name, blow.after, getattr(blow, "bytes_per_second", RATE))

    def schema(self) -> dict[str, Any]:
        properties = {name: shape.schema() for name, shape in self.shapes.items()}
        one = {"minProperties": 1, "maxProperties": 1}
        return {"type": "object", "properties": properties, "additionalProperties": False, **one}

    def parts(self) -> Iterable[Shape]:
        return self.shapes.values()


def _blow(cls: type) -> Shape:
    return ByType(mapping=Record(cls), null=Check(Nothing(), lambda _: cls()))


# An editor offers the names, and marks what is not among them.
_SHORT = {"type": "string", "anyOf": [{"enum": list(FAULTS)}, {"pattern": faults.PATTERN}]}
FAULT: Shape = ByType(
    text=Check(Text(), faults.parse, _SHORT),
    mapping=Named({name: _blow(SlowBlow if name == "slow" else Blow) for name in FAULTS}),
)
