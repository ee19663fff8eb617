"""Frozen settings of one server. Command-line flags take precedence over the environment, then these defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ADMIN_PREFIX = "/_mock"  # the path of the admin API
API_VERSION = 1  # of the admin API; raised when a client needs something that older servers lack
REPLY_STYLES = ("faker", "echo", "lorem")
TOKENIZERS = ("auto", "estimate", "o200k_base")


RECORD_MODES = ("once", "new_episodes", "all", "none")


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """The configuration of a server that records."""

    folder: Path | None = None  # of the recordings; None: only sessions of tests are recorded
    mode: str = "new_episodes"  # which requests are forwarded: one of RECORD_MODES
    upstreams: tuple[str, ...] = ()  # base URLs of vendors, each as VENDOR=URL
    masks: tuple[str, ...] = ()  # regular expressions of what is masked in files, besides personal data
    unmasked: bool = False  # mask no personal data in files
    latency: Path | None = None  # a file for the measured latency of the vendors; it is replaced


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one server. `max_body` is in bytes."""

    paths: tuple[Path, ...] = ()  # fixture files and folders; if empty, the shipped ones
    fixtures_yaml: str = ""  # fixtures as YAML text; they are matched before those of the paths
    host: str = "127.0.0.1"
    port: int = 8402  # 0: any free one
    tls_port: int | None = None  # a second port, for TLS; 0: any free one
    tls_cert: Path | None = (
        None  # its certificate in PEM; without one, that of an authority made for this run
    )
    tls_key: Path | None = None  # the key of the certificate; without one, it is in the same file
    seed: int = 0  # of everything that is random or generated
    locale: str = "en_US"  # language and country of generated names, places and texts
    reply: str = "faker"  # how a reply is generated: one of REPLY_STYLES
    tokenizer: str = "auto"  # one of TOKENIZERS; `auto` is `o200k_base` if it is installed, else `estimate`
    plan: Path | None = None  # a file with a plan
    latency: Path | None = None  # a file with latency rules
    faults: tuple[str, ...] = ()  # fault rules, each in the short form of one line
    max_body: int = 32 * 1024 * 1024
    strict: bool = False  # refuse requests that no fixture matches
    strict_models: bool = False  # refuse models that no profile documents
    known_keys_only: bool = False  # refuse API keys that belong to no account
    mock_messages: bool = True  # a last user message like `mock 429` injects that error
    reload: bool = True  # watch the fixture files
    vendors: tuple[str | Path, ...] = ()  # profiles in addition to the shipped ones, or in place of these
    journal_size: int = 10_000  # number of requests that the journal keeps
    admin_token: str | None = None  # the bearer token that the admin API requires
    allowed_hosts: tuple[str, ...] = ()  # Host names that the admin API accepts without a token
    page: bool = True  # serve the web UI at the root
    demo: bool = False  # run scripted clients against the server
    log_format: Literal["text", "json"] = "text"
    record: RecordSettings | None = None  # forward requests to the real vendors, and record them

    @property
    def section_files(self) -> dict[str, Path]:
        """Return the files that are named besides the fixture files, by the key that each of them must have."""
        named = {"plan": self.plan, "latency": self.latency}
        return {key: Path(file) for key, file in named.items() if file is not None}

    @property
    def has_own_fixtures(self) -> bool:
        """Return whether fixtures other than the shipped ones are served."""
        return bool(self.paths or self.fixtures_yaml or self.record)
