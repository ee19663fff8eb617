"""Requests that a server has recorded, as values with a readable description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from mockserver.matching.fixture_set import Mismatch
from mockserver.matching.loader import RUNTIME_SOURCE
from mockserver.request.request_body import get_message_text
from mockserver.request.responses_input import convert_input
from mockserver.schema.messages import truncate_text
from mockserver.schema.object_types import record_dataclass
from mockserver.sessions.request_record import RequestRecord
from mockserver.wire.answer import index_headers

DetailsFetcher = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RecordedNearMiss:
    """A fixture that almost matched a request, its position, and its mismatches."""

    fixture: str
    source: str
    mismatches: tuple[Mismatch, ...]

    @property
    def own(self) -> bool:
        """True if the fixture was added at run time, as those of a test are."""
        return self.source.startswith(RUNTIME_SOURCE)

    def __str__(self) -> str:
        position = f" ({self.source})" if self.source and not self.own else ""
        return f"{self.fixture}{position} missed on {'; '.join(map(str, self.mismatches))}"


@record_dataclass(slots=False, repr=False)
class Request(RequestRecord):
    """A request that the server has received, and its outcome.

    Example::

        [request] = session.requests
        assert request.user == "How is the weather?"
        assert request.body["model"] == request.model
        print(request.explain())  # the outcome, and the nearest fixtures

    `usd` and `credits` are the charge in dollars and in the vendor's credits. `headers`, `raw_headers`, `body`,
    `misses` and `explain()` are requested from the server at the first use.

    Raises (these members only):
        LookupError: the server no longer has the request in its journal.
        ConnectionError: no server responds.
    """

    usd: Decimal
    credits: Decimal
    _user: str
    _fetch_details: DetailsFetcher = field(repr=False, compare=False)

    @cached_property
    def _full_record(self) -> Mapping[str, Any]:
        return self._fetch_details(self.id)

    @property
    def user(self) -> str:
        """The text of the last user message."""
        if not self._user.endswith("…"):
            return self._user
        # Lists of requests contain only the beginning of a long text.
        body = self.body or {}
        messages = reversed(
            convert_input(body["input"], {}) if "input" in body else body.get("messages") or ()
        )
        return next((get_message_text(one) for one in messages if one.get("role") == "user"), self._user)

    @property
    def unmatched(self) -> bool:
        """True if no fixture matched, so that the reply was generated or the request was rejected for it.

        True also if no vendor has the path. False if the request was rejected as by the vendor, or because of a fault
        rule, key, message or header.
        """
        return self.outcome in ("generated", "unmatched") or (
            self.outcome == "unknown_path" and not self.vendor
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the request, by name in lower case, repeated ones joined; API keys are masked."""
        request = self._full_record.get("request") or {}
        return index_headers((request.get("headers") or {}).items())

    @property
    def raw_headers(self) -> tuple[tuple[str, str], ...]:
        """All headers of the request as pairs of name and value, in order; API keys are masked."""
        request = self._full_record.get("request") or {}
        return tuple((name, value) for name, value in request.get("raw_headers") or ())

    @property
    def body(self) -> Any:
        """The parsed JSON body of the request."""
        return (self._full_record.get("request") or {}).get("body")

    @property
    def misses(self) -> tuple[RecordedNearMiss, ...]:
        """The nearest fixtures, with their mismatches."""
        return tuple(map(_parse_near_miss, self._full_record.get("near_misses") or ()))

    def explain(self, most: int = 5) -> str:
        """Return a description of the outcome and of the nearest fixtures, at most `most`; the session's own first."""
        late = self._full_record.get("matches_now") if self.unmatched else None
        if late:
            return f"{self}\n  {late} matches it, but was added after the request"
        nearest = sorted(self.misses, key=lambda miss: not miss.own)[:most]
        reason = [f"  {self.reason}"] if self.reason and not nearest else []
        return "\n".join([str(self), *reason, *(f"  {miss}" for miss in nearest)])

    def __str__(self) -> str:
        return f"{self._request_summary} -> {self._outcome_summary}"

    def __repr__(self) -> str:
        return f"<Request {self}>"

    @property
    def _request_summary(self) -> str:
        if not self.vendor:
            return f"{self.method} {self.path}"
        text = repr(truncate_text(self._user)) if self._user else f"{self.method} {self.path}"
        return " ".join(filter(None, (self.vendor, self.model, text, "stream" if self.stream else "")))

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
        """The source of the answer: a fault rule, a fixture or a rejection."""
        if self.rule:
            return f"rule {self.rule}"
        if self.fixture:
            refusal = f", {truncate_text(self.reason)}" if self.status >= 400 and self.reason else ""
            return f"fixture {self.fixture}{refusal}"
        if self.vendor and self.unmatched:
            return "no fixture matched"
        reason = truncate_text(self.reason)
        return ": ".join(filter(None, ("refused", reason))) if self.outcome == "refused" else reason


def parse_recorded_request(data: Mapping[str, Any], fetch_details: DetailsFetcher) -> Request:
    """Create a request from its description by the admin API; absent fields are empty."""
    values: dict[str, Any] = {
        name: empty if data.get(name) is None else data[name] for name, empty in _EMPTY_VALUES.items()
    }
    values["arrived"] = datetime.fromisoformat(values["arrived"]) if values["arrived"] else _NO_TIME
    charged = data.get("charged") or {}
    values |= {unit: Decimal(charged.get(unit, 0)) for unit in ("usd", "credits")}
    return Request(**values, _user=data.get("user") or "", _fetch_details=fetch_details)


def parse_mismatches(data: Iterable[Mapping[str, Any]]) -> tuple[Mismatch, ...]:
    """Create mismatches from their description by the admin API."""
    return tuple(Mismatch(one["field"], one["expected"], one["found"]) for one in data)


def _parse_near_miss(data: Mapping[str, Any]) -> RecordedNearMiss:
    return RecordedNearMiss(
        data["fixture"], data.get("source") or "", parse_mismatches(data.get("differences") or ())
    )


_NORMAL_ENDS = ("", "finished")
_NO_TIME = datetime.fromtimestamp(0, UTC)
# The values of absent fields, by the name of the field.
_EMPTY_VALUES = {
    one.name: {"str": "", "int": 0, "bool": False}.get(str(one.type)) for one in fields(RequestRecord)
}
