"""The dispatch of requests to the health checks, the admin API, the web UI and the pipeline."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.pipeline import ChatPipeline
from mockserver.request.request_head import match_route, read_head
from mockserver.settings import ADMIN_PREFIX

if TYPE_CHECKING:
    from mockserver.admin.admin_services import GetDemo
    from mockserver.workers.worker_link import WorkerLink

_READING: Final = ("GET", "HEAD")
_NO_AUTHORITY = (
    "this server has made no certificate authority: it does with --tls-port, and without --tls-cert\n"
)


class Case(NamedTuple):
    """A kind of request, and the application that serves it.

    A path that ends in a slash stands for the paths below it; `methods` None stands for all methods.
    """

    path: str
    app: ASGIApp
    methods: tuple[str, ...] | None = None

    def applies_to(self, method: str, path: str) -> bool:
        """Return whether a request is of this kind."""
        is_below = self.path.endswith("/") and self.path != "/" and path.startswith(self.path)
        return (path == self.path or is_below) and (self.methods is None or method in self.methods)


class RequestDispatcher:
    """The application of a server: the first case that applies serves a request, and the pipeline all others.

    `lifespan` receives everything but HTTP requests; `get_demo` returns the demo of a server that listens on a socket.
    `authority` is the certificate in PEM of this run's certificate authority. `link` is that of one of several workers.
    """

    def __init__(
        self,
        pipeline: ChatPipeline,
        lifespan: Starlette,
        get_demo: GetDemo | None = None,
        authority: str | None = None,
        link: WorkerLink | None = None,
    ) -> None:
        admin = LazyApp(pipeline, lambda: functools.partial(_import_admin(), get_demo=get_demo, link=link))
        ui = LazyApp(pipeline, _import_ui)
        ui_cases = (Case(f"{ADMIN_PREFIX}/page/", ui), Case("/", ui, _READING))
        self.cases: tuple[Case, ...] = (
            Case("/healthz", self.report_health, _READING),
            Case("/readyz", self.report_readiness, _READING),
            Case("/metrics", admin),
            *(ui_cases if pipeline.settings.page else ()),
            Case(f"{ADMIN_PREFIX}/ca.pem", self.send_authority, _READING),
            Case(ADMIN_PREFIX, admin),
            Case(f"{ADMIN_PREFIX}/", admin),
        )
        self.pipeline = pipeline  # for the paths of all vendors, by prefix, Host or native path
        # The vendors answer CORS preflights of every origin.
        self.preflight = CORSMiddleware(
            pipeline, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
        )
        self.lifespan = lifespan
        self.authority = authority
        self._prefixes = tuple({case.path.rstrip("/") for case in self.cases} - {""})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        app = self._find_app(scope) if scope["type"] == "http" else self.lifespan
        if app is not self.pipeline:
            await asyncio.sleep(0)  # Starlette needs a task, which a request has when it first waits
        await app(scope, receive, send)

    def _find_app(self, scope: Scope) -> ASGIApp:
        method: str = scope["method"]
        path: str = scope["path"]
        # Most requests have no path of a case. The root belongs to the vendor that the Host header names.
        if path.startswith(self._prefixes) or (path == "/" and not self._is_vendors(scope)):
            for case in self.cases:
                if case.applies_to(method, path):
                    return case.app
        if method == "OPTIONS":
            return self.preflight
        return self.pipeline

    def _is_vendors(self, scope: Scope) -> bool:
        return match_route(read_head(scope), self.pipeline.router) is not None

    async def report_health(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Report that the server runs (ASGI)."""
        await JSONResponse({"status": "ok"})(scope, receive, send)

    async def send_authority(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the certificate that clients of the TLS port must trust, which is no secret (ASGI)."""
        if self.authority is None:
            response = PlainTextResponse(_NO_AUTHORITY, 404)
        else:  # RFC 8555, 9.1
            response = PlainTextResponse(self.authority, media_type="application/pem-certificate-chain")
        await response(scope, receive, send)

    async def report_readiness(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Report that the server has its fixtures (ASGI)."""
        status = {"status": "ok", "fixtures": len(self.pipeline.fixtures)}
        await JSONResponse(status)(scope, receive, send)


class LazyApp:
    """An ASGI application that is imported and created at its first request; most servers never need it."""

    def __init__(
        self, pipeline: ChatPipeline, import_factory: Callable[[], Callable[[ChatPipeline], ASGIApp]]
    ) -> None:
        self.pipeline = pipeline
        self.import_factory = import_factory

    @functools.cached_property
    def app(self) -> ASGIApp:
        """Return the application, imported and created once."""
        return self.import_factory()(self.pipeline)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if "app" not in vars(self):
            await asyncio.to_thread(self.import_factory)  # imported on a thread, so that no stream is delayed
        await self.app(scope, receive, send)


def _import_ui() -> Callable[[ChatPipeline], ASGIApp]:
    from mockserver.ui.static_files import create_ui_app  # noqa: PLC0415

    return create_ui_app


def _import_admin() -> Callable[..., ASGIApp]:
    from mockserver.admin.api import create_admin_app  # noqa: PLC0415

    return create_admin_app
