"""The commands. Every flag is also `MOCKSERVER_<FLAG>`; the flag goes before the environment.

Each command imports what it needs: a container asks for its health every few seconds.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from mockserver import __version__
from mockserver.cli.output import PROBLEM_FORMATTERS, STARTER_FIXTURES, format_banner, format_reload_message
from mockserver.errors import InputError, Problem
from mockserver.settings import REPLY_STYLES, TOKENIZERS, Settings

if TYPE_CHECKING:
    from mockserver.matching.fixture_set import FixtureSet

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULTS = Settings()
SCHEMA_FILENAME = "mockserver.schema.json"


class CommandGroup(click.Group):
    """`serve` is what is meant when no command is named; what is wrong is one line, and exit code 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"-h", "--help", "--version", *self.commands}
        return super().parse_args(ctx, args if args and args[0] in own else ["serve", *args])

    def main(self, *args: Any, **extra: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A terminal that lacks a character is no reason to fall silent.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.ClickException as error:
            _print_problems([Problem(error.format_message())])
            raise SystemExit(2) from None
        except InputError as error:
            _print_problems(error.problems)
            raise SystemExit(2) from None
        except OSError as error:
            _print_problems([Problem(f"the output cannot be written: {error.strerror}")])
            raise SystemExit(2) from None
        raise SystemExit(code if isinstance(code, int) else 0)


class EnvVarOption(click.Option):
    """A flag with its variable. Container links set MOCKSERVER_PORT=tcp://..., which is not meant for us."""

    def __init__(self, names: Sequence[str], **attributes: Any) -> None:
        flag = next(name for name in names if name.startswith("--"))
        attributes["envvar"] = f"MOCKSERVER_{flag.removeprefix('--').replace('-', '_').upper()}"
        super().__init__(names, **{"show_envvar": True, "show_default": True} | attributes)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        return None if value and value.startswith(("tcp://", "udp://")) else value


class PortParam(click.IntRange):
    """A port, by that name in a message."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(0, 65535)


class FaultRuleParam(click.ParamType[str]):
    """A fault rule in one line; the variable may hold several, with `;` between them."""

    name = "rule"
    envvar_list_splitter = ";"


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """A mock LLM provider: canned answers, streams and errors, as three vendors really send them.

    Without a command, `serve` is meant: `mockserver fixtures.yaml --port 9000`.
    """


def paths_argument(*, required: bool = False, envvar: str | None = None) -> Callable[[Command], Command]:
    """The argument PATHS; whether they can be read is for the library to say, in its own words."""
    kind = click.Path(path_type=Path)
    return click.argument("paths", nargs=-1, required=required, type=kind, envvar=envvar)


def vendor_option() -> Callable[[Command], Command]:
    """The flag --vendor."""
    kind = click.Path(path_type=Path)
    return click.option(
        "--vendor", "vendors", cls=EnvVarOption, multiple=True, type=kind, help="A further profile."
    )


@main.command()
@paths_argument(envvar="MOCKSERVER_FIXTURES")
@click.option(
    "--fixtures-yaml",
    cls=EnvVarOption,
    default="",
    help="Fixtures themselves, as YAML; they go before PATHS.",
)
@click.option("--host", cls=EnvVarOption, default=DEFAULTS.host, help="Address to listen on.")
@click.option(
    "--port", cls=EnvVarOption, type=PortParam(), default=DEFAULTS.port, help="Port; 0 picks a free one."
)
@click.option("--strict", cls=EnvVarOption, is_flag=True, help="Refuse what no fixture matches.")
@click.option(
    "--strict-models", cls=EnvVarOption, is_flag=True, help="Refuse models that no profile documents."
)
@click.option("--known-keys-only", cls=EnvVarOption, is_flag=True, help="Refuse keys that are no account.")
@click.option(
    "--seed", cls=EnvVarOption, default=DEFAULTS.seed, help="Seed of all that is invented or varies."
)
@click.option(
    "--locale", cls=EnvVarOption, default=DEFAULTS.locale, help="Language and country of what is invented."
)
@click.option(
    "--reply",
    cls=EnvVarOption,
    type=click.Choice(REPLY_STYLES),
    default=DEFAULTS.reply,
    help="What an invented text says.",
)
@click.option(
    "--tokenizer",
    cls=EnvVarOption,
    type=click.Choice(TOKENIZERS),
    default=DEFAULTS.tokenizer,
    help="What counts tokens.",
)
@vendor_option()
@click.option(
    "--max-body", cls=EnvVarOption, type=click.IntRange(1), default=DEFAULTS.max_body, help="Request bytes."
)
@click.option(
    "--fault",
    "faults",
    cls=EnvVarOption,
    multiple=True,
    type=FaultRuleParam(),
    help="A fault rule in one line.",
)
@click.option(
    "--journal-size",
    cls=EnvVarOption,
    type=click.IntRange(1),
    default=DEFAULTS.journal_size,
    help="Requests that are remembered.",
)
@click.option(
    "--admin-token", cls=EnvVarOption, metavar="TOKEN", help="What the control API is to be asked with."
)
@click.option("--no-reload", cls=EnvVarOption, is_flag=True, help="Ignore edits.")
@click.option("--no-page", cls=EnvVarOption, is_flag=True, help="No live page at the root.")
@click.option("--demo", cls=EnvVarOption, is_flag=True, help="A few scripted clients call the server.")
@click.option(
    "--log-format", cls=EnvVarOption, type=click.Choice(["text", "json"]), default=DEFAULTS.log_format
)
def serve(*, no_reload: bool, no_page: bool, **flags: Any) -> None:
    """Serve the fixtures of PATHS (files or folders); without any, the shipped ones."""
    from mockserver.server import app
    from mockserver.server.access_log import AccessLog
    from mockserver.server.app import create_app
    from mockserver.server.uvicorn_server import (
        BackgroundServer,
        bind_socket,
        get_connect_address,
        raise_fd_limit,
    )
    from mockserver.wire.playback import Playback

    flags["paths"] = _drop_empty_mounts(flags["paths"])
    settings = Settings(**flags, reload=not no_reload, page=not no_page)
    _reject_mistyped_command(settings.paths)

    def told(lines: str) -> None:
        with contextlib.suppress(OSError):  # a log that cannot be written is no reason to refuse a call
            _print_output(lines)

    def edited(outcome: FixtureSet | InputError) -> None:
        with contextlib.suppress(OSError):
            if isinstance(outcome, InputError):
                _print_problems(outcome.problems)
            _print_output(format_reload_message(outcome, settings))

    playback, report = Playback(), AccessLog(settings.log_format, told)
    line = app.create_pipeline(settings, playback, report)
    raise_fd_limit()
    sock = bind_socket(settings.host, settings.port)
    sock.listen()  # whoever reads the greeting and connects at once is answered as soon as the server has started
    server = BackgroundServer(create_app(line, edited, get_connect_address(sock)), sock, playback)
    if settings.log_format == "text":
        shelf = line.fixtures
        _print_output(format_banner(server.address, line.router, len(shelf), settings, len(shelf.accounts)))
    # What stands now stays, and what comes are values without circles, most of them kept in the journal: to go
    # through them all again and again is what the collector would do in the middle of answers.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        server.run()
    finally:
        report.flush()


@main.command()
@paths_argument(required=True)
@vendor_option()
@click.option(
    "--format", "form", type=click.Choice(list(PROBLEM_FORMATTERS)), default="text", show_default=True
)
def validate(paths: tuple[Path, ...], vendors: tuple[Path, ...], form: str) -> int:
    """Check the fixtures of PATHS. Exit code 0: good, 1: something is wrong, 2: something cannot be read."""
    from mockserver.matching.loader import load_fixture_set
    from mockserver.matching.shadowing import lint_fixtures
    from mockserver.server.app import load_vendors

    known = load_vendors(vendors).vendors
    try:
        shelf = load_fixture_set(paths)
    except InputError as error:
        if any(not problem.line for problem in error.problems):
            raise
        _print_output(PROBLEM_FORMATTERS[form](error.problems, (), 0))
        return 1
    _print_output(PROBLEM_FORMATTERS[form]((), list(lint_fixtures(shelf, known)), len(shelf)))
    return 0


@main.command()
@paths_argument()
@click.option("-r", "--request", required=True, type=click.Path(path_type=Path), help="A JSON file: a body.")
@vendor_option()
def explain(paths: tuple[Path, ...], request: Path, vendors: tuple[Path, ...]) -> None:
    """Say which fixture would answer a request, and why not the others.

    The file holds the request's body, or {"vendor": ..., "headers": {...}, "body": {...}}.
    """
    import asyncio

    from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input, format_dry_run
    from mockserver.schema.field_types import read_document
    from mockserver.schema.yaml_document import document_from_value, load_document
    from mockserver.server import app
    from mockserver.wire.playback import Playback

    line = app.create_pipeline(
        Settings(paths=paths, vendors=vendors, strict=True), Playback(), lambda _: None
    )
    written = load_document(request)
    value = written.value
    if isinstance(value, dict) and "body" not in value:
        written = document_from_value({"body": value}, written.name)
    asked = read_document(EXPLAIN_INPUT, written)
    _print_output(format_dry_run(asyncio.run(dry_run_input(line, asked))))


@main.command()
@click.option("--host", cls=EnvVarOption, default=DEFAULTS.host, help="Address that the server listens on.")
@click.option("--port", cls=EnvVarOption, type=PortParam(), default=DEFAULTS.port, help="Its port.")
@click.option("--wait", default="0s", show_default=True, help="How long it may take to become ready.")
def healthcheck(host: str, port: int, wait: str) -> int:
    """Ask a running server whether it is ready. Exit code 0: it is, 1: it is not."""
    from mockserver.cli.healthcheck import NotReady, wait_until_ready
    from mockserver.schema.durations import parse_duration

    try:
        wait_until_ready(host, port, parse_duration(wait))
    except ValueError as error:
        raise InputError.from_message(str(error), "--wait") from None
    except NotReady as error:
        _print_problems([Problem(str(error))])
        return 1
    return 0


@main.command()
def schema() -> None:
    """Print the JSON Schema of fixture files, for editors."""
    _print_output(_schema_json())


@main.command()
@click.argument("path", default="fixtures.yaml", type=click.Path(path_type=Path))
def init(path: Path) -> None:
    """Write a commented fixture file to begin with, and its schema beside it."""
    try:
        if path.exists():
            raise InputError.from_message(
                "is there already, and stays as it is; name another file", source=str(path)
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STARTER_FIXTURES, "utf-8")
        (path.parent / SCHEMA_FILENAME).write_text(_schema_json() + "\n", "utf-8")
    except OSError as error:
        raise InputError.from_message(f"cannot be written: {error.strerror}", source=str(path)) from None
    _print_output(f"wrote {path} and {path.parent / SCHEMA_FILENAME}\nnow: mockserver {path}")


def _schema_json() -> str:
    import orjson

    from mockserver.fixtures.fixture import FIXTURE_FILE
    from mockserver.schema.object_types import create_json_schema

    made = create_json_schema(FIXTURE_FILE, title="mockserver fixtures")
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode()


def _drop_empty_mounts(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The paths without an empty folder that the environment names: nothing is mounted there."""
    if click.get_current_context().get_parameter_source("paths") is not ParameterSource.ENVIRONMENT:
        return paths
    return tuple(path for path in paths if not path.is_dir() or any(path.iterdir()))


def _reject_mistyped_command(paths: Iterable[Path]) -> None:
    """A command that is written wrong is taken for a path: say so where it helps."""
    from mockserver.schema.messages import did_you_mean

    for path in paths:
        near = did_you_mean(str(path), main.commands)
        if near and not path.exists():
            raise InputError.from_message(f"no such file or folder, and no command{near}", source=str(path))


def _print_output(text: str) -> None:
    _print_line(text, "stdout")


def _print_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _print_line(f"mockserver: {problem}", "stderr")


def _print_line(text: str, stream_name: str) -> None:
    """Where nobody listens any more (`mockserver | head`), the server goes on in silence."""
    stream = getattr(sys, stream_name)
    try:
        if stream is not None:
            print(text, file=stream, flush=True)
    except OSError as error:
        setattr(sys, stream_name, None)
        if not isinstance(error, BrokenPipeError):
            raise
