"""One request as a test sees it afterwards: a value, and words about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from mockserver.matching.fixture_set import Mismatch
from mockserver.matching.loader import RUNTIME_SOURCE
from mockserver.request.request_body import get_message_text

DetailsFetcher = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RecordedNearMiss:
    """A fixture that did not answer, where it stands, and why."""

    fixture: str
    source: str
    mismatches: tuple[Mismatch, ...]

    @property
    def own(self) -> bool:
        """Whether it was made while the server ran, as a test's own are."""
        return self.source.startswith(RUNTIME_SOURCE)

    def __str__(self) -> str:
        place = f" ({self.source})" if self.source and not self.own else ""
        return f"{self.fixture}{place} missed on {'; '.join(map(str, self.mismatches))}"


@dataclass(frozen=True, repr=False)
class Request:
    """One request. What the list does not carry (`headers`, `raw_headers`, `body`, `misses`) is asked of the server
    when it is first read; LookupError when the server has forgotten it by then.
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
    _fetch_details: DetailsFetcher = field(default=lambda _: {}, repr=False, compare=False)

    @cached_property
    def _full_record(self) -> Mapping[str, Any]:
        return self._fetch_details(self.id)

    @property
    def user(self) -> str:
        """The text of the last user message."""
        if not self._user.endswith("…"):
            return self._user
        # A list has no more than the beginning of a long one.
        said = reversed((self.body or {}).get("messages") or ())
        return next((get_message_text(one) for one in said if one.get("role") == "user"), self._user)

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
        """Its headers, the names in lower case, repeated ones joined; keys are masked."""
        asked = self._full_record.get("request") or {}
        return {name.lower(): value for name, value in (asked.get("headers") or {}).items()}

    @property
    def raw_headers(self) -> tuple[tuple[str, str], ...]:
        """Every header as a pair of name and value, in order; keys are masked."""
        asked = self._full_record.get("request") or {}
        return tuple((name, value) for name, value in asked.get("raw_headers") or ())

    @property
    def body(self) -> Any:
        """Its JSON body."""
        return (self._full_record.get("request") or {}).get("body")

    @property
    def misses(self) -> tuple[RecordedNearMiss, ...]:
        """The fixtures that came nearest, and what each of them missed."""
        return tuple(map(_parse_near_miss, self._full_record.get("near_misses") or ()))

    def explain(self, most: int = 5) -> str:
        """What was heard and why, with what each of the nearest fixtures missed; a session's own go first."""
        nearest = sorted(self.misses, key=lambda miss: not miss.own)[:most]
        why = [f"  {self.why}"] if self.why and not nearest else []
        return "\n".join([str(self), *why, *(f"  {miss}" for miss in nearest)])

    def __str__(self) -> str:
        return f"{self._request_summary} -> {self._outcome_summary}"

    def __repr__(self) -> str:
        return f"<Request {self}>"

    @property
    def _request_summary(self) -> str:
        if not self.vendor:
            return f"{self.method} {self.path}"
        said = _quote_text(self._user) if self._user else f"{self.method} {self.path}"
        return " ".join(filter(None, (self.vendor, self.model, said, "stream" if self.stream else "")))

    @property
    def _outcome_summary(self) -> str:
        parts = [
            str(self.status or "no status"),
            self._answered_by,
            f"fault {self.fault}" if self.fault else "",
            self.ended if self.ended not in _NORMAL_ENDS else "",
            f"attempt {self.attempt}" if self.attempt else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def _answered_by(self) -> str:
        """Who has answered."""
        if self.rule:
            return f"rule {self.rule}"
        if self.fixture:
            return f"fixture {self.fixture}"
        return "no fixture matched" if self.vendor and self.unmatched else self.why


def parse_recorded_request(data: Mapping[str, Any], fetch_details: DetailsFetcher) -> Request:
    """A request from what the control API tells of it; what it does not tell keeps its default."""
    stated = {name: data[name] for name in _FIELDS if data.get(name) is not None}
    if data.get("reason"):
        stated["why"] = data["reason"]
    if "arrived" in stated:
        stated["arrived"] = datetime.fromisoformat(stated["arrived"])
    if data.get("charged"):
        stated |= {unit: Decimal(data["charged"][unit]) for unit in ("usd", "credits")}
    return Request(**stated, _user=data.get("user") or "", _fetch_details=fetch_details)


def format_requests(requests: Iterable[Request], limit: int) -> list[str]:
    """One line for each of them, the last ones where there are more."""
    lines = [f"{number}. {one}" for number, one in enumerate(requests, 1)]
    left = len(lines) - limit
    return [f"({left} earlier ones are left out)", *lines[left:]] if left > 0 else lines


def parse_mismatches(data: Iterable[Mapping[str, Any]]) -> tuple[Mismatch, ...]:
    """In what a request and a match part, from what the control API tells of it."""
    return tuple(Mismatch(one["field"], one["expected"], one["found"]) for one in data)


def _parse_near_miss(data: Mapping[str, Any]) -> RecordedNearMiss:
    return RecordedNearMiss(
        data["fixture"], data.get("source") or "", parse_mismatches(data.get("differences") or ())
    )


def _quote_text(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTED_LENGTH else f"{text[: _MAX_QUOTED_LENGTH - 1]}…")


_MAX_QUOTED_LENGTH = 60  # characters of somebody's text that a line repeats
_NORMAL_ENDS = ("", "finished")
_FIELDS = tuple(one.name for one in fields(Request) if not one.name.startswith("_"))
