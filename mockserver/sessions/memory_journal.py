"""The journal in memory, bounded in entries and bytes: large bodies are dropped first, then others, then entries.

Each session may have a quarter of both while other sessions have entries, so that a busy session does not evict the
entries of the others; bodies of requests that have not ended are no part of it. All steps take the same time however
many entries there are: each entry is in a few ordered dictionaries, and the largest session is on a heap.
"""

from __future__ import annotations

import itertools
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush, heapreplace
from itertools import takewhile
from typing import cast

from mockserver.memoize import Memo
from mockserver.request.request_body import reduce_body
from mockserver.sessions.journal import (
    MAX_BYTES,
    Decision,
    DroppedBodies,
    JournalEntry,
    JournalListener,
    JournalSize,
)
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import PrerenderedAnswer, count_retained_bytes, find_prerendered

LARGE_BODY = 64 * 1024  # bytes; larger bodies are dropped first
_ENTRY_OVERHEAD = 1_000  # bytes of an entry without its head and bodies
_SESSION_SHARE = 4  # a session may have one of so many parts
_MAX_QUOTA_EVICTIONS = 500  # entries that one request evicts from sessions beyond their quota
_HEAP_SLACK = 1_000  # outdated sizes of sessions
_MAX_COUNTS = 20_000  # sessions whose evictions are counted; those evicted least recently are forgotten
_REMAINS = "remains"  # the key of a large body's remains in the memo of an entry

Entries = OrderedDict[str, JournalEntry]


class _EntryLog:
    """The entries of one session or of all, in order: of arrival, or of their end for those with bodies.

    `open_bytes` are those of `bytes` that are in use: the bodies of requests that have not ended. They and the entries
    with bodies are tracked only after the journal has grown beyond the share of one session.
    """

    __slots__ = ("bytes", "entries", "large_bodies", "open_bytes", "session", "small_bodies")

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.bytes = self.open_bytes = 0
        self.entries: Entries = OrderedDict()
        self.large_bodies: Entries = OrderedDict()
        self.small_bodies: Entries = OrderedDict()

    def add_bodies(self, entry: JournalEntry, size: int) -> None:
        """Note that the bodies of an entry, of this size in bytes, can be dropped."""
        bodies = self.large_bodies if size > LARGE_BODY else self.small_bodies
        bodies[entry.arrival.id] = entry
        self.open_bytes -= size

    def remove_bodies(self, entry: JournalEntry) -> None:
        """Note that the bodies of an entry are dropped, or evicted with it."""
        was_closed = self.large_bodies.pop(entry.id, None) or self.small_bodies.pop(entry.id, None)
        if not was_closed and not entry.dropped:
            self.open_bytes -= count_body_bytes(entry)

    @property
    def kept_bytes(self) -> int:
        """Return the bytes that the journal alone keeps."""
        return self.bytes - self.open_bytes

    def oldest_bodies(self) -> JournalEntry | None:
        """Return the entry whose bodies are to be dropped first, None if there are none."""
        return next(iter((self.large_bodies or self.small_bodies).values()), None)


_NO_ENTRIES = _EntryLog()


class _LargestFirst:
    """The sessions by their number of entries, or by their bytes; the largest is found without a search.

    The heap is empty until it is first needed; while it is, growth need not be noted.
    """

    def __init__(self, *, by_bytes: bool) -> None:
        self._by_bytes = by_bytes
        self.heap: list[tuple[int, str]] = []

    def note_growth(self, log: _EntryLog, logs: Mapping[str, _EntryLog]) -> None:
        """Note that a session has grown."""
        heappush(self.heap, (-self._measure(log), log.session))
        if len(self.heap) > 4 * len(logs) + _HEAP_SLACK:  # most sizes are outdated
            self._fill(logs)

    def find_largest(self, logs: Mapping[str, _EntryLog]) -> _EntryLog:
        """Return the largest of the sessions, of which there is at least one."""
        if not self.heap:
            self._fill(logs)
        while True:
            noted, session = self.heap[0]
            log = logs.get(session)
            if log is None:
                heappop(self.heap)
            elif self._measure(log) == -noted:
                return log
            else:  # it has shrunk since
                heapreplace(self.heap, (-self._measure(log), session))

    def _measure(self, log: _EntryLog) -> int:
        return log.bytes if self._by_bytes else len(log.entries)

    def _fill(self, logs: Mapping[str, _EntryLog]) -> None:
        self.heap = [(-self._measure(log), session) for session, log in logs.items()]
        heapify(self.heap)


class MemoryJournal:
    """A journal in this process, bounded in entries and in bytes."""

    def __init__(self, max_entries: int = 10_000, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._listeners: list[JournalListener] = []
        self._numbers = itertools.count(1)
        self._last_ended: JournalEntry | None = None  # the entry closed last
        self._all = _EntryLog()
        self._sessions: dict[str, _EntryLog] = {}
        self._over_quota: set[str] = set()  # sessions that have grown beyond it while they were alone
        self._tracks_bodies = False  # whether the logs know which bodies can be dropped
        self._by_entries, self._by_bytes = _LargestFirst(by_bytes=False), _LargestFirst(by_bytes=True)
        self._prerendered_uses: dict[PrerenderedAnswer, int] = {}  # the number of entries that share each
        self._shared_bytes = 0  # of prerendered answers
        self._evicted = 0
        self._evicted_by_session: OrderedDict[str, int] = OrderedDict()  # since the session was last cleared
        self._evicted_since_clear = 0

    def subscribe(self, listener: JournalListener) -> None:
        """Call a function at each step of every entry from now on."""
        self._listeners.append(listener)

    async def open(self, entry: JournalEntry) -> None:
        """Add and number an entry, and evict others beyond the bounds."""
        if self._last_ended is not None:
            self._free_last_ended(self._last_ended)
        entry.number = next(self._numbers)
        arrival = entry.arrival
        log = self._sessions.get(arrival.session)
        if log is None:
            log = self._sessions[arrival.session] = _EntryLog(arrival.session)
        body_size = len(arrival.request.raw) if arrival.request else 0
        entry.size = size = _ENTRY_OVERHEAD + arrival.head.size + body_size
        everything = self._all
        log.entries[arrival.id] = everything.entries[arrival.id] = entry
        log.bytes += size
        everything.bytes += size
        if self._tracks_bodies:
            log.open_bytes += body_size
            everything.open_bytes += body_size
        if self._by_entries.heap:
            self._by_entries.note_growth(log, self._sessions)
        if self._by_bytes.heap:
            self._by_bytes.note_growth(log, self._sessions)
        if (
            len(everything.entries) > self.max_entries // _SESSION_SHARE
            or everything.bytes + self._shared_bytes > self.max_bytes // _SESSION_SHARE
        ):
            self._evict(log)
        for listener in self._listeners:
            listener("arrived", entry)

    async def decide(self, entry: JournalEntry, decision: Decision) -> None:
        """Record the decision, and evict others beyond the bounds."""
        entry.decision = decision
        log = self._sessions.get(entry.arrival.session)
        if log is not None and entry.arrival.id in log.entries:  # it may have been evicted in the meantime
            everything = self._all
            added = self._retain(decision.answer)
            if decision.intended_answer is not None:
                added += self._retain(decision.intended_answer)
            entry.size += added
            log.bytes += added
            everything.bytes += added
            if self._tracks_bodies:
                log.open_bytes += added
                everything.open_bytes += added
            if self._by_bytes.heap:
                self._by_bytes.note_growth(log, self._sessions)
            if entry.size > LARGE_BODY:
                self._keep_remains(entry)
            if everything.bytes + self._shared_bytes > self.max_bytes // _SESSION_SHARE:
                self._evict(log)
        for listener in self._listeners:
            listener("decided", entry)

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        """Record the end. The bodies may be dropped when the next request arrives or ends."""
        entry.delivery = delivery
        # Until then the listeners and the charging of this request can use them.
        if self._last_ended is not None:
            self._free_last_ended(self._last_ended)
        self._last_ended = entry
        for listener in self._listeners:
            listener("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        """Return the entries of a session, or of all, with a number above `since`, the newest first."""
        log = self._all if session is None else self._find_log(session)
        return list(takewhile(lambda entry: entry.number > since, reversed(log.entries.values())))

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return the entry with this id, None if it does not exist or was evicted."""
        return self._all.entries.get(id)

    async def clear(self, session: str | None = None) -> int:
        """Remove the entries of a session, or of all, and return their number; their evictions are forgotten."""
        if session is None:
            count = len(self._all.entries)
            self._all, self._sessions, self._over_quota = _EntryLog(), {}, set()
            self._tracks_bodies = False
            self._by_entries, self._by_bytes = _LargestFirst(by_bytes=False), _LargestFirst(by_bytes=True)
            self._prerendered_uses, self._shared_bytes = {}, 0
            self._evicted_by_session, self._evicted_since_clear = OrderedDict(), 0
            return count
        removed = list(self._find_log(session).entries.values())
        for entry in removed:
            self._remove(entry)
        self._evicted_since_clear -= self._evicted_by_session.pop(session, 0)
        return len(removed)

    async def size(self) -> JournalSize:
        """Return the number of entries and of evicted ones."""
        return JournalSize(len(self._all.entries), self._evicted)

    async def count_evicted(self, session: str | None = None) -> int:
        """Return the number of entries of a session, or of all, that were evicted since it was last cleared."""
        return self._evicted_since_clear if session is None else self._evicted_by_session.get(session, 0)

    def _find_log(self, session: str) -> _EntryLog:
        return self._sessions.get(session) or _NO_ENTRIES

    def _free_last_ended(self, last: JournalEntry) -> None:
        """Drop the parsed body of the entry closed last, and let its bodies be dropped."""
        self._last_ended = None
        if last.arrival.request is not None:
            last.arrival.request.lazy_body.drop_parsed()
        if self._tracks_bodies:
            self._add_bodies(last)

    def _add_bodies(self, entry: JournalEntry) -> None:
        log = self._sessions.get(entry.arrival.session)
        if log is not None and entry.arrival.id in log.entries:
            size = count_body_bytes(entry)
            log.add_bodies(entry, size)
            self._all.add_bodies(entry, size)

    def _track_bodies(self) -> None:
        """Begin to keep account of the bodies; there are only so many entries as fit in the share of a session."""
        self._tracks_bodies = True
        for entry in self._all.entries.values():
            size = count_body_bytes(entry)
            self._sessions[entry.session].open_bytes += size
            self._all.open_bytes += size
            if entry.delivery is not None and entry is not self._last_ended:
                self._add_bodies(entry)

    def _evict(self, log: _EntryLog) -> None:
        """Drop bodies and evict entries until the bounds are met; `log` is of the session that has grown.

        Until all sessions together have grown beyond the share of one, there is nothing to do.
        """
        everything = self._all
        max_entries, max_bytes = max(self.max_entries // _SESSION_SHARE, 1), self.max_bytes // _SESSION_SHARE
        if not self._tracks_bodies and everything.bytes + self._shared_bytes > max_bytes:
            self._track_bodies()
        if len(log.entries) > max_entries or log.bytes > max_bytes:
            self._over_quota.add(log.session)
        if self._over_quota and len(self._sessions) > 1:
            for session in tuple(self._over_quota):
                self._enforce_quota(session, max_entries, max_bytes)
        if everything.bytes + self._shared_bytes > self.max_bytes:
            self._drop_bodies(everything, self.max_bytes - self._shared_bytes - everything.open_bytes)
        # The newest entry stays, whatever its size: a test must find the request that it has just made.
        while len(everything.entries) > 1 and (
            len(everything.entries) > self.max_entries
            or everything.bytes + self._shared_bytes > self.max_bytes
        ):
            self._evict_oldest(self._choose_log())

    def _enforce_quota(self, session: str, max_entries: int, max_bytes: int) -> None:
        """Drop bodies and evict entries of a session beyond its share, a bounded number of them."""
        log = self._sessions[session]
        self._drop_bodies(log, max_bytes)
        for _ in range(_MAX_QUOTA_EVICTIONS):
            if len(log.entries) == 1 or (len(log.entries) <= max_entries and log.kept_bytes <= max_bytes):
                self._over_quota.discard(session)
                break
            self._evict_oldest(log)  # the rest is evicted by the requests that follow

    def _drop_bodies(self, log: _EntryLog, max_bytes: int) -> None:
        while log.kept_bytes > max_bytes:
            entry = log.oldest_bodies()
            if entry is None:
                break
            self._drop_bodies_of(entry)

    def _drop_bodies_of(self, entry: JournalEntry) -> None:
        """Drop the bodies of the request and its answer; the last user message and the digest remain."""
        arrival, decision = entry.arrival, cast(Decision, entry.decision)  # it has ended
        request = arrival.request
        log = self._sessions[arrival.session]
        for each in (log, self._all):
            each.remove_bodies(entry)
        digest, is_whole, kept = "", True, 0
        if request is not None:
            remains = entry.memo.pop(_REMAINS, None) or reduce_body(request.unparsed_copy().lazy_body)
            lazy_body, is_whole = remains
            kept = len(lazy_body.parsed.last_user_text)
            digest = compute_body_digest(request.raw)
            reduced = replace(request, raw=b"", lazy_body=lazy_body, memo=Memo())
            entry.arrival = replace(arrival, request=reduced)
        for answer in _list_answers(decision):
            self._release(answer)
        answer = replace(decision.answer, frames=())
        entry.decision = replace(decision, answer=answer, intended_answer=None, response=None)
        entry.dropped = DroppedBodies(digest, is_whole)
        freed = count_body_bytes(entry) - kept
        entry.size -= freed
        for each in (log, self._all):
            each.bytes -= freed

    def _keep_remains(self, entry: JournalEntry) -> None:
        """Keep the remains of a large body while it is parsed, so that dropping it takes no time."""
        request = entry.arrival.request
        if request is not None and len(request.raw) > LARGE_BODY:
            entry.memo[_REMAINS] = reduce_body(request.lazy_body)

    def _choose_log(self) -> _EntryLog:
        """Return the log of the largest session, in entries or in bytes; never that of the newest entry alone."""
        exceeds_entries = len(self._all.entries) > self.max_entries
        log = (self._by_entries if exceeds_entries else self._by_bytes).find_largest(self._sessions)
        newest = next(reversed(self._all.entries.values()))
        if len(log.entries) > 1 or newest.arrival.id not in log.entries:
            return log
        return self._sessions[next(iter(self._all.entries.values())).arrival.session]

    def _evict_oldest(self, log: _EntryLog) -> None:
        entry = next(iter(log.entries.values()))
        self._remove(entry)
        counts = self._evicted_by_session
        counts[entry.session] = counts.pop(entry.session, 0) + 1
        if len(counts) > _MAX_COUNTS:
            counts.popitem(last=False)
        self._evicted += 1
        self._evicted_since_clear += 1

    def _remove(self, entry: JournalEntry) -> None:
        log = self._sessions[entry.session]
        for each in (log, self._all):
            del each.entries[entry.id]
            if self._tracks_bodies:
                each.remove_bodies(entry)
            each.bytes -= entry.size
        if not log.entries:
            del self._sessions[entry.session]
            self._over_quota.discard(entry.session)
        if entry.decision is not None:
            for answer in _list_answers(entry.decision):
                self._release(answer)

    def _release(self, answer: Answer) -> None:
        """Undo `_retain`."""
        prerendered = find_prerendered(answer.frames)
        if prerendered is not None:
            self._prerendered_uses[prerendered] -= 1
            if not self._prerendered_uses[prerendered]:
                del self._prerendered_uses[prerendered]
                self._shared_bytes -= prerendered.size

    def _retain(self, answer: Answer) -> int:
        """Count one more use of a shared prerendered answer, and its bytes if it is the first.

        Return the bytes that the answer has for itself.
        """
        prerendered = find_prerendered(answer.frames)
        if prerendered is not None:
            uses = self._prerendered_uses.get(prerendered, 0)
            self._prerendered_uses[prerendered] = uses + 1
            if not uses:
                self._shared_bytes += prerendered.size
        return count_retained_bytes(answer.frames)


def count_body_bytes(entry: JournalEntry) -> int:
    """Return the bytes of an entry's bodies: of the request and of its answers."""
    return entry.size - _ENTRY_OVERHEAD - entry.arrival.head.size


def compute_body_digest(raw: bytes) -> str:
    """Return a text that is equal for equal bodies."""
    return f"{zlib.crc32(raw):08x}"


def _list_answers(decision: Decision) -> tuple[Answer, ...]:
    """Return the answer of a decision, and the one before its fault, if it has one."""
    intended = decision.intended_answer
    return (decision.answer,) if intended is None else (decision.answer, intended)
