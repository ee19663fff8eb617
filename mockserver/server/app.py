"""The composition root: builds the pipeline and the Starlette application from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import replace

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import InputError
from mockserver.fixtures.fault_rules import parse_fault_rule
from mockserver.generation.faker_text import normalize_locale
from mockserver.matching.counter_keys import assign_rule_keys
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import OnReload, load_fixture_set, watch_fixture_files
from mockserver.pipeline import ChatPipeline, OnRequestEnd
from mockserver.request.request_head import match_route, read_head
from mockserver.schema.messages import suggest_name
from mockserver.sessions.store import MemoryStore, SessionStore
from mockserver.settings import ADMIN_PREFIX, REPLY_STYLES, TOKENIZERS, Settings
from mockserver.tokens.token_count import ESTIMATE
from mockserver.tokens.tokenizer import TOKENIZER_NAME, is_tokenizer_installed
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.profile_selection import VendorSelection, load_selected_profile
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor
from mockserver.wire.playback import Playback

LifespanTask = Callable[[], Coroutine[None, None, None]]


def load_vendors(
    selections: Iterable[VendorSelection] = (), tokenizer: str = ESTIMATE, *, strict_models: bool = False
) -> VendorRouter:
    """Load the shipped vendors and the selected ones; one with the name of a shipped vendor replaces it.

    All of them count tokens by `tokenizer`; with `strict_models`, all refuse models that they do not document.

    Raises InputError for an invalid profile.
    """
    vendors = {}
    for selection in (*list_shipped_profiles(), *selections):
        profile = load_selected_profile(selection)
        if strict_models:
            profile = replace(profile, strict_models=True)
        vendors[profile.name] = Vendor(profile, tokenizer)
    return VendorRouter(vendors.values())


def create_pipeline(
    settings: Settings, playback: Playback, on_request_end: OnRequestEnd, store: SessionStore | None = None
) -> ChatPipeline:
    """Create the pipeline of one server; its state is kept in `store`, by default in memory.

    Raises InputError for invalid settings, fixtures or profiles.
    """
    settings = _resolve_settings(settings)
    parsed = (
        parse_fault_rule(text, f"flag-fault-{number}", "--fault")
        for number, text in enumerate(settings.faults, 1)
    )
    rules = tuple(assign_rule_keys(parsed, "flag"))
    store = store or MemoryStore(max_requests=settings.journal_size)
    router = load_vendors(settings.vendors, settings.tokenizer, strict_models=settings.strict_models)
    return ChatPipeline(settings, router, load_fixtures(settings), rules, store, playback, on_request_end)


def _resolve_settings(settings: Settings) -> Settings:
    """Return the settings with the locale as Faker names it, and the tokenizer that is installed."""
    for flag, value, known in (
        ("--reply", settings.reply, REPLY_STYLES),
        ("--tokenizer", settings.tokenizer, TOKENIZERS),
    ):
        if value not in known:
            raise InputError.from_message(f"found {value!r}{suggest_name(value, known)}", flag)
    _check_admin_token(settings.admin_token)
    try:
        locale = normalize_locale(settings.locale)
    except ValueError as error:
        raise InputError.from_message(str(error), "--locale") from None
    tokenizer = settings.tokenizer
    if tokenizer == "auto":
        tokenizer = TOKENIZER_NAME if is_tokenizer_installed() else ESTIMATE
    if tokenizer == TOKENIZER_NAME and not is_tokenizer_installed():
        raise InputError.from_message(
            f"{tokenizer} is not installed: pip install 'mock-provider-server[tokens]'", "--tokenizer"
        )
    return replace(settings, locale=locale, tokenizer=tokenizer)


def _check_admin_token(token: str | None) -> None:
    """Raise InputError for a token that no client can send: RFC 9110, 5.5 trims and limits the value of a header."""
    if token == "":
        raise InputError.from_message("is empty: set a token, or omit it to run without one", "--admin-token")
    if token is not None and not re.fullmatch("[!-~]([ -~]*[!-~])?", token):
        raise InputError.from_message(
            "cannot be sent in a header: use printable ASCII characters, without a space at either end",
            "--admin-token",
        )


def load_fixtures(settings: Settings) -> FixtureSet:
    """Load the fixtures of a server, at start-up and after an edit. Raises InputError."""
    return load_fixture_set(settings.paths, settings.fixtures_yaml)


def create_app(
    pipeline: ChatPipeline, on_reload: OnReload, address: tuple[str, int] | None = None
) -> DirectDispatch:
    """Create the application. `on_reload` receives the result of every reload: the new fixtures or the problems.

    `address` is where the server will listen; the scripted clients of a demo connect to it.
    """

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_: Request) -> Response:
        return JSONResponse({"status": "ok", "fixtures": len(pipeline.fixtures)})

    lifespan_tasks = list(_lifespan_tasks(pipeline, on_reload, address))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(start()) for start in lifespan_tasks]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    admin = LazyApp(pipeline, _import_admin)
    app = Starlette(
        routes=[
            *_ui_routes(pipeline),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", admin),
            Route(ADMIN_PREFIX, admin),
            Route(ADMIN_PREFIX + "/{path:path}", admin),
            # All vendors, by prefix, Host or native path; `vendors.routing` finds the one a path belongs to.
            Route("/{path:path}", CorsDispatch(pipeline)),
        ],
        lifespan=lifespan if lifespan_tasks else None,
    )
    app.router.redirect_slashes = False
    return DirectDispatch(app, pipeline, admin)


class DirectDispatch:
    """Dispatch of the requests that bypass Starlette's router: usual ones for speed, and paths that it cannot match."""

    def __init__(self, app: Starlette, pipeline: ChatPipeline, admin: ASGIApp) -> None:
        *own_routes, vendor_route = [route for route in app.routes if isinstance(route, Route)]
        self.app = app
        self.pipeline = pipeline
        self.admin = admin
        self.vendors = vendor_route.app
        self.app_prefixes = tuple({"/" + route.path.split("/")[1] for route in own_routes} - {"/"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        app = self.app if scope["type"] != "http" else self._find_app(scope["method"], scope["path"])
        await app(scope, receive, send)

    def _find_app(self, method: str, path: str) -> ASGIApp:
        if "\n" in path:  # in Starlette's patterns `.` does not match a line feed, and `$` matches before one
            return self.admin if path.startswith(ADMIN_PREFIX + "/") else self.vendors
        if method == "POST" and len(path) > 1 and not path.startswith(self.app_prefixes):
            return self.pipeline  # no other route can match it
        return self.app


def _lifespan_tasks(
    pipeline: ChatPipeline, on_reload: OnReload, address: tuple[str, int] | None
) -> Iterator[LifespanTask]:
    """Yield the tasks that run as long as the server does: the file watcher and the demo."""
    settings = pipeline.settings
    if settings.reload and settings.paths:
        load = functools.partial(load_fixtures, settings)

        def report(outcome: FixtureSet | InputError) -> None:
            if isinstance(outcome, InputError):
                pipeline.report_load_problems(outcome.problems)
            on_reload(outcome)

        yield lambda: watch_fixture_files(
            settings.paths, pipeline.fixtures.file_stats, load, pipeline.replace_fixtures, report
        )
    if settings.demo and address is not None:
        from mockserver.server.demo import run_demo  # noqa: PLC0415 rarely used

        yield lambda: run_demo(pipeline, address)


def _ui_routes(pipeline: ChatPipeline) -> list[Route]:
    if not pipeline.settings.page:
        return []
    ui = LazyApp(pipeline, _import_ui)
    return [
        Route("/", RootDispatch(pipeline, ui), methods=["GET"]),
        Route(ADMIN_PREFIX + "/page/{file:path}", ui),
    ]


class RootDispatch:
    """Dispatch of `/` to the web UI, unless the Host header names a vendor."""

    def __init__(self, pipeline: ChatPipeline, ui: ASGIApp) -> None:
        self.pipeline = pipeline
        self.ui = ui

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        is_vendor = match_route(read_head(scope), self.pipeline.router)
        await (self.pipeline if is_vendor else self.ui)(scope, receive, send)


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


def _import_admin() -> Callable[[ChatPipeline], ASGIApp]:
    from mockserver.admin.api import create_admin_app  # noqa: PLC0415

    return create_admin_app


class CorsDispatch:
    """Dispatch of the vendors' routes, which answer CORS preflights of every origin, as the vendors do."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self.pipeline = pipeline
        self.preflight = CORSMiddleware(
            pipeline, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        app = self.preflight if scope["method"] == "OPTIONS" else self.pipeline
        await app(scope, receive, send)
