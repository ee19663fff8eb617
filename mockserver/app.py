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

from mockserver import origin
from mockserver.chat import Line, Report
from mockserver.errors import InputError
from mockserver.invention import voice
from mockserver.reply import tokens, vocabulary
from mockserver.session.store import Memory, Store
from mockserver.settings import PREFIX, REPLIES, TOKENIZERS, Settings
from mockserver.shape import choice, meant
from mockserver.shelf import library, rule, watch
from mockserver.shelf.matching import Shelf
from mockserver.vendors import overlay, profile
from mockserver.vendors.directory import Directory
from mockserver.vendors.vendor import Vendor
from mockserver.wire.playback import Playback

Beside = Callable[[], Coroutine[None, None, None]]


def vendors(
    files: tuple[Path, ...] = (), tokenizer: str = tokens.ESTIMATE, *, strict_models: bool = False
) -> Directory:
    """The shipped vendors, and those of these profiles; one with a shipped name takes its place.

    `tokenizer` is what all of them count by; `strict_models` has all of them refuse a model that they do not document.

    Raises InputError for a profile that is wrong.
    """
    known = {}
    for file in (*overlay.shipped(), *files):
        loaded = profile.load(file)
        if strict_models:
            loaded = replace(loaded, strict_models=True)
        known[loaded.name] = Vendor(loaded, tokenizer)
    return Directory(known.values())


def line(settings: Settings, playback: Playback, report: Report, store: Store | None = None) -> Line:
    """The line of one server; what it remembers is kept in memory, or in another store.

    Raises InputError for settings, fixtures or profiles that are wrong.
    """
    settings = _checked(settings)
    rules = tuple(
        rule.parse(text, f"flag-fault-{number}", "--fault") for number, text in enumerate(settings.faults, 1)
    )
    store = store or Memory(requests=settings.journal_size)
    known = vendors(settings.vendors, settings.tokenizer, strict_models=settings.strict_models)
    return Line(settings, known, stock(settings), rules, store, playback, report)


def _checked(settings: Settings) -> Settings:
    """The settings, the locale by Faker's own name for it, and the tokenizer that there is."""
    for flag, value, known in (
        ("--reply", settings.reply, REPLIES),
        ("--tokenizer", settings.tokenizer, TOKENIZERS),
    ):
        if value not in known:
            raise InputError.of(
                f"found {value!r}{meant(value, known) or f', expected {choice(known)}'}", flag
            )
    try:
        locale = voice.known(settings.locale)
    except ValueError as error:
        raise InputError.of(str(error), "--locale") from None
    tokenizer = settings.tokenizer
    if tokenizer == "auto":
        tokenizer = vocabulary.NAME if vocabulary.installed() else tokens.ESTIMATE
    if tokenizer == vocabulary.NAME and not vocabulary.installed():
        raise InputError.of(
            f"{tokenizer} is not installed: pip install 'mock-provider-server[tokens]'", "--tokenizer"
        )
    return replace(settings, locale=locale, tokenizer=tokenizer)


def stock(settings: Settings) -> Shelf:
    """The fixtures that a server begins with, and takes anew after an edit. Raises InputError."""
    return library.load(settings.paths, settings.fixtures_yaml)


def build(line: Line, edited: watch.Report, address: tuple[str, int] | None = None) -> Door:
    """The application. `edited` hears of every edit of a fixture file: the new shelf, or what is wrong.

    `address` is where it is going to listen; a demo, if there is to be one, calls it there.
    """

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_: Request) -> Response:
        return JSONResponse({"status": "ok", "fixtures": len(line.shelf)})

    beside = list(_beside(line, edited, address))

    @contextlib.asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(one()) for one in beside]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    steering = Later(line, _control)
    app = Starlette(
        routes=[
            *_page(line),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", steering),
            Route(PREFIX, steering),
            Route(PREFIX + "/{path:path}", steering),
            # Every vendor, by prefix, Host or native path: `vendors.directory` knows whose path it is.
            Route("/{path:path}", Open(line)),
        ],
        lifespan=living if beside else None,
    )
    app.router.redirect_slashes = False
    return Door(app, line)


class Door:
    """What no other route could want goes straight to the line, past the regular expression of each before it."""

    def __init__(self, app: Starlette, line: Line) -> None:
        *own, _ = [route for route in app.routes if isinstance(route, Route)]
        self.app = app
        self.line = line
        self.own = tuple({"/" + route.path.split("/")[1] for route in own} - {"/"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST"
        straight = posted and len(scope["path"]) > 1 and not scope["path"].startswith(self.own)
        await (self.line if straight else self.app)(scope, receive, send)


def _beside(line: Line, edited: watch.Report, address: tuple[str, int] | None) -> Iterator[Beside]:
    """What goes on beside the calls, for as long as the server runs."""
    settings = line.settings
    if settings.reload and settings.paths:
        load = functools.partial(stock, settings)

        def heard(outcome: Shelf | InputError) -> None:
            if isinstance(outcome, InputError):
                line.keep(outcome.problems)
            edited(outcome)

        yield lambda: watch.watch(settings.paths, line.shelf.look, load, line.restock, heard)
    if settings.demo and address is not None:
        from mockserver import demo  # noqa: PLC0415 few want it

        yield lambda: demo.play(line, address)


def _page(line: Line) -> list[Route]:
    if not line.settings.page:
        return []
    shown = Later(line, _window)
    return [Route("/", Front(line, shown), methods=["GET"]), Route(PREFIX + "/page/{file:path}", shown)]


class Front:
    """The root is the page's, but for whom the Host is a vendor's: that is the root of the vendor."""

    def __init__(self, line: Line, shown: ASGIApp) -> None:
        self.line = line
        self.shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = origin.place(origin.head(scope), self.line.directory)
        await (self.line if theirs else self.shown)(scope, receive, send)


class Later:
    """An application of the line, imported and made when somebody first asks for it: most servers are never steered."""

    def __init__(self, line: Line, imported: Callable[[], Callable[[Line], ASGIApp]]) -> None:
        self.line = line
        self.imported = imported

    @functools.cached_property
    def made(self) -> ASGIApp:
        return self.imported()(self.line)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "made" not in vars(self):
            await asyncio.to_thread(self.imported)  # an import on another thread makes no stream falter
        await self.made(scope, receive, send)


def _window() -> Callable[[Line], ASGIApp]:
    from mockserver.control.window import window  # noqa: PLC0415

    return window


def _control() -> Callable[[Line], ASGIApp]:
    from mockserver.control.admin import control  # noqa: PLC0415

    return control


class Open:
    """The vendors' routes are open to pages of every origin, as the vendors themselves are."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.preflight = CORSMiddleware(line, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = self.preflight if scope["method"] == "OPTIONS" else self.line
        await answering(scope, receive, send)
