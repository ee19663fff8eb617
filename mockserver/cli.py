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

from mockserver import __version__, words
from mockserver.errors import InputError, Problem
from mockserver.settings import REPLIES, TOKENIZERS, Settings

if TYPE_CHECKING:
    from mockserver.shelf.matching import Shelf

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULTS = Settings()
SCHEMA = "mockserver.schema.json"


class Commands(click.Group):
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
            _complain([Problem(error.format_message())])
            raise SystemExit(2) from None
        except InputError as error:
            _complain(error.problems)
            raise SystemExit(2) from None
        except OSError as error:
            _complain([Problem(f"the output cannot be written: {error.strerror}")])
            raise SystemExit(2) from None
        raise SystemExit(code if isinstance(code, int) else 0)


class Flag(click.Option):
    """A flag with its variable. Container links set MOCKSERVER_PORT=tcp://..., which is not meant for us."""

    def __init__(self, names: Sequence[str], **attributes: Any) -> None:
        flag = next(name for name in names if name.startswith("--"))
        attributes["envvar"] = f"MOCKSERVER_{flag.removeprefix('--').replace('-', '_').upper()}"
        super().__init__(names, **{"show_envvar": True, "show_default": True} | attributes)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        return None if value and value.startswith(("tcp://", "udp://")) else value


class Port(click.IntRange):
    """A port, by that name in a message."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(0, 65535)


class RuleText(click.ParamType[str]):
    """A fault rule in one line; the variable may hold several, with `;` between them."""

    name = "rule"
    envvar_list_splitter = ";"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """A mock LLM provider: canned answers, streams and errors, as three vendors really send them.

    Without a command, `serve` is meant: `mockserver fixtures.yaml --port 9000`.
    """


def paths(*, required: bool = False, envvar: str | None = None) -> Callable[[Command], Command]:
    """The argument PATHS; whether they can be read is for the library to say, in its own words."""
    kind = click.Path(path_type=Path)
    return click.argument("paths", nargs=-1, required=required, type=kind, envvar=envvar)


def vendors() -> Callable[[Command], Command]:
    """The flag --vendor."""
    kind = click.Path(path_type=Path)
    return click.option("--vendor", "vendors", cls=Flag, multiple=True, type=kind, help="A further profile.")


@main.command()
@paths(envvar="MOCKSERVER_FIXTURES")
@click.option(
    "--fixtures-yaml", cls=Flag, default="", help="Fixtures themselves, as YAML; they go before PATHS."
)
@click.option("--host", cls=Flag, default=DEFAULTS.host, help="Address to listen on.")
@click.option("--port", cls=Flag, type=Port(), default=DEFAULTS.port, help="Port; 0 picks a free one.")
@click.option("--strict", cls=Flag, is_flag=True, help="Refuse what no fixture matches.")
@click.option("--strict-models", cls=Flag, is_flag=True, help="Refuse models that no profile documents.")
@click.option("--known-keys-only", cls=Flag, is_flag=True, help="Refuse keys that are no account.")
@click.option("--seed", cls=Flag, default=DEFAULTS.seed, help="Seed of all that is invented or varies.")
@click.option("--locale", cls=Flag, default=DEFAULTS.locale, help="Language and country of what is invented.")
@click.option(
    "--reply",
    cls=Flag,
    type=click.Choice(REPLIES),
    default=DEFAULTS.reply,
    help="What an invented text says.",
)
@click.option(
    "--tokenizer",
    cls=Flag,
    type=click.Choice(TOKENIZERS),
    default=DEFAULTS.tokenizer,
    help="What counts tokens.",
)
@vendors()
@click.option(
    "--max-body", cls=Flag, type=click.IntRange(1), default=DEFAULTS.max_body, help="Request bytes."
)
@click.option("--fault", "faults", cls=Flag, multiple=True, type=RuleText(), help="A fault rule in one line.")
@click.option(
    "--journal-size",
    cls=Flag,
    type=click.IntRange(1),
    default=DEFAULTS.journal_size,
    help="Requests that are remembered.",
)
@click.option("--admin-token", cls=Flag, metavar="TOKEN", help="What the control API is to be asked with.")
@click.option("--no-reload", cls=Flag, is_flag=True, help="Ignore edits.")
@click.option("--no-page", cls=Flag, is_flag=True, help="No live page at the root.")
@click.option("--demo", cls=Flag, is_flag=True, help="A few scripted clients call the server.")
@click.option("--log-format", cls=Flag, type=click.Choice(["text", "json"]), default=DEFAULTS.log_format)
def serve(*, no_reload: bool, no_page: bool, **flags: Any) -> None:
    """Serve the fixtures of PATHS (files or folders); without any, the shipped ones."""
    from mockserver import app, log
    from mockserver.server import Server, bind, open_wide, reached
    from mockserver.wire.playback import Playback

    flags["paths"] = _mounted(flags["paths"])
    settings = Settings(**flags, reload=not no_reload, page=not no_page)
    _exist(settings.paths)

    def told(lines: str) -> None:
        with contextlib.suppress(OSError):  # a log that cannot be written is no reason to refuse a call
            _say(lines)

    def edited(outcome: Shelf | InputError) -> None:
        with contextlib.suppress(OSError):
            if isinstance(outcome, InputError):
                _complain(outcome.problems)
            _say(words.edited(outcome, settings))

    playback, report = Playback(), log.Log(settings.log_format, told)
    line = app.line(settings, playback, report)
    open_wide()
    sock = bind(settings.host, settings.port)
    sock.listen()  # whoever reads the greeting and connects at once is answered as soon as the server has started
    server = Server(app.build(line, edited, reached(sock)), sock, playback)
    if settings.log_format == "text":
        shelf = line.shelf
        _say(words.greeting(server.address, line.directory, len(shelf), settings, len(shelf.accounts)))
    # What stands now stays, and what comes are values without circles, most of them kept in the journal: to go
    # through them all again and again is what the collector would do in the middle of answers.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        server.run()
    finally:
        report.flush()


@main.command()
@paths(required=True)
@vendors()
@click.option("--format", "form", type=click.Choice(list(words.PROBLEMS)), default="text", show_default=True)
def validate(paths: tuple[Path, ...], vendors: tuple[Path, ...], form: str) -> int:
    """Check the fixtures of PATHS. Exit code 0: good, 1: something is wrong, 2: something cannot be read."""
    from mockserver import app
    from mockserver.shelf import library, reach

    known = app.vendors(vendors).vendors
    try:
        shelf = library.load(paths)
    except InputError as error:
        if any(not problem.line for problem in error.problems):
            raise
        _say(words.PROBLEMS[form](error.problems, (), 0))
        return 1
    _say(words.PROBLEMS[form]((), list(reach.warnings(shelf, known)), len(shelf)))
    return 0


@main.command()
@paths()
@click.option("-r", "--request", required=True, type=click.Path(path_type=Path), help="A JSON file: a body.")
@vendors()
def explain(paths: tuple[Path, ...], request: Path, vendors: tuple[Path, ...]) -> None:
    """Say which fixture would answer a request, and why not the others.

    The file holds the request's body, or {"vendor": ..., "headers": {...}, "body": {...}}.
    """
    import asyncio

    from mockserver import app, document, shape
    from mockserver.control import explain as explanation
    from mockserver.wire.playback import Playback

    line = app.line(Settings(paths=paths, vendors=vendors, strict=True), Playback(), lambda _: None)
    written = document.read(request)
    value = written.value
    if isinstance(value, dict) and "body" not in value:
        written = document.of({"body": value}, written.name)
    asked = shape.read(explanation.ASKED, written)
    _say(explanation.text(asyncio.run(explanation.explain(line, asked))))


@main.command()
@click.option("--host", cls=Flag, default=DEFAULTS.host, help="Address that the server listens on.")
@click.option("--port", cls=Flag, type=Port(), default=DEFAULTS.port, help="Its port.")
@click.option("--wait", default="0s", show_default=True, help="How long it may take to become ready.")
def healthcheck(host: str, port: int, wait: str) -> int:
    """Ask a running server whether it is ready. Exit code 0: it is, 1: it is not."""
    from mockserver import duration
    from mockserver.healthcheck import NotReady, check

    try:
        check(host, port, duration.seconds(wait))
    except ValueError as error:
        raise InputError.of(str(error), "--wait") from None
    except NotReady as error:
        _complain([Problem(str(error))])
        return 1
    return 0


@main.command()
def schema() -> None:
    """Print the JSON Schema of fixture files, for editors."""
    _say(_schema())


@main.command()
@click.argument("path", default="fixtures.yaml", type=click.Path(path_type=Path))
def init(path: Path) -> None:
    """Write a commented fixture file to begin with, and its schema beside it."""
    try:
        if path.exists():
            raise InputError.of("is there already, and stays as it is; name another file", source=str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words.STARTER, "utf-8")
        (path.parent / SCHEMA).write_text(_schema() + "\n", "utf-8")
    except OSError as error:
        raise InputError.of(f"cannot be written: {error.strerror}", source=str(path)) from None
    _say(f"wrote {path} and {path.parent / SCHEMA}\nnow: mockserver {path}")


def _schema() -> str:
    import orjson

    from mockserver import record
    from mockserver.shelf.fixture import FILE

    made = record.schema(FILE, title="mockserver fixtures")
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode()


def _mounted(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The paths without an empty folder that the environment names: nothing is mounted there."""
    if click.get_current_context().get_parameter_source("paths") is not ParameterSource.ENVIRONMENT:
        return paths
    return tuple(path for path in paths if not path.is_dir() or any(path.iterdir()))


def _exist(paths: Iterable[Path]) -> None:
    """A command that is written wrong is taken for a path: say so where it helps."""
    from mockserver import shape

    for path in paths:
        near = shape.meant(str(path), main.commands)
        if near and not path.exists():
            raise InputError.of(f"no such file or folder, and no command{near}", source=str(path))


def _say(text: str) -> None:
    _print(text, "stdout")


def _complain(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _print(f"mockserver: {problem}", "stderr")


def _print(text: str, where: str) -> None:
    """Where nobody listens any more (`mockserver | head`), the server goes on in silence."""
    stream = getattr(sys, where)
    try:
        if stream is not None:
            print(text, file=stream, flush=True)
    except OSError as error:
        setattr(sys, where, None)
        if not isinstance(error, BrokenPipeError):
            raise
