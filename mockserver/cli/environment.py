"""Warnings about environment variables that look like settings of the server, and are none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

PREFIX = "MOCKSERVER_"
# Read by the pytest plugin alone.
_PLUGIN_VARIABLES = ("MOCKSERVER_URL",)
# Set by container links and by Kubernetes for a service with the name `mockserver`.
_LINK_VARIABLE = re.compile(
    "MOCKSERVER_(NAME|ENV_.*|(.*_)?SERVICE_(HOST|PORT.*)|(.*_)?PORT(_[0-9]+_(TCP|UDP).*)?)"
)
_PREFIX_SIMILARITY, _NAME_SIMILARITY = 0.9, 0.6


def find_variable_warnings(environment: Mapping[str, str], settings: Collection[str]) -> Iterator[str]:
    """Yield a warning for each mistyped variable, and for each value that ends in a carriage return.

    `settings` are the names of the variables that the server reads.
    """
    known = {*settings, *_PLUGIN_VARIABLES}
    for name, value in sorted(environment.items()):
        if name in known:
            if value.endswith("\r"):
                yield f"{name} ends in a carriage return (\\r): the file that sets it has Windows line ends"
        elif "MOCK" in name.upper() and not _LINK_VARIABLE.fullmatch(name):
            yield from _find_misspelling(name, known)


def _find_misspelling(name: str, known: Collection[str]) -> Iterator[str]:
    if name.upper().startswith(PREFIX):
        suffixes = [one.removeprefix(PREFIX) for one in known]
        near = get_close_matches(name.upper().removeprefix(PREFIX), suffixes, 1, _NAME_SIMILARITY)
        hint = f", did you mean {PREFIX}{near[0]}?" if near else "; `mockserver --help` lists them"
        yield f"{name} is not a setting{hint}"
    elif near := get_close_matches(name.upper(), list(known), 1, _PREFIX_SIMILARITY):
        yield f"{name} is not a setting, did you mean {near[0]}?"
