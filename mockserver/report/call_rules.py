"""The rules about one call: how often, how soon and after what a client tries again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mockserver.report.attempt_facts import AttemptFacts
from mockserver.report.finding import Observation, SessionLog, format_seconds
from mockserver.report.logical_calls import LogicalCall, Wait

PERMANENT_STATUSES = (400, 401, 402, 403, 404, 422)
TEMPORARY_STATUSES = (429, 503)
MAX_ATTEMPTS = 10
MAX_ATTEMPTS_PER_SECOND = 5
IMMEDIATE = 0.1  # seconds; a shorter wait counts as none
MIN_CONSTANT_WAITS = 3
MIN_GROWTH = 1.4  # of the longest wait over the shortest one, to count as backoff
LONG_RETRY_AFTER = 60.0  # seconds

CallRule = Callable[[LogicalCall], Iterator[Observation]]


def observe_each_call(rule: CallRule) -> Callable[[SessionLog], Iterator[Observation]]:
    """Return a rule about a session from one about a call."""

    def observe(log: SessionLog) -> Iterator[Observation]:
        for call in log.calls:
            yield from rule(call)

    return observe


def find_short_waits(call: LogicalCall) -> Iterator[Observation]:
    """Find attempts that arrived before the Retry-After of the previous one had passed."""
    for wait in call.waits:
        if wait.is_too_short:
            requested = format_seconds(wait.previous.retry_after or 0.0)
            message = f"waited {format_seconds(wait.since_request)} of the {requested} of Retry-After"
            yield Observation((wait.previous, wait.following), message, wait.certainty == "doubtful")


def find_useless_retries(call: LogicalCall) -> Iterator[Observation]:
    """Find a call that was tried again after an error that a retry cannot change."""
    useless = [wait for wait in call.waits if _is_permanent(wait.previous)]
    if useless:
        statuses = ", ".join(dict.fromkeys(str(wait.previous.status) for wait in useless))
        message = f"tried again after {statuses}, {_format_times(len(useless))}"
        yield Observation(_list_attempts(useless), message, _is_uncertain(useless))


def find_many_attempts(call: LogicalCall) -> Iterator[Observation]:
    """Find a call with too many attempts, in all or within a second."""
    attempts, is_doubtful = call.attempts, "doubtful" in call.links
    if len(attempts) > MAX_ATTEMPTS:
        message = f"{len(attempts)} attempts in {format_seconds(call.last.at - call.first.at)}"
        yield Observation(attempts, message, is_doubtful)
        return
    for first, last in zip(attempts, attempts[MAX_ATTEMPTS_PER_SECOND:], strict=False):
        if last.at - first.at <= 1.0:
            message = f"{MAX_ATTEMPTS_PER_SECOND + 1} attempts in {format_seconds(last.at - first.at)}"
            yield Observation(attempts, message, is_doubtful)
            return


def find_double_charges(call: LogicalCall) -> Iterator[Observation]:
    """Find a call with several charged answers, none of which a fault has broken."""
    charged = [
        one for one in call.attempts if one.cost and not one.fault and one.ended in ("finished", "left")
    ]
    if len(charged) > 1:
        message = f"{len(charged)} charged answers: {', '.join(f'${one.cost}' for one in charged)}"
        yield Observation(charged, message, any(link != "certain" for link in call.links))


def find_retries_after_text(call: LogicalCall) -> Iterator[Observation]:
    """Find attempts after a stream that broke when its first text had been sent."""
    found = [
        wait
        for wait in call.waits
        if wait.previous.is_stream and wait.previous.answer.text and wait.previous.is_failure
    ]
    if found:
        message = f"sent again after text of the stream had been received, {_format_times(len(found))}"
        yield Observation(_list_attempts(found), message, _is_uncertain(found))


def find_missing_backoff(call: LogicalCall) -> Iterator[Observation]:
    """Find waits that are all short, or all alike, where no Retry-After has set them."""
    waits = [wait for wait in call.waits if wait.previous.retry_after is None]
    seconds = [wait.seconds for wait in waits]
    is_constant = len(waits) >= MIN_CONSTANT_WAITS and max(seconds) < min(seconds) * MIN_GROWTH
    if is_constant or (len(waits) > 1 and max(seconds) < IMMEDIATE):
        shown = ", ".join(format_seconds(one) for one in seconds[:5])
        yield Observation(_list_attempts(waits), f"waited {shown} between the attempts")


def _is_permanent(attempt: AttemptFacts) -> bool:
    return (
        attempt.method == "POST" and attempt.status in PERMANENT_STATUSES and attempt.should_retry is not True
    )


def _is_uncertain(waits: Sequence[Wait]) -> bool:
    return not any(wait.certainty == "certain" for wait in waits)


def _list_attempts(waits: Sequence[Wait]) -> list[AttemptFacts]:
    """Return the attempts of waits, each once."""
    return list(dict.fromkeys(one for wait in waits for one in (wait.previous, wait.following)))


def _format_times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
