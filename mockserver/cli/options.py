"""The types of options and arguments that the commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.settings import RECORD_MODES, REPLY_STYLES, TOKENIZERS, RecordSettings, Settings
from mockserver.workers.worker_count import AUTO, MAX_WORKERS

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULTS = Settings()
IGNORED_ENVIRONMENT = object()  # the `obj` of a click context whose options ignore the environment


class EnvVarOption(click.Option):
    """An option with an environment variable of its name, `MOCKSERVER_<FLAG>`.

    Values such as `tcp://10.0.0.1:80` are ignored: container links set MOCKSERVER_PORT to one.
    """

    def __init__(self, names: Sequence[str], **attributes: Any) -> None:
        flag = next(name for name in names if name.startswith("--"))
        attributes["envvar"] = f"MOCKSERVER_{flag.removeprefix('--').replace('-', '_').upper()}"
        super().__init__(names, **{"show_envvar": True, "show_default": True} | attributes)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value; None if it is unset, empty or set by a container link."""
        if ctx.obj is IGNORED_ENVIRONMENT:
            return None
        value = super().resolve_envvar_value(ctx)
        return None if value and value.startswith(("tcp://", "udp://")) else value


class TokenOption(EnvVarOption):
    """An option whose empty environment variable is an empty value, which can then be refused."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002
        """Return the variable's value; None if it is unset."""
        return os.environ.get(str(self.envvar))


class PortParam(click.IntRange):
    """A port number."""

    name = "port"  # as messages call it

    def __init__(self) -> None:
        super().__init__(0, 65535)


class WorkerCountParam(click.IntRange):
    """A number of processes, or `auto`."""

    name = "number|auto"

    def __init__(self) -> None:
        super().__init__(1, MAX_WORKERS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; `auto` as it is."""
        return value if value == AUTO else super().convert(value, param, ctx)


class FaultRuleParam(click.ParamType[str]):
    """A fault rule in one line; the environment variable may hold several, separated by `;`."""

    name = "rule"
    envvar_list_splitter = ";"


class HostParam(click.ParamType[str]):
    """A host name; the environment variable may hold several, separated by `,`."""

    name = "host"
    envvar_list_splitter = ","


class VendorParam(click.Path):
    """A vendor profile by name or path; the environment variable may hold several, separated as paths are."""

    name = "profile"


def paths_argument(*, required: bool = False, envvar: str | None = None) -> Callable[[Command], Command]:
    """Return the argument PATHS. It is not checked here, so that an unreadable path is an InputError."""
    kind = click.Path(path_type=Path)
    return click.argument("paths", nargs=-1, required=required, type=kind, envvar=envvar)


def vendor_option() -> Callable[[Command], Command]:
    """Return the option --vendor."""
    return click.option(
        "--vendor",
        "vendors",
        cls=EnvVarOption,
        multiple=True,
        type=VendorParam(),
        help="A vendor's version (NAME@VERSION), or a profile in a file.",
    )


def answer_options(command: Command) -> Command:
    """Add the options that decide how a request is answered, of `serve` and `explain` alike."""
    for option in reversed(_ANSWER_OPTIONS):
        command = option(command)
    return command


def server_options(command: Command) -> Command:
    """Add the options of a server that listens, of `serve` and `record` alike."""
    for option in reversed(_SERVER_OPTIONS):
        command = option(command)
    return command


def worker_options(command: Command) -> Command:
    """Add the options of a server with several processes."""
    for option in reversed(_WORKER_OPTIONS):
        command = option(command)
    return command


def record_options(command: Command) -> Command:
    """Add the options of `record`."""
    for option in reversed(_RECORD_OPTIONS):
        command = option(command)
    return command


def create_settings(flags: Mapping[str, Any]) -> Settings:
    """Return the settings of flags, by their names in Python; those of `record` have `record_` before them."""
    settings = rename_negated_flags(flags)
    record = {
        name.removeprefix(_RECORD_PREFIX): settings.pop(name)
        for name in tuple(settings)
        if name.startswith(_RECORD_PREFIX)
    }
    return Settings(**settings, record=RecordSettings(**record) if record else None)


def rename_negated_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return flags as settings: `no_page=True` is `page=False`."""
    return {
        name.removeprefix("no_"): not value if name.startswith("no_") else value
        for name, value in flags.items()
    }


_ANSWER_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--fixtures-yaml",
        cls=EnvVarOption,
        default="",
        help="Fixtures as YAML text; they take precedence over PATHS.",
    ),
    click.option("--strict", cls=EnvVarOption, is_flag=True, help="Refuse requests that no fixture matches."),
    click.option(
        "--strict-models", cls=EnvVarOption, is_flag=True, help="Refuse models that no profile documents."
    ),
    click.option(
        "--known-keys-only", cls=EnvVarOption, is_flag=True, help="Refuse API keys that belong to no account."
    ),
    click.option(
        "--seed",
        cls=EnvVarOption,
        default=DEFAULTS.seed,
        help="Seed of everything that is random or generated.",
    ),
    click.option(
        "--locale", cls=EnvVarOption, default=DEFAULTS.locale, help="Language and country of generated texts."
    ),
    click.option(
        "--reply",
        cls=EnvVarOption,
        type=click.Choice(REPLY_STYLES),
        default=DEFAULTS.reply,
        help="Kind of generated texts.",
    ),
    click.option(
        "--tokenizer",
        cls=EnvVarOption,
        type=click.Choice(TOKENIZERS),
        default=DEFAULTS.tokenizer,
        help="How tokens are counted.",
    ),
    vendor_option(),
    click.option(
        "--plan",
        cls=EnvVarOption,
        type=click.Path(path_type=Path),
        help="A file with errors, faults and delays at times after the first request.",
    ),
    click.option(
        "--latency",
        cls=EnvVarOption,
        type=click.Path(path_type=Path),
        help="A file with the latency of models.",
    ),
    click.option(
        "--max-body",
        cls=EnvVarOption,
        type=click.IntRange(1),
        default=DEFAULTS.max_body,
        help="Largest request body in bytes.",
    ),
    click.option(
        "--fault",
        "faults",
        cls=EnvVarOption,
        multiple=True,
        type=FaultRuleParam(),
        help="A fault rule in one line.",
    ),
    click.option(
        "--no-mock-messages",
        cls=EnvVarOption,
        is_flag=True,
        help="Inject no error for a message like `mock 429`.",
    ),
)

_SERVER_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--host", cls=EnvVarOption, default=DEFAULTS.host, help="Address to listen on."),
    click.option(
        "--port", cls=EnvVarOption, type=PortParam(), default=DEFAULTS.port, help="Port; 0 picks a free one."
    ),
    click.option(
        "--tls-port", cls=EnvVarOption, type=PortParam(), help="A second port, for TLS; 0 picks a free one."
    ),
    click.option(
        "--tls-cert",
        cls=EnvVarOption,
        type=click.Path(path_type=Path),
        help="Its certificate in PEM; absent: that of an authority made for this run.",
    ),
    click.option(
        "--tls-key",
        cls=EnvVarOption,
        type=click.Path(path_type=Path),
        help="The key of --tls-cert, if it is in a file of its own.",
    ),
    click.option(
        "--journal-size",
        cls=EnvVarOption,
        type=click.IntRange(1),
        default=DEFAULTS.journal_size,
        help="Number of requests that the journal keeps.",
    ),
    click.option(
        "--admin-token", cls=TokenOption, metavar="TOKEN", help="Bearer token that the admin API requires."
    ),
    click.option(
        "--allowed-host",
        "allowed_hosts",
        cls=EnvVarOption,
        multiple=True,
        type=HostParam(),
        help="A Host name that the admin API accepts without a token.",
    ),
    click.option("--no-reload", cls=EnvVarOption, is_flag=True, help="Ignore edits of fixture files."),
    click.option("--no-page", cls=EnvVarOption, is_flag=True, help="Do not serve the web UI at the root."),
    click.option("--demo", cls=EnvVarOption, is_flag=True, help="Run scripted clients against the server."),
    click.option(
        "--log-format",
        cls=EnvVarOption,
        type=click.Choice(["text", "json"]),
        default=DEFAULTS.log_format,
        help="Format of the access log.",
    ),
)

_WORKER_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--workers",
        cls=EnvVarOption,
        type=WorkerCountParam(),
        default=1,
        help="Number of processes; auto is one for each core.",
    ),
    click.option(
        "--state",
        cls=EnvVarOption,
        type=click.Choice(["local"]),
        help="State of several workers; local: each has its own.",
    ),
)

_RECORD_PREFIX = "record_"
_RECORD_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--to",
        "record_folder",
        cls=EnvVarOption,
        metavar="DIR",
        required=True,
        type=click.Path(path_type=Path),
        help="Folder of the recordings.",
    ),
    click.option(
        "--upstream",
        "record_upstreams",
        cls=EnvVarOption,
        metavar="VENDOR=URL",
        multiple=True,
        help="Base URL of a vendor, in place of its own host.",
    ),
    click.option(
        "--mode",
        "record_mode",
        cls=EnvVarOption,
        type=click.Choice(RECORD_MODES),
        default=RecordSettings().mode,
        help="Which requests are forwarded.",
    ),
    click.option(
        "--mask",
        "record_masks",
        cls=EnvVarOption,
        metavar="REGEX",
        multiple=True,
        help="Mask this in the recordings, besides personal data and secrets.",
    ),
    click.option(
        "--latency-to",
        "record_latency",
        cls=EnvVarOption,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A file for the measured latency of the vendors.",
    ),
    click.option(
        "--no-mask", "record_unmasked", cls=EnvVarOption, is_flag=True, help="Mask no personal data."
    ),
)
