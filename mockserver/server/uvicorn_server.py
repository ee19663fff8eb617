"""A uvicorn server that gives playback its transport, sends an answer in one write, and stops at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import InputError
from mockserver.server.addresses import format_server_url
from mockserver.server.connection_limits import AcceptErrorHandler, IdleTimeout, start_idle_sweep
from mockserver.server.event_loop import select_loop, start_thread
from mockserver.server.tls_port import TlsConnections, TlsPort
from mockserver.server.uvicorn_fast_write import EagerRequests, SingleWrite
from mockserver.server.uvicorn_internals import (
    add_reason_phrases,
    find_cycle,
    find_protocol,
    get_protocol_factory,
    has_connections,
    require_server,
)
from mockserver.wire.playback import SINGLE_WRITE_KEY, TRANSPORT_KEY, Playback

if TYPE_CHECKING:
    from mockserver.intercept.proxy import InterceptProxy

_ABORT_DELAY = 0.3  # seconds until a connection that has not ended by itself is cut
_SHUTDOWN_TIMEOUT = 0.5  # seconds until uvicorn cancels what even that did not end
_KEEP_ALIVE = (
    75  # seconds; longer than an SDK's pool keeps an idle connection, so that the client closes first
)


class BackgroundServer:
    """One application on one bound socket: `run` on this thread, or `start` and `stop` on its own."""

    def __init__(  # noqa: PLR0913 the parts of a server
        self,
        app: ASGIApp,
        sock: socket.socket,
        playback: Playback,
        *,
        http: str = "auto",
        loop: str = "auto",
        lifespan: Literal["on", "off"] = "on",
        tls_port: TlsPort | None = None,
        proxy: InterceptProxy | None = None,
    ) -> None:
        """`http` is auto, httptools or h11; `loop` auto, uvloop or asyncio; `proxy` hands over its connections."""
        require_server()
        host, port = sock.getsockname()[:2]
        self.address = str(host), int(port)
        self.tls_port = tls_port
        self._sockets = [sock] if tls_port is None else [sock, tls_port.sock]
        config = _uvicorn_config(app, _http_protocol_class(http, tls_port), loop, lifespan)
        self._uvicorn = _StoppableUvicorn(config, playback, tls_port, proxy)
        self._join: Callable[[], object] | None = None

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or `stop`."""
        try:
            self._uvicorn.run(self._sockets)
        finally:
            self._uvicorn.ready.set()
            self._close_sockets()

    @property
    def has_ended(self) -> bool:
        """Return whether the server has stopped, so that it cannot start any more."""
        return self._sockets[0].fileno() < 0

    @property
    def is_running(self) -> bool:
        """Return whether the server has been started on a thread, and has not stopped."""
        return self._join is not None and not self.has_ended

    def start(self) -> None:
        """Serve on a thread; return when the server accepts requests. Raises RuntimeError if it cannot."""
        if self._join is not None:
            raise RuntimeError(f"the server is running already, at {format_server_url(self.address)}")
        self._join = start_thread(self._run_quietly)
        self._uvicorn.ready.wait()
        if not self._uvicorn.started:
            self._join()
            raise RuntimeError("the server did not start: the application's startup failed, see the log")

    def start_proxy(self, proxy: InterceptProxy) -> None:
        """Let a proxy hand its connections to this server, which is running, until it stops."""
        self._uvicorn.start_proxy(proxy)

    def stop(self) -> None:
        """End every answer in progress, then the thread. Idempotent."""
        if self._join is None:
            self._close_sockets()
            return
        self._uvicorn.request_stop()
        self._join()

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    def _run_quietly(self) -> None:
        with contextlib.suppress(SystemExit):  # uvicorn exits if the startup fails; `start` raises instead
            self.run()


class _StoppableUvicorn(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        playback: Playback,
        tls_port: TlsPort | None = None,
        proxy: InterceptProxy | None = None,
    ) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._playback = playback
        self._tls_port = tls_port
        self._proxy = proxy
        self._loop: asyncio.AbstractEventLoop | None = None
        self._knows_connections = has_connections()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(AcceptErrorHandler())
        if self._knows_connections:
            start_idle_sweep(self._loop, self.server_state.connections)
        await super().startup(sockets)
        if self._proxy is not None:
            self._proxy.start(get_protocol_factory(self))
        self.ready.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop the server on SIGINT or SIGTERM."""
        # uvicorn would raise the signal again after the shutdown; here a clean stop ends with exit code 0. A second
        # Ctrl-C changes nothing: the shutdown is bounded, and skipping a part of it would only log tracebacks.
        self.request_stop()

    def start_proxy(self, proxy: InterceptProxy) -> None:
        """Start a proxy, from any thread, while the server runs."""
        self._proxy = proxy
        cast(asyncio.AbstractEventLoop, self._loop).call_soon_threadsafe(
            proxy.start, get_protocol_factory(self)
        )

    def request_stop(self) -> None:
        """Start the shutdown, from any thread or from a signal handler."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has already stopped
                self._loop.call_soon_threadsafe(self._playback.close)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._playback.close()
        if self._tls_port is not None:
            self._tls_port.close()
        if self._proxy is not None:
            self._proxy.close()
        cut = asyncio.get_running_loop().call_later(_ABORT_DELAY, self._abort_connections)
        await super().shutdown(sockets)
        cut.cancel()

    def _abort_connections(self) -> None:
        """Abort the remaining connections: a client that does not read would delay a clean end for ever."""
        for connection in list(self.server_state.connections) if self._knows_connections else ():
            connection.transport.abort()


class _TransportProtocol(asyncio.Protocol):
    """Mixin that puts the transport into the state that every request of the connection receives a copy of."""

    single_write: Any = None  # a SingleWrite, if the protocol has one; flushed before a connection ends
    app_state: dict[str, Any]
    cycle: Any
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT_KEY: transport, SINGLE_WRITE_KEY: self.single_write}

    def _flush_pending(self) -> None:
        """Write the responses that are still queued."""
        if self.single_write is not None:
            self.single_write.flush()

    def eof_received(self) -> bool | None:
        self._flush_pending()
        return super().eof_received()

    def shutdown(self) -> None:
        self._flush_pending()
        super().shutdown()  # type: ignore[misc]

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: offers of an upgrade are ignored, and no WebSocket library would help."""

    def send_400_response(self, msg: str) -> None:
        self._flush_pending()
        if self.cycle is None or self.cycle.response_complete:
            super().send_400_response(msg)  # type: ignore[misc]
        else:
            self.transport.close()  # a response is in progress, so that no other can be sent


def _uvicorn_config(app: ASGIApp, http: Any, loop: str, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    return uvicorn.Config(
        _suppress_cancellation(app),
        http=http,
        loop=select_loop(loop),
        ws="none",
        interface="asgi3",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,  # type: ignore[arg-type]  # it goes to wait_for, which takes a float
    )


def _http_protocol_class(http: str, tls_port: TlsPort | None = None) -> Any:
    """Return uvicorn's protocol class with our mixins; the name itself if this version of uvicorn lacks a part.

    Raises InputError if there is a TLS port then.
    """
    name = http
    if http == "auto":
        name = "httptools" if find_spec("httptools") else "h11"
    protocol = find_protocol(name)
    if protocol is None:
        if tls_port is not None:
            raise InputError.from_message(
                "this version of uvicorn does not hand over connections: install another one", "--tls-port"
            )
        return http
    add_reason_phrases(name)
    cycle = find_cycle() if name == "httptools" else None
    single_write = None if cycle is None else SingleWrite(*cycle)
    mixins: tuple[type, ...] = (TlsConnections, _TransportProtocol, IdleTimeout)
    if name == "httptools":
        from mockserver.server.http_upgrade import IgnoredUpgrade  # noqa: PLC0415 h11 runs without httptools

        mixins = (*mixins, *([] if single_write is None else [EagerRequests]), IgnoredUpgrade)
    attributes = {"single_write": single_write, "tls_port": tls_port}
    return type(f"Transport{protocol.__name__}", (*mixins, protocol), attributes)


def _suppress_cancellation(app: ASGIApp) -> ASGIApp:
    """Return the app without CancelledError: uvicorn cancels requests at shutdown, and would log a traceback."""

    async def suppressing_app(scope: Scope, receive: Receive, send: Send) -> None:
        try:  # noqa: SIM105 `suppress` would take longer than everything else here
            await app(scope, receive, send)
        except asyncio.CancelledError:
            pass

    return suppressing_app
