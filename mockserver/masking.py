"""Masking of secrets: API keys, and the headers, cookies and query parameters that contain credentials."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

_SECRET_NAME = re.compile(
    r"auth|key|token|secret|cookie|pass|pwd|credential|jwt|signature|session", re.IGNORECASE
)
# The mock's own header names a session of the journal; rate limits count tokens.
_PUBLIC_NAME = re.compile(r"x-mock-session|(?:x-)?ratelimit-.*", re.IGNORECASE)
_AUTHORIZATION = ("authorization", "proxy-authorization")
# https://www.iana.org/assignments/http-authschemes, and those that vendors use
_SCHEME = re.compile(r"(?:basic|bearer|digest|negotiate|token|key|api-?key)", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"=\s*\"?([^;,\"]*)")
_MIN_REDACTED_LENGTH, _LONG_SECRET = 8, 16  # characters; shorter values occur in ordinary text


def mask_key(key: Any) -> str:
    """Return a text that identifies a key without showing it: its first characters and the id of its account."""
    text = str(key)
    return f"{text[:3] if len(text) > 8 else ''}… ({derive_key_session(text)})"


def is_secret_header(name: str) -> bool:
    """Return whether a header or query parameter with this name may contain a secret."""
    return _SECRET_NAME.search(name) is not None and _PUBLIC_NAME.fullmatch(name) is None


def derive_key_session(api_key: str | None) -> str:
    """Return the session of an API key: a hash, from which the key cannot be read."""
    return f"key-{hashlib.sha256(api_key.encode()).hexdigest()[:8]}" if api_key else "anonymous"


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their secrets masked."""
    return {name: mask_header(name, value) for name, value in headers.items()}


def mask_header(name: str, value: str) -> str:
    """Return a header's value with its secret masked; the scheme of an authorization header is shown."""
    if not is_secret_header(name):
        return value
    scheme, secret = split_scheme(name, value)
    return join_scheme(scheme, mask_key(secret))


def mask_query(query: str) -> str:
    """Return a query string with the values of its secret parameters masked."""
    parameters = (part.partition("=") for part in query.split("&"))
    return "&".join(
        f"{name}={quote(mask_key(unquote_plus(value)))}"
        if value and is_secret_header(unquote_plus(name))
        else name + equals + value
        for name, equals, value in parameters
    )


def split_scheme(name: str, value: str) -> tuple[str, str]:
    """Split the value of an authorization header into scheme and credentials; other headers have no scheme."""
    scheme, blank, credentials = value.partition(" ")
    if blank and name.lower() in _AUTHORIZATION and _SCHEME.fullmatch(scheme):
        return scheme, credentials
    return "", value


def join_scheme(scheme: str | None, credentials: str) -> str:
    """Return the value of a header with these credentials, without a scheme if it has none."""
    return f"{scheme} {credentials}" if scheme else credentials


def match_scheme(value: str, scheme: str) -> str | None:
    """Return the credentials in a header's value, None if they have another scheme."""
    found, _, credentials = value.strip().partition(" ")
    return credentials.strip() if found.lower() == scheme.lower() else None


def find_secret_values(headers: Mapping[str, str], query: str = "") -> tuple[str, ...]:
    """Return the secrets in a request's headers and query, the longest first, to redact texts that quote them.

    Values that may be ordinary words are left out, because redacting them would make texts unreadable.
    """
    found: set[str] = set()
    for name, value in headers.items():
        if is_secret_header(name):
            found.update((value, split_scheme(name, value)[1].strip()))
        if "cookie" in name.lower():
            found.update(_COOKIE_VALUE.findall(value))
    found.update(value for name, value in parse_qsl(query) if is_secret_header(name))
    found.update([json.dumps(one)[1:-1] for one in found])  # as JSON quotes it
    return tuple(sorted(filter(_is_recognisable, found), key=len, reverse=True))


def _is_recognisable(secret: str) -> bool:
    return len(secret) >= _MIN_REDACTED_LENGTH and (
        len(secret) >= _LONG_SECRET or any(map(str.isdigit, secret)) or "-" in secret
    )


def redact_text(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which every occurrence of a secret is masked."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, mask_key(secret))
    return text
