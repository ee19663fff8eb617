"""What was asked and what was heard, one entry a request. Entries are written here and nowhere else.

An answer is a value, so an entry keeps the answer itself: what was heard of it, and when, is read off when
somebody wants to know.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from mockserver.call import Call, Head
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Heard

MOST_BYTES = 64 * 1024 * 1024
_ENTRY = 2_000  # bytes of an entry that keeps neither body

Moment = Literal["arrived", "decided", "ended"]


@dataclass(slots=True)
class Entry:
    """One request. `call` is None where no vendor has its path; `status` is 0 until one is decided, and where
    no status line is heard.

    `fixture` is the one that matched, whoever answered; `rule` the fault rule that struck, `fault` what was
    done to the answer; `why` says why it was refused. `arrived` is in seconds since 1970.
    """

    id: str
    head: Head
    session: str
    call: Call | None = None
    fixture: str = ""
    rule: str = ""
    fault: str = ""  # that struck, with its point
    status: int = 0
    why: str = ""
    matched: bool = False
    answer: Answer | None = None
    heard: Heard | None = None
    arrived: float = field(default_factory=time.time)
    number: int = 0
    size: int = 0  # bytes that the journal counts for it

    @property
    def vendor(self) -> str:
        return self.call.vendor.name if self.call else ""

    @property
    def model(self) -> str:
        return self.call.model if self.call else ""

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        """The vendor's own path, where there is a vendor."""
        return self.call.place.path if self.call else self.head.path

    @property
    def stream(self) -> bool:
        return self.call.stream if self.call else False

    @property
    def attempt(self) -> int:
        return self.call.attempt if self.call else 0


Report = Callable[[Entry], None]
Listener = Callable[[Moment, Entry], None]


class Journal:
    """A ring of entries, bounded in number and in bytes; `dropped` says how many it has let go.

    `report` hears of each entry when it has ended, a listener of every moment of it.
    """

    def __init__(self, report: Report, most: int = 10_000, most_bytes: int = MOST_BYTES) -> None:
        self.dropped = 0
        self.listeners: list[Listener] = []
        self._report = report
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._numbers = itertools.count(1)
        self._waiting: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def open(self, entry: Entry) -> None:
        """A request has arrived."""
        entry.number = next(self._numbers)
        entry.size = _ENTRY + (len(entry.call.raw) if entry.call else 0)
        self._entries[entry.id] = entry
        self._bytes += entry.size
        self._trim()
        self._changed("arrived", entry)

    def decide(self, entry: Entry, answer: Answer) -> None:
        """Its answer is decided, and nothing of it is heard yet."""
        entry.answer = answer
        entry.status = answer.status if answer.head else 0
        if entry.id in self._entries:  # it may have been let go while its answer was sought
            said = sum([len(frame.data) for frame in answer.frames])
            entry.size += said
            self._bytes += said
            self._trim()
        self._changed("decided", entry)

    def close(self, entry: Entry, heard: Heard) -> None:
        """It has ended."""
        entry.heard = heard
        self._report(entry)
        self._changed("ended", entry)

    def entries(self, session: str | None = None) -> Iterator[Entry]:
        """The entries of a session, or of all; the newest first."""
        newest = reversed(self._entries.values())
        return (entry for entry in newest if session is None or entry.session == session)

    def entry(self, id: str) -> Entry | None:  # noqa: A002
        return self._entries.get(id)

    def forget(self, session: str | None = None) -> int:
        """The entries of a session, or of all, are gone; returns how many."""
        gone = list(self.entries(session))
        for entry in gone:
            self._bytes -= self._entries.pop(entry.id).size
        self._wake()
        return len(gone)

    def change(self) -> asyncio.Future[None]:
        """Done as soon as an entry is opened, decided or closed, or entries are forgotten; cancel it when you go."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)
        return waiting

    def _changed(self, moment: Moment, entry: Entry) -> None:
        for listen in self.listeners:
            listen(moment, entry)
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def _trim(self) -> None:
        # The newest stays, whatever its size: a journal that forgets the request just made is of no use.
        while len(self._entries) > 1 and (len(self._entries) > self._most or self._bytes > self._most_bytes):
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
            self.dropped += 1
