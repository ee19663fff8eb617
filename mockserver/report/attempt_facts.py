"""An attempt: the facts about one recorded request and its answer that rules need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mockserver.report.answer_facts import AnswerFacts, read_answer_facts
from mockserver.report.prompt_facts import PromptFacts, digest_value, read_prompt_facts

# Faults that change nothing of what a client reads.
_HARMLESS_FAULTS = ("slow", "comments", "crlf", "no_space", "multiline_data", "split_utf8")
_BROKEN_ENDS = ("dropped", "left", "closed")
_KEY_HEADERS = ("authorization", "x-api-key", "api-key")
_MASKED_KEY = re.compile(r"(\S+)… \((key-[0-9a-f]+)\)$")  # of a key with more than eight characters
# The first characters of keys that nobody could use: any-key, test-key, dummy, fake, mock, placeholder ...
_PLACEHOLDERS = ("any", "tes", "dum", "fak", "moc", "pla", "not", "key", "xxx", "exa", "you", "non")
_COUNT_HEADER = "x-stainless-retry-count"
_SENDER = re.compile(
    r"user-agent|x-stainless-(?!retry-count|read-timeout|timeout).*|" + "|".join(_KEY_HEADERS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """One request and its answer.

    `at` and `end` are in seconds on the clock of the session, which tests advance; only differences are meaningful.
    `digest` is equal for equal bodies. `sender` identifies the client library and the API key, `key` a key that could
    be a real one (empty for a placeholder). `retry_after` is in seconds, counted from the end, or from `at` if
    `is_retry_date`. `last_sent` is when the last piece of the answer is sent.
    """

    id: str
    session: str
    vendor: str = ""
    model: str = ""
    method: str = "POST"
    path: str = ""
    is_stream: bool = False
    is_by_hand: bool = False  # sent by the playground of the web UI, or as a replay
    at: float = 0.0
    end: float | None = None
    last_sent: float = 0.0
    status: int = 0
    ended: str = ""
    fault: str = ""
    retry_count: int = 0
    is_numbered: bool = False
    idempotency_key: str = ""
    sender: str = ""
    key: str = ""
    digest: str = ""
    cost: str = ""  # in dollars, empty if nothing is charged
    retry_after: float | None = None
    is_retry_date: bool = False
    should_retry: bool | None = None
    prompt: PromptFacts = field(default_factory=PromptFacts)
    answer: AnswerFacts = field(default_factory=AnswerFacts)

    @property
    def is_failure(self) -> bool:
        """Return whether a client may see a failure: an error status, a broken or a damaged answer."""
        return self.end is not None and (
            self.status >= 400 or self.status == 0 or self.ended in _BROKEN_ENDS or self.is_damaged
        )

    @property
    def is_damaged(self) -> bool:
        """Return whether a fault has changed what a client reads."""
        return bool(self.fault) and not self.fault.startswith(_HARMLESS_FAULTS)

    @property
    def is_lost_connection(self) -> bool:
        """Return whether the connection broke before any text was streamed, or before the end of a body."""
        is_received = bool(self.answer.text) if self.is_stream else bool(self.answer.finish_reason)
        return self.ended == "dropped" and not is_received

    @property
    def retry_from(self) -> float:
        """Return the moment from which the Retry-After is counted."""
        return self.at if self.is_retry_date or self.end is None else self.end


def parse_attempt(detail: Mapping[str, Any]) -> AttemptFacts:
    """Return the attempt of a request as `GET /_mock/requests/{id}` describes it; absent fields are empty."""
    headers = _get_mapping(_get_mapping(detail, "request"), "headers")
    response = detail.get("response")
    answer_headers = _get_mapping(response, "headers")
    at, end = _read_times(detail)
    frames = detail.get("frames_ms") or (0.0,)
    retry_after = detail.get("retry_after_ms")
    return AttemptFacts(
        **{name: detail.get(name) or "" for name in _TEXTS},
        is_stream=bool(detail.get("stream")),
        is_by_hand=bool(detail.get("by_hand")),
        at=at,
        end=end,
        last_sent=at + max(frames) / 1000,
        status=int(detail.get("status") or 0),
        retry_count=int(detail.get("attempt") or 0),
        is_numbered=_COUNT_HEADER in headers,
        idempotency_key=headers.get("idempotency-key", ""),
        sender=digest_value({name: value for name, value in headers.items() if _SENDER.fullmatch(name)}),
        key=_read_key(headers),
        cost=_read_cost(detail),
        retry_after=None if retry_after is None else retry_after / 1000,
        is_retry_date="," in answer_headers.get("retry-after", ""),
        should_retry={"true": True, "false": False}.get(answer_headers.get("x-should-retry", "")),
        prompt=read_prompt_facts(_get_mapping(detail, "request").get("body")),
        answer=read_answer_facts(response),
    )


def _read_times(detail: Mapping[str, Any]) -> tuple[float, float | None]:
    """Return arrival and end in seconds: on the clock of the session, else by the time of day."""
    if "clock_ms" in detail:
        end = detail.get("clock_end_ms")
        return detail["clock_ms"] / 1000, None if end is None else end / 1000
    at, total = datetime.fromisoformat(detail["arrived"]).timestamp(), detail.get("total_ms")
    return at, None if total is None else at + total / 1000


def _read_key(headers: Mapping[str, str]) -> str:
    """Return the id of the API key, empty for one that is a placeholder."""
    for name in _KEY_HEADERS:
        found = _MASKED_KEY.search(headers.get(name, ""))
        if found:
            return "" if found[1].lower().startswith(_PLACEHOLDERS) else found[2]
    return ""


def _read_cost(detail: Mapping[str, Any]) -> str:
    usd = str(_get_mapping(detail, "charged").get("usd") or "")
    return usd if usd.strip("0.") else ""


def _get_mapping(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


_TEXTS = (
    *("id", "session", "vendor", "model", "method", "path"),
    *("ended", "fault", "digest"),
)
