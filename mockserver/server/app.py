"""The composition root: settings in, Starlette out. The route table is the table of contents."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import InputError
from mockserver.fixtures.fault_rules import parse_fault_rule
from mockserver.generation.faker_text import normalize_locale
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import OnReload, load_fixture_set, watch_fixture_files
from mockserver.pipeline import ChatPipeline, OnRequestEnd
from mockserver.request.request_head import match_route, read_head
from mockserver.schema.messages import did_you_mean, format_alternatives
from mockserver.sessions.store import MemoryStore, SessionStore
from mockserver.settings import ADMIN_PREFIX, REPLY_STYLES, TOKENIZERS, Settings
from mockserver.tokens.token_count import ESTIMATE
from mockserver.tokens.tokenizer import TOKENIZER_NAME, is_tokenizer_installed
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor
from mockserver.wire.playback import Playback

LifespanTask = Callable[[], Coroutine[None, None, None]]


def load_vendors(
    files: tuple[Path, ...] = (), tokenizer: str = ESTIMATE, *, strict_models: bool = False
) -> VendorRouter:
    """The shipped vendors, and those of these profiles; one with a shipped name takes its place.

    `tokenizer` is what all of them count by; `strict_models` has all of them refuse a model that they do not document.

    Raises InputError for a profile that is wrong.
    """
    known = {}
    for file in (*list_shipped_profiles(), *files):
        loaded = load_profile(file)
        if strict_models:
            loaded = replace(loaded, strict_models=True)
        known[loaded.name] = Vendor(loaded, tokenizer)
    return VendorRouter(known.values())


def create_pipeline(
    settings: Settings, playback: Playback, on_request_end: OnRequestEnd, store: SessionStore | None = None
) -> ChatPipeline:
    """The line of one server; what it remembers is kept in memory, or in another store.

    Raises InputError for settings, fixtures or profiles that are wrong.
    """
    settings = _resolve_settings(settings)
    rules = tuple(
        parse_fault_rule(text, f"flag-fault-{number}", "--fault")
        for number, text in enumerate(settings.faults, 1)
    )
    store = store or MemoryStore(max_requests=settings.journal_size)
    known = load_vendors(settings.vendors, settings.tokenizer, strict_models=settings.strict_models)
    return ChatPipeline(settings, known, load_fixtures(settings), rules, store, playback, on_request_end)


def _resolve_settings(settings: Settings) -> Settings:
    """The settings, the locale by Faker's own name for it, and the tokenizer that there is."""
    for flag, value, known in (
        ("--reply", settings.reply, REPLY_STYLES),
        ("--tokenizer", settings.tokenizer, TOKENIZERS),
    ):
        if value not in known:
            raise InputError.from_message(
                f"found {value!r}{did_you_mean(value, known) or f', expected {format_alternatives(known)}'}",
                flag,
            )
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


def load_fixtures(settings: Settings) -> FixtureSet:
    """The fixtures that a server begins with, and takes anew after an edit. Raises InputError."""
    return load_fixture_set(settings.paths, settings.fixtures_yaml)


def create_app(
    pipeline: ChatPipeline, on_reload: OnReload, address: tuple[str, int] | None = None
) -> DirectDispatch:
    """The application. `edited` hears of every edit of a fixture file: the new shelf, or what is wrong.

    `address` is where it is going to listen; a demo, if there is to be one, calls it there.
    """

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_: Request) -> Response:
        return JSONResponse({"status": "ok", "fixtures": len(pipeline.fixtures)})

    beside = list(_lifespan_tasks(pipeline, on_reload, address))

    @contextlib.asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(one()) for one in beside]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    steering = LazyApp(pipeline, _import_admin)
    app = Starlette(
        routes=[
            *_ui_routes(pipeline),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", steering),
            Route(ADMIN_PREFIX, steering),
            Route(ADMIN_PREFIX + "/{path:path}", steering),
            # Every vendor, by prefix, Host or native path: `vendors.routing` knows whose path it is.
            Route("/{path:path}", CorsDispatch(pipeline)),
        ],
        lifespan=living if beside else None,
    )
    app.router.redirect_slashes = False
    return DirectDispatch(app, pipeline)


class DirectDispatch:
    """What no other route could want goes straight to the line, past the regular expression of each before it."""

    def __init__(self, app: Starlette, pipeline: ChatPipeline) -> None:
        *own, _ = [route for route in app.routes if isinstance(route, Route)]
        self.app = app
        self.pipeline = pipeline
        self.app_prefixes = tuple({"/" + route.path.split("/")[1] for route in own} - {"/"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST"
        straight = posted and len(scope["path"]) > 1 and not scope["path"].startswith(self.app_prefixes)
        await (self.pipeline if straight else self.app)(scope, receive, send)


def _lifespan_tasks(
    pipeline: ChatPipeline, on_reload: OnReload, address: tuple[str, int] | None
) -> Iterator[LifespanTask]:
    """What goes on beside the calls, for as long as the server runs."""
    settings = pipeline.settings
    if settings.reload and settings.paths:
        load = functools.partial(load_fixtures, settings)

        def heard(outcome: FixtureSet | InputError) -> None:
            if isinstance(outcome, InputError):
                pipeline.report_load_problems(outcome.problems)
            on_reload(outcome)

        yield lambda: watch_fixture_files(
            settings.paths, pipeline.fixtures.file_stats, load, pipeline.replace_fixtures, heard
        )
    if settings.demo and address is not None:
        from mockserver.server.demo import run_demo  # noqa: PLC0415 few want it

        yield lambda: run_demo(pipeline, address)


def _ui_routes(pipeline: ChatPipeline) -> list[Route]:
    if not pipeline.settings.page:
        return []
    shown = LazyApp(pipeline, _import_ui)
    return [
        Route("/", RootDispatch(pipeline, shown), methods=["GET"]),
        Route(ADMIN_PREFIX + "/page/{file:path}", shown),
    ]


class RootDispatch:
    """The root is the page's, but for whom the Host is a vendor's: that is the root of the vendor."""

    def __init__(self, pipeline: ChatPipeline, ui: ASGIApp) -> None:
        self.pipeline = pipeline
        self.ui = ui

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = match_route(read_head(scope), self.pipeline.router)
        await (self.pipeline if theirs else self.ui)(scope, receive, send)


class LazyApp:
    """An application of the line, imported and made when somebody first asks for it: most servers are never steered."""

    def __init__(
        self, pipeline: ChatPipeline, import_factory: Callable[[], Callable[[ChatPipeline], ASGIApp]]
    ) -> None:
        self.pipeline = pipeline
        self.import_factory = import_factory

    @functools.cached_property
    def app(self) -> ASGIApp:
        return self.import_factory()(self.pipeline)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "app" not in vars(self):
            await asyncio.to_thread(self.import_factory)  # an import on another thread makes no stream falter
        await self.app(scope, receive, send)


def _import_ui() -> Callable[[ChatPipeline], ASGIApp]:
    from mockserver.ui.static_files import create_ui_app  # noqa: PLC0415

    return create_ui_app


def _import_admin() -> Callable[[ChatPipeline], ASGIApp]:
    from mockserver.admin.api import create_admin_app  # noqa: PLC0415

    return create_admin_app


class CorsDispatch:
    """The vendors' routes are open to pages of every origin, as the vendors themselves are."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self.pipeline = pipeline
        self.preflight = CORSMiddleware(
            pipeline, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = self.preflight if scope["method"] == "OPTIONS" else self.pipeline
        await answering(scope, receive, send)
