"""The forwarder of a recording server: it relays the answers of the real vendors, and records the completions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.types import Receive, Scope, Send

from mockserver.answering.forwarding import FORWARDED, EntrySteps
from mockserver.errors import ApiError
from mockserver.matching.loader import LoadedFile
from mockserver.recording.exchange import Exchange
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.latency_writer import LatencyFile
from mockserver.recording.recorder import RecordedFixture, Recorder
from mockserver.recording.recordings import write_slug
from mockserver.recording.upstream import (
    UpstreamAnswer,
    UpstreamClient,
    UpstreamError,
    select_forwarded_headers,
)
from mockserver.rendering.completion import build_error_context
from mockserver.rendering.mock_headers import add_mock_headers
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import SESSION_HEADER
from mockserver.request.worker_thread import WorkerThread
from mockserver.schema.messages import format_count
from mockserver.sessions.injected_faults import NO_INJECTION
from mockserver.sessions.injection_result import InjectionResult
from mockserver.sessions.journal import JournalEntry
from mockserver.wire.answer import Answer, Header
from mockserver.wire.frames import join_frames
from mockserver.wire.playback import EndReason, Playback
from mockserver.wire.relay import Relay, run_while_connected
from mockserver.wire.sse import DONE_EVENT

_logger = logging.getLogger("mockserver")


@dataclass(frozen=True, slots=True)
class RecordingTarget:
    """The place in which the requests of the server, or of one session, are recorded.

    `path` is a folder, in which each conversation has its file, or a file for all of them. With `replays`, a request
    that was recorded in this run is answered by its recording. `publish` receives the files that have changed.
    """

    recorder: Recorder
    path: Path
    replays: bool
    publish: Callable[[Sequence[LoadedFile]], Awaitable[None]]


class RecordingForwarder:
    """Forwards the requests that nothing else answers, and records them.

    `session_targets` are those of sessions, by their names, which other threads may change; `target` is that of all
    other sessions, None if these are not recorded.
    """

    def __init__(
        self,
        upstream: UpstreamClient,
        playback: Playback,
        seed: int,
        target: RecordingTarget | None = None,
        latency_file: LatencyFile | None = None,
    ) -> None:
        self._upstream = upstream
        self._playback = playback
        self._seed = seed
        self._target = target
        self._latency_file = latency_file
        self.session_targets: dict[str, RecordingTarget] = {}
        self._worker = WorkerThread()
        self.on_recorded: Callable[[str], None] = lambda _: None

    async def run(self) -> None:
        """Keep the connections to the vendors, and close them when the server stops."""
        try:
            await self._playback.closing.wait()
        finally:
            await self._upstream.close()

    async def takes(self, request: ChatRequest, injected: InjectionResult) -> bool:
        """Return whether a request is to be forwarded.

        One with an injected error, fault or delay is not; nor is one that a fixture answers, unless the fixture was
        recorded in this run, for another request or for an error.
        """
        target = self._find_target(request)
        if target is None or injected.error is not None:
            return False
        if injected.by_request != NO_INJECTION or injected.by_rule != NO_INJECTION:
            return False
        if injected.match is None:
            return True
        name = injected.match.fixture.name
        if not target.recorder.requests.has_name(name):
            return False
        known = await self._worker.run(target.recorder.find, _build_exchange(request, (), _NO_ANSWER))
        return not target.replays or known is None or known.name != name or known.ends_in_error

    def _find_target(self, request: ChatRequest) -> RecordingTarget | None:
        return self.session_targets.get(request.session, self._target)

    async def forward(
        self,
        entry: JournalEntry,
        request: ChatRequest,
        connection: tuple[Scope, Receive, Send],
        steps: EntrySteps,
    ) -> None:
        """Relay the vendor's answer to the client, and record it, unless the client leaves before its end."""
        await asyncio.sleep(0)  # httpx2 needs a task, which a request has when it first waits
        scope, receive, send = connection
        relay = Relay(scope, send, entry.arrival.started_at)
        headers = select_forwarded_headers(request)
        forwarded = _ForwardedRequest(entry, request, relay, steps, headers)
        reason = await run_while_connected(self._relay_answer(forwarded), receive, self._playback.closing)
        if forwarded.failure and self._playback.closing.is_set():
            forwarded.failure, reason = "", "closed"  # its connection was closed by `run`
        if forwarded.failure:
            _logger.warning("mockserver: %s", forwarded.failure)
            reason = "dropped" if forwarded.received else await self._send_error(forwarded)
        elif reason == "finished" or forwarded.has_done_event:
            await self._record(forwarded)
        decision = replace(FORWARDED, answer=relay.answer, reason=forwarded.failure)
        await steps.decide(decision)
        await steps.close(relay.report(reason))
        if reason == "finished":
            await relay.send_end()
        else:
            relay.drop()

    async def _relay_answer(self, forwarded: _ForwardedRequest) -> None:
        try:
            async with self._upstream.send(forwarded.request, forwarded.headers) as answer:
                head = Answer(answer.status, answer.headers, streamed=True)
                await self._send_head(forwarded, head)
                forwarded.received = answer
                async for piece in answer.iter_pieces():
                    await forwarded.relay.send_piece(piece)
        except UpstreamError as error:
            forwarded.failure = str(error)

    async def _send_head(self, forwarded: _ForwardedRequest, answer: Answer) -> None:
        entry, request = forwarded.entry, forwarded.request
        head = add_mock_headers(answer, request.routed_head, entry.id, "", self._seed)
        await forwarded.steps.decide(replace(FORWARDED, answer=replace(head, frames=())))
        await forwarded.relay.send_head(head)

    async def _send_error(self, forwarded: _ForwardedRequest) -> EndReason:
        """Send the vendor's 502, because its own answer has not arrived."""
        request = forwarded.request
        error = ApiError("bad_gateway", f"mockserver: {forwarded.failure}")
        answer = request.vendor.error_answer(error, build_error_context(request))
        await self._send_head(forwarded, answer)
        for frame in answer.frames:
            await forwarded.relay.send_piece(frame.data)
        return "finished"

    async def _record(self, forwarded: _ForwardedRequest) -> None:
        """Write a completion to its file. A problem is logged, and does not concern the client."""
        target, exchange = self._find_target(forwarded.request), forwarded.build_exchange()
        if target is None or exchange is None:
            return
        try:
            path = _choose_path(target.path, forwarded.request)
            recorded = await self._worker.run(target.recorder.record, exchange, path)
            await target.publish(recorded.files)
            self.on_recorded(_format_recorded(recorded))
            if self._latency_file is not None:
                await self._worker.run(self._latency_file.record, forwarded.request, exchange.answer)
        except NoFixtureError as error:
            _logger.warning("mockserver: not recorded: %s", error)
        except Exception:
            _logger.exception("mockserver: the request could not be recorded")


@dataclass(slots=True)
class _ForwardedRequest:
    """One request that is forwarded, and the progress of its answer; `failure` is empty, or what went wrong."""

    entry: JournalEntry
    request: ChatRequest
    relay: Relay
    steps: EntrySteps
    headers: tuple[Header, ...]
    received: UpstreamAnswer | None = None
    failure: str = ""

    @property
    def has_done_event(self) -> bool:
        """Return whether the end of a stream has arrived, after which clients may leave before the connection ends."""
        return join_frames(self.relay.answer.frames[-2:]).endswith(DONE_EVENT)

    def build_exchange(self) -> Exchange | None:
        """Return the request with its answer, None if they are not to be recorded."""
        request, received = self.request, self.received
        if received is None or not self.relay.is_kept or not request.route.is_completion:
            return None
        answer = replace(self.relay.answer, headers=received.headers, streamed=received.is_stream)
        return _build_exchange(request, self.headers, answer)


def _build_exchange(request: ChatRequest, headers: tuple[Header, ...], answer: Answer) -> Exchange:
    return Exchange(
        *(request.vendor.name, request.method, request.route.path, request.routed_head.head.query),
        *(headers, request.raw, answer),
    )


_NO_ANSWER = Answer(200, ())


def _format_recorded(recorded: RecordedFixture) -> str:
    masked = f"; {format_count(recorded.masked_count, 'value')} masked" if recorded.masked_count else ""
    return f"recorded {recorded.name!r} in {recorded.path}{masked}"


def _choose_path(path: Path, request: ChatRequest) -> Path:
    """Return the file of a target, or in a folder that of the session, if the request names one; else the folder."""
    head = request.routed_head.head
    session = head.session or head.headers.get(SESSION_HEADER)
    return path / f"{write_slug(session, '-')}.yaml" if session and not path.suffix else path
