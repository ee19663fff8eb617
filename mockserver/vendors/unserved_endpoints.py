"""Endpoints that a vendor has and this server does not serve, so that a 404 can say so."""

from __future__ import annotations

import re

from mockserver.vendors.profile import VendorProfile

_MAX_HINT_LENGTH = 200  # characters of the header


class UnservedEndpoints:
    """The endpoints of one profile that this server does not serve."""

    def __init__(self, profile: VendorProfile) -> None:
        self._title = profile.title
        self._chat_path = profile.paths.chat[0]
        self._patterns = [(name, _compile_endpoint(name)) for name in profile.unserved]

    def explain(self, method: str, path: str) -> str | None:
        """Return that the vendor has an endpoint at this path; None if it is not known to have one."""
        method = "GET" if method == "HEAD" else method
        request_line = f"{method} {path}"
        name = next((name for name, pattern in self._patterns if pattern.fullmatch(request_line)), None)
        if name is None:
            return None
        return (
            f"{self._title} has {name}; this server does not serve it. "
            f"Chat completions are at {self._chat_path}"
        )


def format_hint_header(hint: str) -> tuple[str, str]:
    """Return the header `x-mock-hint` with the hint in printable ASCII, at most 200 characters."""
    return "x-mock-hint", re.sub(r"[^ -~]", "?", hint)[:_MAX_HINT_LENGTH]


def _compile_endpoint(name: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}/]*\\\}", "[^/]+", re.escape(name)))
