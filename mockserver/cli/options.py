"""The types of options and arguments that the commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


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


def paths_argument(*, required: bool = False, envvar: str | None = None) -> Callable[[Command], Command]:
    """Return the argument PATHS. It is not checked here, so that an unreadable path is an InputError."""
    kind = click.Path(path_type=Path)
    return click.argument("paths", nargs=-1, required=required, type=kind, envvar=envvar)


def vendor_option() -> Callable[[Command], Command]:
    """Return the option --vendor."""
    kind = click.Path(path_type=Path)
    return click.option(
        "--vendor", "vendors", cls=EnvVarOption, multiple=True, type=kind, help="A further vendor profile."
    )
