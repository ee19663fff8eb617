"""A hint for requests that did not arrive: a proxy in the environment, to which clients may send them."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

_PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def describe_proxy(url: str) -> list[str]:
    """Return a line about the proxy that clients of a URL would use, by the environment; none without one."""
    from urllib.request import (  # type: ignore[attr-defined]  # noqa: PLC0415 imported for a failure only
        proxy_bypass_environment,
    )

    host = urlsplit(url).hostname or ""
    variable = next((name for name in _PROXY_VARIABLES if os.environ.get(name)), None)
    if variable is None or proxy_bypass_environment(host):
        return []
    return [
        f"{variable} is set, and NO_PROXY does not contain {host}: does the client send its requests to that proxy?"
    ]
