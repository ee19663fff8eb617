"""The outcomes of answers and faults in the OpenAI SDK for Python, as measured with its default of two retries.

`sdk_outcomes.json` has the measured outcomes by release of the SDK, by vendor profile and version, by status, and by
fault and its point. `tests/interop/run measure` measures them and writes the file and docs/sdk-exceptions.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson

from mockserver.admin.received_chunks import count_received_chunks, has_bare_event
from mockserver.schema.messages import format_count
from mockserver.schema.yaml_document import read_text_file
from mockserver.vendors.profile import VendorProfile
from mockserver.wire.answer import Answer, Ending, index_headers
from mockserver.wire.sse import is_last_event

TABLE_FILE = Path(__file__).with_name("sdk_outcomes.json")


@dataclass(frozen=True, slots=True)
class SdkOutcome:
    """The outcome for a caller of the SDK: an exception by its name, and the number of attempts.

    `chunks` is the number of a stream's content chunks received before its end; None where it makes no difference.
    `bare` is true if the caller receives an object whose `choices` are None.
    """

    exception: str | None = None
    attempts: int = 1
    chunks: int | None = None
    bare: bool = False

    def __str__(self) -> str:
        received = [] if self.chunks is None else [format_count(self.chunks, "chunk")]
        retried = f" ×{self.attempts}" if self.attempts > 1 else ""
        bare = ["`choices=None`"] if self.bare else []
        return ", ".join([*received, *bare, (self.exception or "no error") + retried])


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """The measured outcomes.

    `points` are the fault points of the columns, `chunk_count` the content chunks of the measured stream. `releases`
    has the measured version of each major release, the newest first. `error_keys` states of each measured profile
    whether its errors have the key `error`. `statuses` has the outcomes by release, profile, status and form ("body"
    or "stream"); `faults` by release, profile, fault and form, one for each point.
    """

    points: tuple[str, ...]
    chunk_count: int
    releases: Mapping[str, str]
    error_keys: Mapping[str, bool]
    statuses: Mapping[str, Mapping[str, Mapping[str, Mapping[str, SdkOutcome]]]]
    faults: Mapping[str, Mapping[str, Mapping[str, Mapping[str, tuple[SdkOutcome, ...]]]]]

    def choose_profile(self, profile: VendorProfile) -> str:
        """Return the measured profile with the same errors: of the same name and version, or of the same form."""
        name = profile_key(profile)
        has_key = has_error_key(profile)
        return (
            name if name in self.error_keys else next(k for k, v in self.error_keys.items() if v is has_key)
        )


def profile_key(profile: VendorProfile) -> str:
    """Return the name of a profile in the table: its name, and the version of its errors if it has one."""
    return f"{profile.name}@{profile.errors}" if profile.errors else profile.name


def has_error_key(profile: VendorProfile) -> bool:
    """Return whether the errors of a vendor have the key `error`, by which the SDK knows them in a stream."""
    return "error" in profile.refusal.body


@cache
def load_outcome_table(path: Path = TABLE_FILE) -> OutcomeTable:
    """Load the measured outcomes, when they are first needed."""
    stored: dict[str, Any] = orjson.loads(read_text_file(path))
    outcomes = [SdkOutcome(*values) for values in stored["outcomes"]]

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: resolve(part) for key, part in value.items()}
        return outcomes[value] if isinstance(value, int) else tuple([outcomes[index] for index in value])

    return OutcomeTable(
        tuple(stored["points"]),
        stored["chunk_count"],
        stored["releases"],
        stored["error_keys"],
        resolve(stored["statuses"]),
        resolve(stored["faults"]),
    )


def find_sdk_outcomes(
    profile: VendorProfile, answer: Answer, intended: Answer | None, fault: str, *, stream: bool
) -> dict[str, SdkOutcome]:
    """Return the outcome in each release of the SDK, the newest first; empty if it was not measured.

    `intended` is the answer before the fault (`""`: none).
    """
    table = load_outcome_table()
    measured = table.choose_profile(profile)
    form = "stream" if stream else "body"
    pair = _AnswerPair(answer, intended or answer)
    found: dict[str, SdkOutcome] = {}
    for release in table.releases:
        outcome = _fault_outcome(table, table.faults[release][measured], pair, fault, form)
        dropped = outcome.exception in _CONNECTION_ERRORS
        if answer.status >= 400 and answer.head and not (dropped and not stream):
            if dropped:
                return {}
            outcome = _status_outcome(table.statuses[release][measured], answer.status, form)
        found[release] = outcome
    return found


def _status_outcome(statuses: Mapping[str, Mapping[str, SdkOutcome]], status: int, form: str) -> SdkOutcome:
    known = statuses.get(str(status)) or statuses["500" if status >= 500 else "402"]
    return known[form]


class _AnswerPair:
    """An answer and the one before its fault, with the chunks that a client receives of each, counted once."""

    def __init__(self, answer: Answer, intended: Answer) -> None:
        self.answer = answer
        self.intended = intended

    @cached_property
    def received(self) -> int:
        """Return the number of content chunks received of the answer."""
        return count_received_chunks(self.answer)

    @cached_property
    def intended_chunks(self) -> int:
        """Return the number of content chunks received of the answer before its fault."""
        return count_received_chunks(self.intended)


def _fault_outcome(
    table: OutcomeTable,
    rows: Mapping[str, Mapping[str, tuple[SdkOutcome, ...]]],
    pair: _AnswerPair,
    fault: str,
    form: str,
) -> SdkOutcome:
    answer, name = pair.answer, re.split("[=@]", fault)[0]
    after_head = "@" in fault and answer.head
    if name not in rows or (after_head and _is_received_whole(answer)):
        return SdkOutcome(bare=form == "stream" and has_bare_event(answer))
    outcome = at_once = rows[name][form][0]
    if after_head:
        later = rows[name][form][table.points.index(_find_column(pair, form))]
        # A fault without effect on a stream in progress must have been applied before it began.
        outcome = at_once if _is_harmless(later, table) else later
    if form == "body" or outcome.chunks is None:
        return outcome
    is_whole = _is_clean(outcome) and pair.received >= pair.intended_chunks
    return replace(outcome, chunks=None if is_whole else pair.received)


def _is_harmless(outcome: SdkOutcome, table: OutcomeTable) -> bool:
    return _is_clean(outcome) and outcome.chunks in (None, table.chunk_count)


def _is_clean(outcome: SdkOutcome) -> bool:
    return outcome.exception is None and not outcome.bare


def _find_column(pair: _AnswerPair, form: str) -> str:
    """Return the measured point that is like that of the fault, by what arrives before it."""
    if form == "body":
        return "@0" if _count_bytes(pair.answer) < _count_bytes(pair.intended) else "@1"
    if pair.received >= pair.intended_chunks:
        return "@5"
    return {0: "@0", 1: "@1"}.get(pair.received, "@3")


def _count_bytes(answer: Answer) -> int:
    return sum(len(frame.data) for frame in answer.frames if not frame.raw)


def _is_received_whole(answer: Answer) -> bool:
    """Return whether the connection breaks after the last byte that the SDK reads: the body's, or `[DONE]`."""
    if answer.ending is Ending.FINISH:
        return False
    if answer.streamed:
        return any(is_last_event(frame.data) for frame in answer.frames)
    return index_headers(answer.headers).get("content-length") == str(_count_bytes(answer))


def describe_sdk_outcomes(outcomes: Mapping[str, SdkOutcome]) -> str:
    """Return the outcome in the newest release as a short text, followed by the releases that differ."""
    texts = {release: describe_sdk_outcome(outcome) for release, outcome in outcomes.items()}
    newest = next(iter(texts.values()))
    others: dict[str, list[str]] = {}
    for release, text in texts.items():
        if text != newest:
            others.setdefault(text, []).append(release)
    return "; ".join([newest, *(f"SDK {' and '.join(names)}: {text}" for text, names in others.items())])


def describe_sdk_outcome(outcome: SdkOutcome) -> str:
    """Return the outcome as a short text."""
    if outcome.exception is None:
        return "no error, an object without choices" if outcome.bare else "no error"
    before = f", after {format_count(outcome.chunks, 'chunk')}" if outcome.chunks else ""
    return f"{outcome.exception}{before}" + (f", {outcome.attempts} attempts" if outcome.attempts > 1 else "")


# The exceptions of a dropped connection, which hide the status; the last ones are plain errors of httpx.
_CONNECTION_ERRORS = frozenset(
    ("APIConnectionError", "APITimeoutError", "ReadError", "RemoteProtocolError", "ReadTimeout")
)
