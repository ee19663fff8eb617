"""`MockServer`: a server on a thread with a real socket, for use in tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from anyio import to_thread

from mockserver.client.arguments import check_keywords
from mockserver.client.recorded_request import Request
from mockserver.client.session_client import Remote, Session
from mockserver.errors import InputError
from mockserver.intercept.server_certificate import ServerCertificate, create_server_certificate
from mockserver.server.addresses import format_server_url, get_connect_address
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.host_session import HostSession
from mockserver.server.tls_port import bind_ports
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.sessions.journal import MAX_BYTES, JournalEntry
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

if TYPE_CHECKING:
    from mockserver.server.call_interception import CallInterception

__all__ = ["MockServer", "Remote", "Request", "Session"]


class _EndedEntries:
    """The last requests that have ended; added on the server's thread, read on others."""

    def __init__(self, max_entries: int) -> None:
        self._entries: deque[tuple[JournalEntry, int]] = deque()  # with the size that is counted for each
        self._max_entries = max_entries
        self._bytes = 0

    def add(self, entry: JournalEntry) -> None:
        """Add an entry, and evict the oldest ones beyond the bounds; the newest one always stays."""
        self._entries.append((entry, entry.size))
        self._bytes += entry.size
        while len(self._entries) > 1 and (len(self._entries) > self._max_entries or self._bytes > MAX_BYTES):
            self._bytes -= self._entries.popleft()[1]

    def to_list(self) -> list[JournalEntry]:
        """Return a copy."""
        # A copy takes one step of the interpreter; a loop over the queue itself would fail when another request ends.
        return [entry for entry, _ in self._entries.copy()]


class MockServer(Remote):
    """A server on a thread of this process, as a context manager.

    Example::

        from openai import OpenAI
        from mockserver.testing import MockServer

        with MockServer() as server:  # or: async with MockServer("fixtures.yaml", strict=True, seed=7)
            server.on(user="weather").reply("Sunny")

            client = OpenAI(base_url=f"{server.url}/v1", api_key="any-key")
            question = {"role": "user", "content": "How is the weather?"}
            answer = client.chat.completions.create(model="o3-mini", messages=[question])

            assert answer.choices[0].message.content == "Sunny"
            server.assert_called(count=1, model="o3-mini")

    `paths` are fixture files and folders; without them the server has the shipped fixtures. `port` 0 selects a
    free port. `settings` are the fields of `mockserver.settings.Settings`. The methods of `Session` on the server
    itself apply to all sessions; `session()` returns a separate one. A stopped server can start again: on the same
    port, with its initial state.

    Raises:
        InputError: fixtures, profiles or settings are invalid, or the port is in use; `problems` lists all problems.
        TypeError: a setting does not exist.
        RuntimeError: (when started) the server does not start, or is running already.
    """

    def __init__(self, *paths: str | Path, port: int = 0, **settings: Any) -> None:
        check_keywords("MockServer()", settings, Settings)
        self.settings = Settings(paths=tuple(map(Path, paths)), port=port, **settings)
        self._certificate: ServerCertificate | None = None
        self._server = self._create_server(self.settings)
        super().__init__(format_server_url(self._server.address), self.settings.admin_token)

    def _create_server(self, settings: Settings) -> BackgroundServer:
        """Create the server with its initial state, and bind the ports of these settings."""
        self._ended = _EndedEntries(self.settings.journal_size)
        playback = Playback()
        self._pipeline = create_pipeline(self.settings, playback, self._record)
        if self._certificate is None:
            self._certificate = create_server_certificate(self.settings, self._pipeline.router.hosts)
        sock, tls_port = bind_ports(settings, self._certificate)
        authority = self._certificate.authority if self._certificate else None
        app = create_app(self._pipeline, address=get_connect_address(sock), authority=authority)
        self._host_session = HostSession(app, self._pipeline.router.hosts)
        self._interception: CallInterception | None = None
        return BackgroundServer(self._host_session, sock, playback, tls_port=tls_port)

    @contextmanager
    def intercept(self, session: Session | None = None, *, allows_others: bool = True) -> Iterator[None]:
        """Answer the calls of this process and its children to the vendors' own hosts, while the context lasts.

        Example::

            with MockServer() as server, server.intercept():
                client = OpenAI(api_key="any-key")  # calls the vendor's own host

        Such requests belong to `session`, or to that of their API key. Environment variables lead clients to a proxy;
        for clients of this process that exist already, connections are redirected. The proxy lets calls to other hosts
        through, or refuses them if the first `intercept` of the server says `allows_others=False`.

        Raises InputError if the extra `tls` is missing, and RuntimeError if the server does not run.
        """
        from mockserver.server.call_interception import CallInterception  # noqa: PLC0415 an optional extra

        if not self._server.is_running:
            raise RuntimeError("the server is not running")
        if self._interception is None:
            hosts = self._pipeline.router.hosts
            self._interception = CallInterception(self._server, hosts, allows_others=allows_others)
        before = self._host_session.name
        with self._interception.activate():
            self._host_session.name = before if session is None else session.name
            try:
                yield
            finally:
                self._host_session.name = before

    @property
    def tls_url(self) -> str:
        """The root URL of the TLS port. Raises RuntimeError for a server without one."""
        if self._server.tls_port is None:
            raise RuntimeError("the server has no TLS port: start it with MockServer(tls_port=0)")
        return self._server.tls_port.url

    @property
    def ca_pem(self) -> str:
        """The certificate in PEM that clients of the TLS port must trust. Raises RuntimeError if there is none."""
        if self._certificate is None or self._certificate.authority is None:
            raise RuntimeError(
                "the server has made no certificate: it does with tls_port, and without tls_cert"
            )
        return self._certificate.authority

    @property
    def entries(self) -> list[JournalEntry]:
        """Return the requests that have ended, in that order; bounded in number and in bytes, as the journal is."""
        return self._ended.to_list()

    def _record(self, entry: JournalEntry) -> None:
        self._ended.add(entry)

    def reset(self) -> None:
        """Reset all sessions and what they share to the fixture files, and forget all requests."""
        super().reset()
        self._ended = _EndedEntries(self.settings.journal_size)

    def _same_ports(self) -> Settings:
        """Return the settings with the ports that the server had."""
        tls_port = self._server.tls_port
        return replace(
            self.settings, port=self._server.address[1], tls_port=tls_port.address[1] if tls_port else None
        )

    def start(self) -> Self:
        """Start the server on a thread and return when it responds. Raises RuntimeError if it does not start."""
        if self._server.has_ended:
            try:
                self._server = self._create_server(self._same_ports())
            except InputError as error:
                raise RuntimeError(f"the server cannot start again: {error}") from error
        self._server.start()
        return self

    def stop(self) -> None:
        """Close all open responses, then the server. Stopping a stopped server has no effect."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_thread.run_sync(self.stop)
