"""A hint for requests that did not arrive: a proxy in the environment, to which clients may send them."""

from __future__ import annotations

import os
from urllib.parse import urlsplit


def describe_proxy(url: str) -> list[str]:
    """Return a line about the proxy that clients of a URL would use, by the environment; none without one."""
    from urllib.request import (  # type: ignore[attr-defined]  # noqa: PLC0415 imported for a failure only
        proxy_bypass_environment,
    )

    host, scheme = urlsplit(url).hostname or "", urlsplit(url).scheme
    variables = (f"{scheme.upper()}_PROXY", f"{scheme}_proxy", "ALL_PROXY", "all_proxy")
    variable = next((name for name in variables if os.environ.get(name)), None)
    if variable is None or proxy_bypass_environment(host):
        return []
    return [
        f"{variable} is set, and NO_PROXY does not contain {host}: does the client send its requests to that proxy?"
    ]
