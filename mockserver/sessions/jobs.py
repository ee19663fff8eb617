"""Asynchronous jobs: completions that were submitted and can be polled, bounded in number and in bytes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from mockserver.memoize import fast_dataclass
from mockserver.wire.faults import Fault

MAX_JOBS: Final = 1_000  # of one session
_MAX_BYTES: Final = 64 * 1024 * 1024  # of all jobs
_JOB_OVERHEAD: Final = 1_000  # bytes of a job without its result or error


@fast_dataclass
class Job:
    """A submitted completion: its result (the body of its answer), or its error if it fails.

    `submitted_at` is on the machine's monotonic clock; it is finished `duration` seconds later. `fault` applies to the
    answers that report its result.
    """

    id: str
    session: str
    vendor: str
    model: str
    submitted_at: float
    duration: float
    result: bytes = b""
    error: str | None = None
    fault: Fault | None = None

    @property
    def size(self) -> int:
        """Return about the bytes that it takes in memory."""
        return _JOB_OVERHEAD + len(self.result) + len(self.error or "")


class JobRegistry:
    """The jobs of all sessions. Beyond the bounds the oldest ones are forgotten."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._ids: dict[str, OrderedDict[str, None]] = {}  # by session
        self._bytes = 0

    def add(self, job: Job) -> None:
        """Add a job."""
        ids = self._ids.setdefault(job.session, OrderedDict())
        ids[job.id] = None
        self._jobs[job.id] = job
        self._bytes += job.size
        if len(ids) > MAX_JOBS:
            self._remove(next(iter(ids)))
        while self._bytes > _MAX_BYTES and len(self._jobs) > 1:
            self._remove(next(iter(self._jobs)))

    def find(self, id: str) -> Job | None:  # noqa: A002
        """Return the job with this id, of whatever session; None if there is none."""
        return self._jobs.get(id)

    def forget(self, session: str | None) -> None:
        """Forget the jobs of a session, or all of them."""
        for id_ in list(self._jobs if session is None else self._ids.get(session, ())):
            self._remove(id_)

    def copy(self, session: str) -> JobRegistry:
        """Return a registry with the jobs of one session."""
        copied = JobRegistry()
        for id_ in self._ids.get(session, ()):
            copied.add(self._jobs[id_])
        return copied

    def _remove(self, id_: str) -> None:
        job = self._jobs.pop(id_)
        self._bytes -= job.size
        ids = self._ids[job.session]
        del ids[id_]
        if not ids:
            del self._ids[job.session]
