"""Logical calls: requests grouped into the attempts of one call, as far as they can be told apart.

An attempt follows another one of the same session and vendor
1. if both have the same Idempotency-Key;
2. if the path, the key, the client library and the body are equal, and its retry count (x-stainless-retry-count) is the
   next higher one;
3. if all these are equal, without a count, and it comes soon after a failure: within RETRY_WINDOW seconds, or
   MAX_BACKOFF_FACTOR times the previous wait, after the time that Retry-After asks for.

If several attempts could be the previous one, the client gets the benefit of the doubt: the one whose Retry-After was
honoured, then the oldest one. Requests that were sent by hand are calls of their own. A link of the third kind is
uncertain if the client numbers its attempts, because then it says that this is a new call, or if equal requests
overlap, because then several clients send them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from mockserver.report.attempt_facts import AttemptFacts

RETRY_WINDOW = 10.0  # seconds
MAX_BACKOFF_FACTOR = 4  # of a wait over the previous one: few clients back off faster
HONOURED = 0.9  # the part of a Retry-After after which it counts as honoured
CLOCK_TOLERANCE = 0.005  # seconds
_MAX_CANDIDATES = 50  # calls of which a request may be the next attempt
_LATE_DISCONNECT = 1.0  # seconds until a server notices that a client has left

Certainty = Literal["certain", "sequential", "doubtful"]


class Wait(NamedTuple):
    """The time between two attempts, in seconds: since the end of `previous`, and as Retry-After counts."""

    previous: AttemptFacts
    following: AttemptFacts
    certainty: Certainty
    seconds: float
    since_request: float

    @property
    def is_too_short(self) -> bool:
        """Return whether a Retry-After was shortened by more than a tenth."""
        requested = self.previous.retry_after
        return requested is not None and self.since_request < requested * HONOURED - CLOCK_TOLERANCE


@dataclass(slots=True)
class LogicalCall:
    """The attempts of one call, in the order of arrival.

    `links` has the certainty of the link to each attempt but the first: "certain"; "sequential", if the client says
    that it is a new call; "doubtful", if equal requests overlap.
    """

    attempts: list[AttemptFacts]
    links: list[Certainty] = field(default_factory=list)

    @property
    def first(self) -> AttemptFacts:
        """Return the first attempt."""
        return self.attempts[0]

    @property
    def last(self) -> AttemptFacts:
        """Return the last attempt."""
        return self.attempts[-1]

    @property
    def waits(self) -> list[Wait]:
        """Return the waits between the attempts."""
        pairs = zip(pairwise(self.attempts), self.links, strict=True)
        return [_measure_wait(previous, following, link) for (previous, following), link in pairs]

    def append(self, attempt: AttemptFacts, link: Certainty) -> None:
        """Add the next attempt."""
        self.attempts.append(attempt)
        self.links.append(link)

    def extend(self, call: LogicalCall, link: Certainty) -> None:
        """Add the attempts of another call, whose first one follows the last one of this call."""
        self.attempts += call.attempts
        self.links += [link, *call.links]


def group_calls(attempts: Iterable[AttemptFacts]) -> list[LogicalCall]:
    """Group attempts, in the order of arrival, into calls, in the order of their first attempts."""
    numbered: list[LogicalCall] = []
    by_key: dict[tuple[str, ...], LogicalCall] = {}
    by_body: dict[tuple[str, ...], list[LogicalCall]] = defaultdict(list)
    for attempt in attempts:
        body_key = _get_body_key(attempt)
        own = attempt.id if attempt.is_by_hand else ""
        key = attempt.session, attempt.vendor, attempt.idempotency_key, own
        known = by_key.get(key) or _find_lower_count(attempt, by_body[body_key][-_MAX_CANDIDATES:])
        if known is not None:
            known.append(attempt, "certain")
            continue
        call = LogicalCall([attempt])
        numbered.append(call)
        by_body[body_key].append(call)
        if attempt.idempotency_key:
            by_key[key] = call
    joined = {id(one) for calls in by_body.values() for one in _join_equal_bodies(calls)}
    return [call for call in numbered if id(call) not in joined]


def _get_body_key(attempt: AttemptFacts) -> tuple[str, ...]:
    # The body of a request without a vendor is unknown, and what is sent by hand is no retry.
    own = attempt.id if attempt.is_by_hand or not attempt.vendor else ""
    return (
        *(attempt.session, attempt.vendor, attempt.method, attempt.path, attempt.digest),
        *(attempt.sender, attempt.idempotency_key, own),
    )


def _find_lower_count(attempt: AttemptFacts, calls: Sequence[LogicalCall]) -> LogicalCall | None:
    """Return the call whose last attempt has the next lower count: one that failed, if there is one.

    An attempt in between may be missing, if its connection failed before the request was sent.
    """
    counts = [call.last.retry_count for call in calls if call.last.retry_count < attempt.retry_count]
    candidates = [call for call in calls if counts and call.last.retry_count == max(counts)]
    # After a timeout the retry may arrive before the server has noticed that the client has left.
    failed = [call for call in candidates if call.last.end is None or call.last.is_failure]
    recent = [
        call for call in candidates if call.last.end is not None and attempt.at - call.last.end < RETRY_WINDOW
    ]
    return _choose_previous(failed or recent, attempt)


def _join_equal_bodies(calls: Sequence[LogicalCall]) -> Iterator[LogicalCall]:
    """Join the calls with equal bodies that follow a failure; yield those that now belong to another one."""
    failed: list[LogicalCall] = []
    is_concurrent = _do_overlap([one for call in calls for one in call.attempts])
    for call in calls:
        candidates = [one for one in failed[-_MAX_CANDIDATES:] if _may_follow(one, call.first)]
        previous = _choose_previous(candidates, call.first)
        if previous is None:
            if call.last.is_failure:
                failed.append(call)
            continue
        link: Certainty = "sequential" if call.first.is_numbered else "certain"
        previous.extend(call, "doubtful" if is_concurrent else link)
        yield call


def _may_follow(call: LogicalCall, attempt: AttemptFacts) -> bool:
    """Return whether a request without a retry count may be the next attempt of a call."""
    last = call.last
    if attempt.retry_count or last.retry_count or not last.is_failure or last.end is None:
        return False
    if attempt.at < last.end - (_LATE_DISCONNECT if last.ended == "left" else CLOCK_TOLERANCE):
        return False
    waits = [_measure_wait(*pair, "certain").seconds for pair in pairwise(call.attempts[-2:])]
    longest = max([RETRY_WINDOW, *(seconds * MAX_BACKOFF_FACTOR for seconds in waits)])
    return attempt.at - last.end <= longest + (last.retry_after or 0.0)


def _choose_previous(calls: Sequence[LogicalCall], attempt: AttemptFacts) -> LogicalCall | None:
    """Return the call that a request continues, in favour of the client; None without candidates."""
    honoured = [call for call in calls if not _measure_wait(call.last, attempt, "certain").is_too_short]
    return next(iter(honoured or calls), None)


def _measure_wait(previous: AttemptFacts, following: AttemptFacts, certainty: Certainty) -> Wait:
    end = following.at if previous.end is None else min(previous.end, following.at)
    return Wait(
        previous,
        following,
        certainty,
        following.at - end,
        following.at - min(previous.retry_from, following.at),
    )


def _do_overlap(attempts: list[AttemptFacts]) -> bool:
    """Return whether a request arrived before the end of an equal one, which its client had not left."""
    latest = float("-inf")
    for one in sorted(attempts, key=lambda each: each.at):
        if one.at < latest - CLOCK_TOLERANCE:
            return True
        end = float("inf") if one.end is None else one.end
        latest = max(latest, end - _LATE_DISCONNECT if one.ended == "left" else end)
    return False
