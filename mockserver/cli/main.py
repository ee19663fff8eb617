"""The commands. Every flag is also an environment variable, `MOCKSERVER_<FLAG>`; the flag takes precedence.

Each command imports what it needs, so that the health check, which a container runs every few seconds, starts fast.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from mockserver import __version__
from mockserver.cli.options import (
    DEFAULTS,
    EnvVarOption,
    PortParam,
    TokenOption,
    answer_options,
    create_settings,
    paths_argument,
    record_options,
    server_options,
    vendor_option,
    worker_options,
)
from mockserver.cli.output import (
    PROBLEM_FORMATTERS,
    REPORT_FORMATS,
    STARTER_FIXTURES,
)
from mockserver.cli.server_messages import format_warnings
from mockserver.errors import InputError, Problem
from mockserver.settings import Settings

SCHEMA_FILENAME = "mockserver.schema.json"


class CommandGroup(click.Group):
    """The group of all commands; `serve` is the default. An error is one line on stderr, with exit code 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `serve` if the first argument is not a command."""
        known = {"-h", "--help", "--version", *self.commands}
        return super().parse_args(ctx, args if args and args[0] in known else ["serve", *args])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of `serve` below the list of commands, because it is the default command."""
        options = [one for one in self.commands["serve"].params if isinstance(one, click.Option)]
        records = [one.get_help_record(ctx) for one in options]
        with formatter.section("Options of the server (`mockserver [serve] [OPTIONS] [PATHS]...`)"):
            formatter.write_dl([record for record in records if record])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and exit with its code."""
        _prepare_stream("stdout")
        _prepare_stream("stderr")
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


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """Run a mock LLM provider: canned responses, streams and errors in the formats of three real vendors.

    The default command is `serve`: `mockserver fixtures.yaml --port 9000`.
    """


@main.command()
@paths_argument(envvar="MOCKSERVER_FIXTURES")
@answer_options
@server_options
@worker_options
def serve(*, workers: int | str, state: str | None, **flags: Any) -> int:
    """Serve the fixtures of PATHS (files or folders); without any, the shipped ones."""
    from mockserver.workers.worker_count import resolve_worker_count

    settings = _read_settings(flags)
    if workers != 1 and state is None:
        raise InputError.from_message(
            "several workers cannot share sessions, limits and journal yet: add --state local to give each worker "
            "its own, or use one worker",
            "--workers",
        )
    if (count := resolve_worker_count(workers)) > 1:
        from mockserver.cli.worker_run import run_workers

        return run_workers(settings, count)
    from mockserver.cli.server_run import run_server

    run_server(settings)
    return 0


@main.command()
@paths_argument(envvar="MOCKSERVER_FIXTURES")
@record_options
@answer_options
@server_options
def record(**flags: Any) -> None:
    """Serve PATHS and the recordings in DIR; forward all other requests to the real vendors, and record them."""
    from mockserver.cli.server_run import run_server

    run_server(_read_settings(flags))


class ExecCommand(click.Command):
    """A command whose arguments after `--` are the command line of a program."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the parts of the usage line."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows `--` in the context, and parse the rest."""
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = args[end + 1 :]
        rest = super().parse_args(ctx, args[:end])
        if not ctx.obj:
            raise click.UsageError("a command is missing: mockserver exec [OPTIONS] [PATHS] -- COMMAND", ctx)
        return rest


@main.command("exec", cls=ExecCommand)
@paths_argument(envvar="MOCKSERVER_FIXTURES")
@answer_options
@click.option("--port", type=PortParam(), default=0, show_default=True, help="Port of the server.")
@click.option(
    "--allow", multiple=True, metavar="HOST", help="Let calls to this host through; *.HOST: its subdomains."
)
@click.option("--allow-all", is_flag=True, help="Let calls to all other hosts through.")
@click.pass_context
def exec_command(ctx: click.Context, /, *, allow: tuple[str, ...], allow_all: bool, **flags: Any) -> int:
    """Run COMMAND; its calls to the vendors' own hosts are answered by a server with the fixtures of PATHS.

    The exit code is that of COMMAND. Calls to other hosts are refused, and listed at the end.
    """
    from mockserver.cli.exec_run import run_with_server

    result = run_with_server(_read_settings(flags), ctx.obj, allow, allow_all=allow_all)
    _print_problems(map(Problem, result.lines))
    return result.exit_code


@main.command()
@paths_argument(required=True)
@vendor_option()
@click.option(
    "--format", "form", type=click.Choice(list(PROBLEM_FORMATTERS)), default="text", show_default=True
)
def validate(paths: tuple[Path, ...], vendors: tuple[str, ...], form: str) -> int:
    """Check the fixtures of PATHS. Exit code 0: valid, 1: problems were found, 2: a file cannot be read."""
    from mockserver.matching.dropped_reasoning import find_dropped_reasoning
    from mockserver.matching.loader import load_fixture_set
    from mockserver.matching.shadowing import lint_fixtures
    from mockserver.server.app import load_vendors

    known_vendors = load_vendors(vendors).vendors
    try:
        fixtures = load_fixture_set(paths)
    except InputError as error:
        if any(not problem.line for problem in error.problems):
            raise
        _print_output(PROBLEM_FORMATTERS[form](error.problems, (), 0))
        return 1
    warnings = [*lint_fixtures(fixtures, known_vendors), *find_dropped_reasoning(fixtures, known_vendors)]
    _print_output(PROBLEM_FORMATTERS[form]((), warnings, len(fixtures)))
    return 0


@main.command()
@paths_argument(envvar="MOCKSERVER_FIXTURES")
@click.option(
    "-r", "--request", required=True, type=click.Path(path_type=Path), help="A JSON file with the request."
)
@answer_options
def explain(*, request: Path, **flags: Any) -> None:
    """Report how a server with these flags would answer a request, and why other fixtures would not.

    The file holds the request's body, or {"vendor": ..., "headers": {...}, "body": {...}}.
    """
    import asyncio

    from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input, format_dry_run
    from mockserver.schema.field_types import read_document
    from mockserver.schema.yaml_document import document_from_value, load_document
    from mockserver.server import app
    from mockserver.wire.playback import Playback

    flags["paths"] = _drop_empty_mounts(flags["paths"])
    settings = create_settings(flags)
    _print_variable_warnings(settings)
    pipeline = app.create_pipeline(settings, Playback(), lambda _: None)
    document = load_document(request)
    value = document.value
    if isinstance(value, dict) and "body" not in value:
        document = document_from_value({"body": value}, document.name)
    explain_input = read_document(EXPLAIN_INPUT, document)
    _print_output(format_dry_run(asyncio.run(dry_run_input(pipeline, explain_input))))


@main.command()
@click.option("--host", cls=EnvVarOption, default=DEFAULTS.host, help="Address of the server.")
@click.option("--port", cls=EnvVarOption, type=PortParam(), default=DEFAULTS.port, help="Its port.")
@click.option("--pid", type=click.IntRange(1), help="Its process, whose flags take precedence (on Linux).")
@click.option("--wait", default="0s", show_default=True, help="Time that it may take to become ready.")
def healthcheck(host: str, port: int, pid: int | None, wait: str) -> int:
    """Check that a running server is ready. Exit code 0: ready, 1: not ready."""
    from mockserver.cli.healthcheck import NotReady, read_server_arguments, wait_until_ready
    from mockserver.schema.durations import parse_duration

    if pid and (arguments := read_server_arguments(pid)):
        settings = _parse_server_flags(arguments)
        host, port = settings.get("host") or host, settings.get("port") or port
    try:
        wait_until_ready(host, port, parse_duration(wait))
    except ValueError as error:
        raise InputError.from_message(str(error), "--wait") from None
    except NotReady as error:
        _print_problems([Problem(str(error))])
        return 1
    return 0


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--url", cls=EnvVarOption, default="http://127.0.0.1:8402", help="The server, without FILE.")
@click.option("--admin-token", cls=TokenOption, metavar="TOKEN", help="Its admin token.")
@click.option("--session", help="Examine this session only.")
@click.option("--format", "form", type=click.Choice(REPORT_FORMATS), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["error", "advice"]), default="error", show_default=True)
def report(
    file: Path | None, url: str, admin_token: str | None, session: str | None, form: str, fail_on: str
) -> int:
    """Report what clients did wrong, by the requests of a server or of FILE, an exported journal.

    Exit code 0: nothing was found, 1: there are errors (or advice, with --fail-on advice), 2: no requests can be read.
    """
    from mockserver.client.session_client import Remote
    from mockserver.report.journal_file import load_journal_file
    from mockserver.report.report_formats import REPORT_FORMATTERS
    from mockserver.report.resilience_report import assess_attempts

    try:
        if file is not None:
            result = assess_attempts(*load_journal_file(file, session))
        else:
            server = Remote(url, admin_token)
            result = (server.session(session) if session else server).report()
    except (ConnectionError, ValueError) as error:
        raise InputError.from_message(str(error)) from None
    _print_output(REPORT_FORMATTERS[form](result, fail_on))
    return 1 if result.select_failures(fail_on) else 0


@main.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the fixtures."
)
@click.option(
    "--default-vendor", default="openai", show_default=True, help="Vendor of requests without a host."
)
@click.option("--upstream", "upstreams", metavar="VENDOR=URL", multiple=True, help="A base URL of a vendor.")
@click.option("--mask", "masks", metavar="REGEX", multiple=True, help="Mask this, besides personal data.")
@click.option("--no-mask", is_flag=True, help="Mask no personal data.")
def import_command(
    *,
    files: tuple[Path, ...],
    folder: Path,
    default_vendor: str,
    upstreams: tuple[str, ...],
    masks: tuple[str, ...],
    no_mask: bool,
) -> int:
    """Write recordings of other programs as fixtures: vcrpy cassettes, HAR, aimock fixtures, JSON lines.

    Exit code 0: all is imported, 1: some is not, and reported, 2: a file cannot be read or written.
    """
    from mockserver.cli.exchange_files import create_exchange_mask, format_import, import_recordings

    mask = create_exchange_mask(masks, is_off=no_mask)
    result = import_recordings(files, folder, default_vendor, upstreams, mask)
    _print_problems(result.problems)
    _print_output(format_import(result))
    return 1 if result.problems else 0


@main.command("export")
@click.option("--format", "form", type=click.Choice(["jsonl", "har"]), default="jsonl", show_default=True)
@click.option("--url", cls=EnvVarOption, default="http://127.0.0.1:8402", help="The server.")
@click.option("--admin-token", cls=TokenOption, metavar="TOKEN", help="Its admin token.")
@click.option("--session", help="Export this session only.")
@click.option("--output", type=click.Path(path_type=Path), help="File to write; absent: standard output.")
@click.option("--mask", "masks", metavar="REGEX", multiple=True, help="Mask this, besides personal data.")
@click.option("--no-mask", is_flag=True, help="Mask no personal data.")
def export_command(
    *,
    form: str,
    url: str,
    admin_token: str | None,
    session: str | None,
    output: Path | None,
    masks: tuple[str, ...],
    no_mask: bool,
) -> None:
    """Write the requests of a running server, the oldest first, as JSON lines or as an HTTP archive (HAR)."""
    from mockserver.cli.exchange_files import create_exchange_mask, export_journal
    from mockserver.schema.atomic_file import write_text_file

    text = export_journal(
        url, admin_token, session, form, create_exchange_mask(masks, is_off=no_mask)
    ).decode()
    if output is None:
        _print_output(text.removesuffix("\n"))
        return
    write_text_file(output, text)
    _print_output(f"wrote {output}")


@main.command()
def schema() -> None:
    """Print the JSON Schema of fixture files, for editors."""
    _print_output(_schema_json())


@main.command()
def docs() -> None:
    """Print a page for coding agents: fixtures, pytest, errors, the grammar."""
    from mockserver.schema.yaml_document import read_text_file

    _print_output(read_text_file(Path(__file__).parents[1] / "llms.txt").rstrip("\n"))


@main.command()
@click.argument("path", default="fixtures.yaml", type=click.Path(path_type=Path))
def init(path: Path) -> None:
    """Write a commented fixture file as a starting point, and its schema next to it."""
    try:
        if path.exists():
            raise InputError.from_message(
                "exists already and is not changed; choose another file", source=str(path)
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STARTER_FIXTURES, "utf-8")
        (path.parent / SCHEMA_FILENAME).write_text(_schema_json() + "\n", "utf-8")
    except OSError as error:
        raise InputError.from_message(f"cannot be written: {error.strerror}", source=str(path)) from None
    _print_output(f"wrote {path} and {path.parent / SCHEMA_FILENAME}\nnext: mockserver {path}")


def _parse_server_flags(arguments: list[str]) -> dict[str, Any]:
    """Return the settings that a server's arguments and the environment give; invalid ones are left out."""
    name, *flags = arguments if arguments[0] in main.commands else ["serve", *arguments]
    return main.commands[name].make_context(name, flags, resilient_parsing=True).params


def _schema_json() -> str:
    import orjson

    from mockserver.fixtures.fixture import FIXTURE_FILE
    from mockserver.schema.object_types import create_json_schema

    json_schema = create_json_schema(FIXTURE_FILE, title="mockserver fixtures")
    return orjson.dumps(json_schema, option=orjson.OPT_INDENT_2).decode()


def _read_settings(flags: dict[str, Any]) -> Settings:
    """Return the settings of a server; print warnings about the environment. Raises InputError."""
    flags["paths"] = _drop_empty_mounts(flags["paths"])
    settings = create_settings(flags)
    _print_variable_warnings(settings)
    _reject_mistyped_command(settings.paths)
    return settings


def _print_variable_warnings(settings: Settings) -> None:
    """Print a warning for each environment variable that is probably mistyped."""
    from mockserver.cli.environment import find_variable_warnings

    known = {str(one.envvar) for command in main.commands.values() for one in command.params if one.envvar}
    if warnings := format_warnings(find_variable_warnings(os.environ, known), settings):
        _print_line(warnings, "stderr")


def _drop_empty_mounts(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the paths without empty folders if the environment names them: no volume is mounted there."""
    if click.get_current_context().get_parameter_source("paths") is not ParameterSource.ENVIRONMENT:
        return paths
    return tuple(path for path in paths if not path.is_dir() or any(path.iterdir()))


def _reject_mistyped_command(paths: Iterable[Path]) -> None:
    """Raise InputError for a missing path that looks like a mistyped command."""
    from mockserver.schema.messages import did_you_mean

    for path in paths:
        suggestion = did_you_mean(str(path), main.commands)
        if suggestion and not path.exists():
            raise InputError.from_message(
                f"no such file or folder, and no command{suggestion}", source=str(path)
            )


def _prepare_stream(name: str) -> None:
    """Let a stream escape the characters that its terminal lacks; treat one that is closed as absent."""
    stream = getattr(sys, name)
    if getattr(stream, "closed", False):
        setattr(sys, name, None)
    elif isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _print_output(text: str) -> None:
    _print_line(text, "stdout")


def _print_problems(problems: Iterable[Problem]) -> None:
    for line in _format_problems(problems):
        _print_line(line, "stderr")


def _format_problems(problems: Iterable[Problem]) -> Iterator[str]:
    from mockserver.server.log_writer import escape_controls

    for problem in problems:
        yield f"mockserver: {escape_controls(str(problem))}"


def _print_line(text: str, stream_name: str) -> None:
    """Print a line; if the reader of the pipe has gone (`mockserver schema | head`), print nothing more."""
    stream = getattr(sys, stream_name)
    try:
        if stream is not None:
            print(text, file=stream, flush=True)
    except OSError as error:
        setattr(sys, stream_name, None)
        if not isinstance(error, BrokenPipeError):
            raise
