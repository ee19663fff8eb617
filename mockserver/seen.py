"""One request as a test sees it afterwards: a value, and words about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from mockserver.reading import text_of
from mockserver.shelf.library import RUNTIME
from mockserver.shelf.matching import Difference

Details = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Miss:
    """A fixture that did not answer, where it stands, and why."""

    fixture: str
    source: str
    differences: tuple[Difference, ...]

    @property
    def own(self) -> bool:
        """Whether it was made while the server ran, as a test's own are."""
        return self.source.startswith(RUNTIME)

    def __str__(self) -> str:
        place = f" ({self.source})" if self.source and not self.own else ""
        return f"{self.fixture}{place} missed on {'; '.join(map(str, self.differences))}"


@dataclass(frozen=True, repr=False)
class Request:
    """One request. What the list does not carry (`headers`, `body`, `misses`) is asked of the server when it is
    first read; LookupError when the server has forgotten it by then.
    """

    id: str
    number: int = 0  # in the order of arrival, over all sessions
    session: str = ""
    vendor: str = ""  # empty where no vendor has the path
    model: str = ""
    method: str = ""
    path: str = ""  # the vendor's own
    stream: bool = False  # whether a stream was asked for
    attempt: int = 0  # how often the SDK says that it has tried before
    status: int = 0  # 0: none was heard
    fixture: str = ""  # the one that matched, whether or not a fault rule answered in its place
    matched: bool = False  # whether any fixture did
    rule: str = ""  # the fault rule that struck
    fault: str = ""  # what was done to the answer on purpose
    why: str = ""  # it was refused
    bytes: int = 0  # heard of the body
    ended: str = (
        ""  # finished, dropped, left (by the client) or closed (by the server's end); empty while open
    )
    first_byte_ms: float | None = None
    total_ms: float | None = None
    arrived: datetime | None = None
    usd: Decimal = Decimal(0)  # what its vendor charges for it, in dollars
    credits: Decimal = Decimal(0)  # and in its own credits
    _user: str = ""
    _details: Details = field(default=lambda _: {}, repr=False, compare=False)

    @cached_property
    def _whole(self) -> Mapping[str, Any]:
        return self._details(self.id)

    @property
    def user(self) -> str:
        """The text of the last user message."""
        if not self._user.endswith("…"):
            return self._user
        # A list has no more than the beginning of a long one.
        said = reversed((self.body or {}).get("messages") or ())
        return next((text_of(one) for one in said if one.get("role") == "user"), self._user)

    @property
    def unmatched(self) -> bool:
        """Whether nobody had said what it would hear: it was made up, or refused for that.

        What is refused as the vendor would refuse it, or because a rule, key or header wants it so, is not.
        """
        if self.matched or self.rule or self.fault or not self.status:
            return False
        return self.status < 400 or not self.vendor or "no fixture matched" in self.why

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, the names in lower case; keys are masked."""
        asked = self._whole.get("request") or {}
        return {name.lower(): value for name, value in (asked.get("headers") or {}).items()}

    @property
    def body(self) -> Any:
        """Its JSON body."""
        return (self._whole.get("request") or {}).get("body")

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The fixtures that came nearest, and what each of them missed."""
        return tuple(map(_miss, self._whole.get("misses") or ()))

    def explain(self, most: int = 5) -> str:
        """What was heard and why, with what each of the nearest fixtures missed; a session's own go first."""
        nearest = sorted(self.misses, key=lambda miss: not miss.own)[:most]
        why = [f"  {self.why}"] if self.why and not nearest else []
        return "\n".join([str(self), *why, *(f"  {miss}" for miss in nearest)])

    def __str__(self) -> str:
        return f"{self._asked} -> {self._heard}"

    def __repr__(self) -> str:
        return f"<Request {self}>"

    @property
    def _asked(self) -> str:
        if not self.vendor:
            return f"{self.method} {self.path}"
        said = _short(self._user) if self._user else f"{self.method} {self.path}"
        return " ".join(filter(None, (self.vendor, self.model, said, "stream" if self.stream else "")))

    @property
    def _heard(self) -> str:
        parts = [
            str(self.status or "no status"),
            self._by,
            f"fault {self.fault}" if self.fault else "",
            self.ended if self.ended not in _ORDINARY else "",
            f"attempt {self.attempt}" if self.attempt else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def _by(self) -> str:
        """Who has answered."""
        if self.rule:
            return f"rule {self.rule}"
        if self.fixture:
            return f"fixture {self.fixture}"
        return "no fixture matched" if self.vendor and self.unmatched else self.why


def read(told: Mapping[str, Any], details: Details) -> Request:
    """A request from what the control API tells of it; what it does not tell keeps its default."""
    stated = {name: told[name] for name in _FIELDS if told.get(name) is not None}
    if "arrived" in stated:
        stated["arrived"] = datetime.fromisoformat(stated["arrived"])
    if told.get("charged"):
        stated |= {unit: Decimal(told["charged"][unit]) for unit in ("usd", "credits")}
    return Request(**stated, _user=told.get("user") or "", _details=details)


def listed(requests: Iterable[Request], most: int) -> list[str]:
    """One line for each of them, the last ones where there are more."""
    lines = [f"{number}. {one}" for number, one in enumerate(requests, 1)]
    left = len(lines) - most
    return [f"({left} earlier ones are left out)", *lines[left:]] if left > 0 else lines


def differences(told: Iterable[Mapping[str, Any]]) -> tuple[Difference, ...]:
    """In what a request and a match part, from what the control API tells of it."""
    return tuple(Difference(one["field"], one["expected"], one["found"]) for one in told)


def _miss(told: Mapping[str, Any]) -> Miss:
    return Miss(told["fixture"], told.get("source") or "", differences(told.get("differences") or ()))


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONG else f"{text[: _LONG - 1]}…")


_LONG = 60  # characters of somebody's text that a line repeats
_ORDINARY = ("", "finished")
_FIELDS = tuple(one.name for one in fields(Request) if not one.name.startswith("_"))
