"""The journal in memory, bounded in entries and bytes: large bodies are dropped first, then others, then entries.

Each session may have a quarter of both while other sessions have entries, so that a busy session does not evict the
entries of the others; bodies of requests that have not ended are no part of it. All steps take the same time however
many entries there are: each entry is in a few ordered dictionaries, and the largest session is on a heap.
"""

from __future__ import annotations

import itertools
import zlib
from collections import OrderedDict, deque
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
from mockserver.wire.answer import Frame
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import PrerenderedAnswer, count_retained_bytes, find_prerendered

LARGE_BODY = 64 * 1024  # bytes; larger bodies are dropped first
_ENTRY_OVERHEAD = 1_000  # bytes of an entry without its head and bodies
_SESSION_SHARE = 4  # a session may have one of so many parts
_MAX_QUOTA_EVICTIONS = 500  # entries that one request evicts from sessions beyond their quota
_HEAP_SLACK = 1_000  # outdated sizes of sessions
_MAX_COUNTS = 20_000  # sessions whose evictions are counted; those evicted least recently are forgotten
_REMAINS = "remains"  # the key of a large body's remains in the memo of an entry


class _BodyLog:
    """The bytes of the entries of one session or of all, and those with bodies in the order of their end.

    `open_bytes` are those of `bytes` that are in use: the bodies of requests that have not ended. They and the ids of
    entries with bodies are tracked only after the journal has grown beyond the share of one session. The ids of
    entries without bodies are removed later.
    """

    __slots__ = ("bytes", "large_bodies", "open_bytes", "small_bodies")

    def __init__(self) -> None:
        self.bytes = self.open_bytes = 0
        self.large_bodies: deque[str] | None = None
        self.small_bodies: deque[str] | None = None

    def add_bodies(self, id: str, size: int) -> None:  # noqa: A002
        """Note that the bodies of an entry, of this size in bytes, can be dropped."""
        if size > LARGE_BODY:
            self.large_bodies = self.large_bodies or deque()
            self.large_bodies.append(id)
        else:
            self.small_bodies = self.small_bodies or deque()
            self.small_bodies.append(id)
        self.open_bytes -= size

    def find_oldest_bodies(self, entries: Mapping[str, JournalEntry]) -> JournalEntry | None:
        """Return the entry whose bodies are to be dropped first, None if there are none."""
        for bodies in (self.large_bodies, self.small_bodies):
            while bodies:
                entry = entries.get(bodies[0])
                if entry is not None and entry.dropped is None:
                    return entry
                bodies.popleft()
        return None

    def remove_evicted(self, entries: Mapping[str, JournalEntry]) -> None:
        """Remove the ids of evicted entries: the oldest ones, and the others if these are most of all."""
        for bodies in (self.large_bodies, self.small_bodies):
            while bodies and bodies[0] not in entries:
                bodies.popleft()
            if bodies and len(bodies) > 2 * len(entries):
                kept = [each for each in bodies if each in entries]
                bodies.clear()
                bodies.extend(kept)

    @property
    def kept_bytes(self) -> int:
        """Return the bytes that the journal alone keeps."""
        return self.bytes - self.open_bytes


class _SessionLog(_BodyLog):
    """The entries of one session, in the order of their arrival."""

    __slots__ = ("entries", "session")

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session
        self.entries: deque[JournalEntry] = deque()


class _LargestFirst:
    """The sessions by their number of entries, or by their bytes; the largest is found without a search.

    The heap is empty until it is first needed; while it is, growth need not be noted.
    """

    def __init__(self, *, by_bytes: bool) -> None:
        self._by_bytes = by_bytes
        self.heap: list[tuple[int, str]] = []

    def note_growth(self, log: _SessionLog, logs: Mapping[str, _SessionLog]) -> None:
        """Note that a session has grown."""
        heappush(self.heap, (-self._measure(log), log.session))
        if len(self.heap) > 4 * len(logs) + _HEAP_SLACK:  # most sizes are outdated
            self._fill(logs)

    def find_largest(self, logs: Mapping[str, _SessionLog]) -> _SessionLog:
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

    def _measure(self, log: _SessionLog) -> int:
        return log.bytes if self._by_bytes else len(log.entries)

    def _fill(self, logs: Mapping[str, _SessionLog]) -> None:
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
        self._all = _BodyLog()
        self._entries: OrderedDict[str, JournalEntry] = OrderedDict()  # by id, in the order of their arrival
        self._sessions: dict[str, _SessionLog] = {}
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
            log = self._sessions[arrival.session] = _SessionLog(arrival.session)
        body_size = 0 if arrival.request is None else len(arrival.request.raw)
        entry.size = size = _ENTRY_OVERHEAD + arrival.head.size + body_size
        log.entries.append(entry)
        self._entries[arrival.id] = entry
        self._grow(log, size, body_size)
        if (
            len(self._entries) > self.max_entries // _SESSION_SHARE
            or self._all.bytes + self._shared_bytes > self.max_bytes // _SESSION_SHARE
        ):
            self._evict(log)
        for listener in self._listeners:
            listener("arrived", entry)

    async def decide(self, entry: JournalEntry, decision: Decision) -> None:
        """Record the decision, and evict others beyond the bounds."""
        entry.decision = decision
        arrival = entry.arrival
        if arrival.id in self._entries:  # it may have been evicted in the meantime
            added = self._retain(decision.answer.frames)
            if decision.intended_answer is not None:
                added += self._retain(decision.intended_answer.frames)
            entry.size += added
            if entry.size > LARGE_BODY:
                self._keep_remains(entry)
            log = self._sessions[arrival.session]
            self._grow(log, added, added)
            share = _SESSION_SHARE if len(self._sessions) > 1 else 1  # a session alone may have everything
            if self._all.bytes + self._shared_bytes > self.max_bytes // share:
                self._evict(log)
        for listener in self._listeners:
            listener("decided", entry)

    def _grow(self, log: _SessionLog, size: int, body_size: int) -> None:
        """Count more bytes of a session."""
        everything = self._all
        log.bytes += size
        everything.bytes += size
        if self._tracks_bodies:
            log.open_bytes += body_size
            everything.open_bytes += body_size
        if self._by_entries.heap:
            self._by_entries.note_growth(log, self._sessions)
        if self._by_bytes.heap:
            self._by_bytes.note_growth(log, self._sessions)

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
        entries = self._entries.values() if session is None else self._find_entries(session)
        return list(takewhile(lambda entry: entry.number > since, reversed(entries)))

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return the entry with this id, None if it does not exist or was evicted."""
        return self._entries.get(id)

    async def clear(self, session: str | None = None) -> int:
        """Remove the entries of a session, or of all, and return their number; their evictions are forgotten."""
        if session is None:
            count = len(self._entries)
            self._all, self._entries, self._sessions, self._over_quota = _BodyLog(), OrderedDict(), {}, set()
            self._tracks_bodies = False
            self._by_entries, self._by_bytes = _LargestFirst(by_bytes=False), _LargestFirst(by_bytes=True)
            self._prerendered_uses, self._shared_bytes = {}, 0
            self._evicted_by_session, self._evicted_since_clear = OrderedDict(), 0
            return count
        count = len(self._find_entries(session))
        for _ in range(count):
            self._remove_oldest(self._sessions[session])
        self._evicted_since_clear -= self._evicted_by_session.pop(session, 0)
        return count

    async def size(self) -> JournalSize:
        """Return the number of entries and of evicted ones."""
        return JournalSize(len(self._entries), self._evicted)

    async def count_evicted(self, session: str | None = None) -> int:
        """Return the number of entries of a session, or of all, that were evicted since it was last cleared."""
        return self._evicted_since_clear if session is None else self._evicted_by_session.get(session, 0)

    def _find_entries(self, session: str) -> deque[JournalEntry]:
        log = self._sessions.get(session)
        return deque() if log is None else log.entries

    def _free_last_ended(self, last: JournalEntry) -> None:
        """Drop the parsed body of the entry closed last, and let its bodies be dropped."""
        self._last_ended = None
        if last.arrival.request is not None:
            last.arrival.request.lazy_body.drop_parsed()
        if self._tracks_bodies:
            self._add_bodies(last)

    def _add_bodies(self, entry: JournalEntry) -> None:
        arrival = entry.arrival
        if arrival.id in self._entries:
            size = count_body_bytes(entry)
            self._sessions[arrival.session].add_bodies(arrival.id, size)
            self._all.add_bodies(arrival.id, size)

    def _track_bodies(self) -> None:
        """Begin to keep account of the bodies; there are only so many entries as fit in the share of a session."""
        self._tracks_bodies = True
        for entry in self._entries.values():
            size = count_body_bytes(entry)
            self._sessions[entry.session].open_bytes += size
            self._all.open_bytes += size
            if not self._is_open(entry):
                self._add_bodies(entry)

    def _is_open(self, entry: JournalEntry) -> bool:
        """Return whether the bodies of an entry are in use."""
        return entry.delivery is None or entry is self._last_ended

    def _evict(self, log: _SessionLog) -> None:
        """Drop bodies and evict entries until the bounds are met; `log` is of the session that has grown.

        Until all sessions together have grown beyond the share of one, there is nothing to do.
        """
        everything, is_alone = self._all, len(self._sessions) == 1
        max_entries, max_bytes = self.max_entries // _SESSION_SHARE or 1, self.max_bytes // _SESSION_SHARE
        total_bytes = everything.bytes + self._shared_bytes
        if total_bytes > max_bytes and not self._tracks_bodies:
            self._track_bodies()
        if len(log.entries) > max_entries or log.bytes > max_bytes:
            self._over_quota.add(log.session)
        if not is_alone:
            for session in tuple(self._over_quota):
                self._enforce_quota(session, max_entries, max_bytes)
        if everything.bytes + self._shared_bytes > self.max_bytes:
            self._drop_bodies(everything, self.max_bytes - self._shared_bytes - everything.open_bytes)
        # The newest entry stays, whatever its size: a test must find the request that it has just made.
        while len(self._entries) > 1 and (
            len(self._entries) > self.max_entries or everything.bytes + self._shared_bytes > self.max_bytes
        ):
            self._evict_oldest(log if is_alone else self._choose_log())

    def _enforce_quota(self, session: str, max_entries: int, max_bytes: int) -> None:
        """Drop bodies and evict entries of a session beyond its share, a bounded number of them."""
        log = self._sessions[session]
        self._drop_bodies(log, max_bytes)
        for _ in range(_MAX_QUOTA_EVICTIONS):
            if len(log.entries) == 1 or (len(log.entries) <= max_entries and log.kept_bytes <= max_bytes):
                self._over_quota.discard(session)
                break
            self._evict_oldest(log)  # the rest is evicted by the requests that follow

    def _drop_bodies(self, log: _BodyLog, max_bytes: int) -> None:
        while log.kept_bytes > max_bytes:
            entry = log.find_oldest_bodies(self._entries)
            if entry is None:
                break
            self._drop_bodies_of(entry)

    def _drop_bodies_of(self, entry: JournalEntry) -> None:
        """Drop the bodies of the request and its answer; the last user message and the digest remain."""
        arrival, decision = entry.arrival, cast(Decision, entry.decision)  # it has ended
        request = arrival.request
        log = self._sessions[arrival.session]
        digest, is_whole, kept = "", True, 0
        if request is not None:
            remains = entry.memo.pop(_REMAINS, None) or reduce_body(request.unparsed_copy().lazy_body)
            lazy_body, is_whole = remains
            kept = len(lazy_body.parsed.last_user_text)
            digest = compute_body_digest(request.raw)
            reduced = replace(request, raw=b"", lazy_body=lazy_body, memo=Memo())
            entry.arrival = replace(arrival, request=reduced)
        self._release_answers(decision)
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

    def _choose_log(self) -> _SessionLog:
        """Return the log of the largest session, in entries or in bytes; never that of the newest entry alone."""
        exceeds_entries = len(self._entries) > self.max_entries
        log = (self._by_entries if exceeds_entries else self._by_bytes).find_largest(self._sessions)
        newest = next(reversed(self._entries.values()))
        if len(log.entries) > 1 or newest is not log.entries[0]:
            return log
        return self._sessions[next(iter(self._entries.values())).arrival.session]

    def _evict_oldest(self, log: _SessionLog) -> None:
        self._remove_oldest(log)
        counts = self._evicted_by_session
        if log.session in counts:
            counts[log.session] += 1
            counts.move_to_end(log.session)
        else:
            counts[log.session] = 1
            if len(counts) > _MAX_COUNTS:
                counts.popitem(last=False)
        self._evicted += 1
        self._evicted_since_clear += 1

    def _remove_oldest(self, log: _SessionLog) -> None:
        """Remove the oldest entry of a session."""
        everything = self._all
        entry = log.entries.popleft()
        size, decision = entry.size, entry.decision
        del self._entries[entry.arrival.id]
        log.bytes -= size
        everything.bytes -= size
        if self._tracks_bodies:
            open_bytes = count_body_bytes(entry) if self._is_open(entry) else 0
            for each in (log, everything):
                each.open_bytes -= open_bytes
                each.remove_evicted(self._entries)
        if not log.entries:
            del self._sessions[log.session]
            self._over_quota.discard(log.session)
        if decision is not None:
            self._release_answers(decision)

    def _release_answers(self, decision: Decision) -> None:
        """Undo `_retain` for the answer of a decision, and the one before its fault, if it has one."""
        self._release(decision.answer.frames)
        if decision.intended_answer is not None:
            self._release(decision.intended_answer.frames)

    def _release(self, frames: Sequence[Frame]) -> None:
        prerendered = find_prerendered(frames)
        if prerendered is not None:
            uses = self._prerendered_uses[prerendered] - 1
            if uses:
                self._prerendered_uses[prerendered] = uses
            else:
                del self._prerendered_uses[prerendered]
                self._shared_bytes -= prerendered.size

    def _retain(self, frames: Sequence[Frame]) -> int:
        """Count one more use of a shared prerendered answer, and its bytes if it is the first.

        Return the bytes that the frames have for themselves.
        """
        prerendered = find_prerendered(frames)
        if prerendered is not None:
            uses = self._prerendered_uses.get(prerendered, 0)
            self._prerendered_uses[prerendered] = uses + 1
            if not uses:
                self._shared_bytes += prerendered.size
        return count_retained_bytes(frames)


def count_body_bytes(entry: JournalEntry) -> int:
    """Return the bytes of an entry's bodies: of the request and of its answers."""
    return entry.size - _ENTRY_OVERHEAD - entry.arrival.head.size


def compute_body_digest(raw: bytes) -> str:
    """Return a text that is equal for equal bodies."""
    return f"{zlib.crc32(raw):08x}"
