"""Masking of secrets: API keys and the headers that carry them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)


def mask_key(key: Any) -> str:
    """A key in words that do not give it away: its beginning, and the account that it is."""
    text = str(key)
    return f"{text[:3] if len(text) > 8 else ''}… ({derive_key_session(text)})"


def is_secret_header(header: str) -> bool:
    """Whether a header of this name may hold a key."""
    return _SECRET_NAME.search(header) is not None


@lru_cache(maxsize=4096)
def derive_key_session(api_key: str | None) -> str:
    """The session of a key, which never shows the key."""
    return f"key-{hashlib.sha256(api_key.encode()).hexdigest()[:8]}" if api_key else "anonymous"


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their keys masked."""
    return {
        name: _mask_header_value(value) if is_secret_header(name) else value
        for name, value in headers.items()
    }


def _mask_header_value(value: str) -> str:
    """A header's key in words that do not give it away, its scheme kept."""
    scheme, blank, key = value.partition(" ")
    return f"{scheme} {mask_key(key)}" if blank else mask_key(value)
