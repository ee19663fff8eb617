"""The types of options and arguments that the commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.settings import REPLY_STYLES, TOKENIZERS, Settings

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


def create_settings(flags: Mapping[str, Any]) -> Settings:
    """Return the settings of flags, by their names in Python."""
    return Settings(**rename_negated_flags(flags))


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
