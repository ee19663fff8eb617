"""The rules about a session: keys, refusals, tool calls, prompts, and how clients use what they received."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mockserver.report.attempt_facts import AttemptFacts
from mockserver.report.call_rules import LONG_RETRY_AFTER, PERMANENT_STATUSES, TEMPORARY_STATUSES
from mockserver.report.finding import Observation, SessionLog, format_seconds
from mockserver.report.logical_calls import LogicalCall
from mockserver.schema.messages import format_count

REFUSALS = (402, 403)
MAX_REFUSED = 3  # requests after the first refusal
SILENCE = 60.0  # seconds
SAME_WAIT = 0.02  # the largest difference of equal waits, as a part of the longest one
MIN_JITTERED_CALLS = 3
MIN_WAIT = 0.1  # seconds; shorter waits are no backoff, with or without jitter
FAILOVER_WINDOW = 60.0  # seconds
MAX_EQUAL_PROMPTS, EQUAL_PROMPTS_WINDOW = 5, 60.0  # calls, seconds


def find_requests_after_refusal(log: SessionLog) -> Iterator[Observation]:
    """Find requests that went on although each was refused with 402 or 403."""
    retries = {
        wait.following.id
        for call in log.calls
        for wait in call.waits
        if wait.certainty == "certain" and wait.previous.status in PERMANENT_STATUSES
    }
    refused: dict[tuple[str, str], list[AttemptFacts]] = defaultdict(list)
    for one in log.attempts:
        streak = refused[one.vendor, one.sender]
        if one.status < 400:
            yield from _observe_refusals(streak)
            streak.clear()
        elif one.status in REFUSALS and one.id not in retries and _is_next_refusal(streak, one):
            streak.append(one)
    for streak in refused.values():
        yield from _observe_refusals(streak)


def _is_next_refusal(streak: Sequence[AttemptFacts], attempt: AttemptFacts) -> bool:
    """Return whether a refused request continues a streak: sent after its first answer, for the same model if 403."""
    if not streak:
        return True
    first = streak[0]
    is_same = attempt.status == 402 or attempt.model == first.model
    return is_same and attempt.status == first.status and first.end is not None and attempt.at >= first.end


def _observe_refusals(streak: Sequence[AttemptFacts]) -> Iterator[Observation]:
    if len(streak) > MAX_REFUSED:
        message = f"{len(streak) - 1} more requests after {streak[0].status}, all refused"
        yield Observation(tuple(streak), message)


def find_keys_at_other_vendors(log: SessionLog) -> Iterator[Observation]:
    """Find API keys that were sent to more than one vendor."""
    first_uses: dict[str, dict[str, AttemptFacts]] = defaultdict(dict)
    for one in log.attempts:
        if one.key and one.vendor:
            first_uses[one.key].setdefault(one.vendor, one)
    for key, by_vendor in first_uses.items():
        if len(by_vendor) > 1:
            yield Observation([*by_vendor.values()], f"the key {key} was sent to {' and '.join(by_vendor)}")


def find_open_tool_calls(log: SessionLog) -> Iterator[Observation]:
    """Find tool calls without a result in requests whose conversation goes on; each once."""
    reported: set[str] = set()
    for one in log.attempts:
        new = [call for call in one.prompt.open_tool_calls if call not in reported]
        if new:
            reported.update(new)
            yield Observation([one], f"the conversation goes on without the result of {', '.join(new[:3])}")


def find_missing_jitter(log: SessionLog) -> Iterator[Observation]:
    """Find calls that all waited equally long before they tried again."""
    firsts = [
        call.waits[0]
        for call in log.calls
        if call.links and call.first.retry_after is None and "doubtful" not in call.links
    ]
    waits = [wait for wait in firsts if wait.seconds >= MIN_WAIT]
    seconds = [wait.seconds for wait in waits]
    if len(waits) >= MIN_JITTERED_CALLS and max(seconds) - min(seconds) <= SAME_WAIT * max(seconds):
        shown = f"{format_seconds(min(seconds))} to {format_seconds(max(seconds))}"
        yield Observation([wait.following for wait in waits], f"{len(waits)} calls waited {shown}")


def find_early_give_ups(log: SessionLog) -> Iterator[Observation]:
    """Find calls with one attempt that a retry would probably have saved."""
    moved = {id(first) for first, _ in _iter_failovers(log)}
    for call in log.calls:
        one = call.first
        is_temporary = one.status in TEMPORARY_STATUSES or one.is_lost_connection
        if len(call.attempts) == 1 and is_temporary and one.method == "POST" and id(call) not in moved:
            is_long = one.retry_after is not None and one.retry_after > LONG_RETRY_AFTER
            if one.should_retry is not False and not is_long:
                cause = "a lost connection" if one.is_lost_connection else str(one.status)
                yield Observation([one], f"gave up after {cause}")


def find_missing_timeouts(log: SessionLog) -> Iterator[Observation]:
    """Find clients that keep a silent connection open."""
    for one in log.attempts:
        end = log.now if one.end is None else one.end
        is_silent = one.fault.startswith("hang") and one.ended in ("", "closed")
        if is_silent and end - one.last_sent > SILENCE:
            yield Observation(
                [one], f"the connection was open after {format_seconds(end - one.last_sent)} of silence"
            )


def find_partial_answers(log: SessionLog) -> Iterator[Observation]:
    """Find incomplete answers that a later request repeats as if they were complete."""
    partial: dict[str, AttemptFacts] = {}
    complete: set[str] = set()
    for one in log.attempts:
        for digest in one.prompt.answers & partial.keys():
            if digest not in complete:
                first = partial.pop(digest)
                yield Observation([first, one], f"the next request treats {_describe_cut(first)} as complete")
        if one.answer.text:
            if _describe_cut(one):
                partial[one.answer.text] = one
            else:
                complete.add(one.answer.text)


def _describe_cut(attempt: AttemptFacts) -> str:
    """Return how an answer is incomplete, through no act of the client; empty if it is complete."""
    answer = attempt.answer
    if answer.is_cut_by_limit:
        return "an answer cut by the token limit"
    if answer.has_error_event:
        return "a stream with an error event"
    is_broken = attempt.ended in ("dropped", "finished") or attempt.is_damaged
    is_cut = attempt.is_stream and not answer.finish_reason and is_broken
    return "a cut stream" if is_cut else ""


def find_paid_streams(log: SessionLog) -> Iterator[Observation]:
    """Find charged streams that the client closed after the first text."""
    for one in log.attempts:
        if one.is_stream and one.ended == "left" and one.answer.text and one.cost and not one.fault:
            yield Observation([one], f"closed the stream early and paid ${one.cost}")


def find_failovers(log: SessionLog) -> Iterator[Observation]:
    """Find calls that another vendor answered after a failure."""
    for failed, moved in _iter_failovers(log):
        start, end = failed.first, moved.first
        names = f"from {start.vendor} to {end.vendor}"
        after = (
            f"after {format_seconds(end.at - start.at)} and {format_count(len(failed.attempts), 'attempt')}"
        )
        later = (one for one in log.attempts if one.at > end.at and one.vendor == start.vendor)
        back = next(later, None)
        returned = f"back after {format_seconds(back.at - end.at)}" if back else "not back since"
        yield Observation([start, end, *([back] if back else [])], f"moved {names} {after}, {returned}")


def _iter_failovers(log: SessionLog) -> Iterator[tuple[LogicalCall, LogicalCall]]:
    """Yield each failed call with the call that repeats its prompt at another vendor soon after it."""
    by_prompt: dict[str, list[LogicalCall]] = defaultdict(list)
    for call in log.calls:
        if call.first.prompt.digest:
            by_prompt[call.first.prompt.digest].append(call)
    for calls in by_prompt.values():
        for failed, moved in pairwise(calls):
            end = failed.last.end
            is_soon = end is not None and 0 <= moved.first.at - end <= FAILOVER_WINDOW
            if is_soon and failed.last.is_failure and moved.first.vendor != failed.first.vendor:
                yield failed, moved


def find_equal_prompts(log: SessionLog) -> Iterator[Observation]:
    """Find calls with equal bodies in a short time."""
    by_body: dict[tuple[str, str, str], list[AttemptFacts]] = defaultdict(list)
    for call in log.calls:
        one = call.first
        if one.method == "POST" and one.vendor:
            by_body[one.vendor, one.path, one.digest].append(one)
    for equal in by_body.values():
        found = next(_iter_bursts(equal), None)
        if found:
            seconds = format_seconds(found[-1].at - found[0].at)
            yield Observation(found, f"{len(found)} equal prompts in {seconds}")


def _iter_bursts(attempts: Sequence[AttemptFacts]) -> Iterator[list[AttemptFacts]]:
    for index, last in enumerate(attempts[MAX_EQUAL_PROMPTS - 1 :]):
        end = attempts[index].at + EQUAL_PROMPTS_WINDOW
        if last.at <= end:
            yield [one for one in attempts[index:] if one.at <= end]
