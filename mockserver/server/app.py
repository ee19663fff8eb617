"""The composition root: builds the pipeline and the Starlette application from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette

from mockserver.errors import InputError
from mockserver.fixtures.fault_rules import parse_fault_rule
from mockserver.generation.faker_text import normalize_locale
from mockserver.matching.counter_keys import assign_rule_keys
from mockserver.matching.fixture_files import forwards_requests
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import OnReload, load_server_fixtures, watch_fixture_files
from mockserver.pipeline import ChatPipeline, OnRequestEnd
from mockserver.schema.messages import suggest_name
from mockserver.server.dispatch import RequestDispatcher
from mockserver.sessions.store import MemoryStore, SessionStore
from mockserver.settings import RECORD_MODES, REPLY_STYLES, TOKENIZERS, Settings
from mockserver.tokens.token_count import ESTIMATE
from mockserver.tokens.tokenizer import TOKENIZER_NAME, is_tokenizer_installed
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.profile_selection import VendorSelection, load_selected_profile
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor
from mockserver.wire.playback import Playback

if TYPE_CHECKING:
    from mockserver.admin.admin_services import DemoControl
    from mockserver.workers.worker_link import WorkerLink

LifespanTask = Callable[[], Coroutine[None, None, None]]


def load_vendors(
    selections: Iterable[VendorSelection] = (), tokenizer: str = ESTIMATE, *, strict_models: bool = False
) -> VendorRouter:
    """Load the shipped vendors and the selected ones; one with the name of a shipped vendor replaces it.

    A selection lists a profile that is not `listed`, and before all others: it was selected for its native paths.
    All of them count tokens by `tokenizer`; with `strict_models`, all refuse models that they do not document.

    Raises InputError for an invalid profile.
    """
    selected = [load_selected_profile(selection) for selection in selections]
    shipped = map(load_selected_profile, list_shipped_profiles())
    profiles = {profile.name: profile for profile in (*shipped, *selected)}
    promoted = {profile.name for profile in selected if not profile.listed}
    ordered = sorted(profiles.values(), key=lambda one: (one.name not in promoted, not one.listed))
    return VendorRouter(
        Vendor(
            replace(
                profile,
                listed=profile.listed or profile.name in promoted,
                strict_models=profile.strict_models or strict_models,
            ),
            tokenizer,
        )
        for profile in ordered
    )


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
    fixtures = load_server_fixtures(settings)
    pipeline = ChatPipeline(settings, router, fixtures, rules, store, playback, on_request_end)
    if settings.record is not None and forwards_requests(settings.record):
        from mockserver.recording.recording_setup import attach_forwarder  # noqa: PLC0415 only to record

        attach_forwarder(pipeline, settings.record)
    return pipeline


def _resolve_settings(settings: Settings) -> Settings:
    """Return the settings with the locale as Faker names it, and the tokenizer that is installed."""
    for flag, value, known in (
        ("--reply", settings.reply, REPLY_STYLES),
        ("--tokenizer", settings.tokenizer, TOKENIZERS),
        ("--mode", settings.record.mode if settings.record else RECORD_MODES[0], RECORD_MODES),
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
    is_replay = settings.record is not None and not forwards_requests(settings.record)
    return replace(settings, locale=locale, tokenizer=tokenizer, strict=settings.strict or is_replay)


def _check_admin_token(token: str | None) -> None:
    """Raise InputError for a token that no client can send: RFC 9110, 5.5 trims and limits the value of a header."""
    if token == "":
        raise InputError.from_message("is empty: set a token, or omit it to run without one", "--admin-token")
    if token is not None and not re.fullmatch("[!-~]([ -~]*[!-~])?", token):
        raise InputError.from_message(
            "cannot be sent in a header: use printable ASCII characters, without a space at either end",
            "--admin-token",
        )


def create_app(
    pipeline: ChatPipeline,
    on_reload: OnReload = lambda _: None,
    address: tuple[str, int] | None = None,
    authority: str | None = None,
    link: WorkerLink | None = None,
) -> RequestDispatcher:
    """Create the application. `on_reload` receives the result of every reload: the new fixtures or the problems.

    `address` is where the server will listen; the scripted clients of the demo connect to it. `authority` is the
    certificate in PEM that clients of the TLS port must trust, if it was made for this run. `link` is that of one of
    several workers; the first of them runs the demo.
    """

    @functools.cache
    def get_demo() -> DemoControl:
        from mockserver.server.demo import DemoRunner  # noqa: PLC0415 rarely used

        return DemoRunner(pipeline, cast(tuple[str, int], address))

    has_demo = address is not None
    lifespan_tasks = list(_lifespan_tasks(pipeline, on_reload, link))
    if pipeline.settings.demo and has_demo and (link is None or link.is_first):
        lifespan_tasks.append(lambda: get_demo().start())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(start()) for start in lifespan_tasks]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    lifespan_app = Starlette(lifespan=lifespan if lifespan_tasks else None)
    return RequestDispatcher(pipeline, lifespan_app, get_demo if has_demo else None, authority, link)


def _lifespan_tasks(
    pipeline: ChatPipeline, on_reload: OnReload, link: WorkerLink | None
) -> Iterator[LifespanTask]:
    """Yield the tasks that run as long as the server does: the link, the file watcher and the forwarder.

    Of several workers, the first one watches the files.
    """
    settings, forwarder = pipeline.settings, pipeline.forwarder
    folder = settings.record.folder if settings.record else None
    watched = (*settings.paths, *([folder] if folder else []))
    load = functools.partial(load_server_fixtures, settings)
    if link is not None:
        from mockserver.server.worker_tasks import WorkerTasks  # noqa: PLC0415 rarely used

        on_reload = WorkerTasks(link, pipeline, load, watched, on_reload).report_to_all
        yield link.run
        if not link.is_first:
            return
    if settings.reload and (watched or settings.section_files):

        def report(outcome: FixtureSet | InputError) -> None:
            if isinstance(outcome, InputError):
                pipeline.report_load_problems(outcome.problems)
            on_reload(outcome)

        yield lambda: watch_fixture_files(
            watched, lambda: pipeline.fixtures.file_stats, load, pipeline.replace_fixtures, report
        )
    if forwarder is not None:
        yield forwarder.run
