"""Everything that can be set, frozen: flags, then the environment, then these defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ADMIN_PREFIX = "/_mock"  # the path of the control API
REPLY_STYLES = ("faker", "echo", "lorem")
TOKENIZERS = ("auto", "estimate", "o200k_base")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server is to behave. `max_body` is in bytes."""

    paths: tuple[Path, ...] = ()  # fixture files and folders; none: the shipped ones
    fixtures_yaml: str = ""  # fixtures themselves, before those of the paths
    host: str = "127.0.0.1"
    port: int = 8402  # 0: any free one
    seed: int = 0  # of everything that is invented or varies
    locale: str = "en_US"  # whose names, places and words are invented
    reply: str = "faker"  # how an invented text is made: one of REPLIES
    tokenizer: str = (
        "auto"  # what counts tokens: `estimate`, `o200k_base`, or the latter where it is installed
    )
    faults: tuple[str, ...] = ()  # fault rules in one line each
    max_body: int = 32 * 1024 * 1024
    strict: bool = False  # what no fixture matches is refused
    strict_models: bool = False  # what no profile documents is refused
    known_keys_only: bool = False  # a key that is no account is refused
    reload: bool = True  # watch the fixture files
    vendors: tuple[Path, ...] = ()  # further profiles, or others in place of shipped ones
    journal_size: int = 10_000  # requests that are remembered
    admin_token: str | None = None  # what the control API asks for
    page: bool = True  # a live page at the root
    demo: bool = False  # a few scripted clients call the server
    log_format: Literal["text", "json"] = "text"
