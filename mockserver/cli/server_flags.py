"""The flags of `mockserver serve` in the configuration of pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from mockserver.cli.main import serve
from mockserver.cli.options import IGNORED_ENVIRONMENT, rename_negated_flags


def parse_server_flags(arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """Return the settings that the flags name, without those of the environment; paths are relative to the folder.

    Raises ValueError for invalid flags.
    """
    try:
        context = serve.make_context("mockserver", list(arguments), obj=IGNORED_ENVIRONMENT)
    except click.exceptions.Exit:
        raise ValueError("found --help, expected flags that configure a server") from None
    except click.ClickException as error:
        raise ValueError(error.format_message()) from None
    flags = {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if "workers" in flags:
        raise ValueError("found --workers, expected flags of a server with one process")
    for name in {"paths", "vendors"} & flags.keys():
        flags[name] = tuple(folder / path if (folder / path).exists() else path for path in flags[name])
    for name in {"plan", "latency", "tls_cert", "tls_key"} & flags.keys():
        flags[name] = folder / flags[name]
    flags.pop("state", None)
    return rename_negated_flags(flags)
