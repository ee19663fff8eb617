"""The formats of API keys, tokens and other credentials that can be recognised in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mockserver.data_masking.entropy import is_random_word
from mockserver.data_masking.text_windows import AFTER_ESCAPE, WORD_START, iter_matches, iter_matches_within
from mockserver.masking import is_secret_header

# Each begins with characters that hardly any other word begins with, as the vendors' documentation and the secret
# scanners of code hosts list them.
_KEY_FORMATS: Final = (
    r"sk-[\w-]{13,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
    r"(?:gh[opusr]|github_pat)_\w{20,}",
    r"glpat-[\w-]{16,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
    r"AIza[\w-]{30,}",  # Google
    r"ya29\.[\w-]{16,}",
    r"GOCSPX-[\w-]{16,}",
    r"xox[abeoprs]-[\w-]{10,}",  # Slack
    r"xapp-[\w-]{10,}",
    r"T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,}",  # webhooks of Slack
    r"(?:hf|gsk|npm|r8|fw|pcsk|lsv2|ntn|whsec|voy|lin_api|omx_live|SG)_(?=[\w-]{0,64}[0-9])[\w-]{14,}",
    r"dapi[0-9a-f]{32}",  # Databricks
    r"(?:xai|pplx|nvapi|pypi|tvly|key)-(?=[\w-]{0,64}[0-9])[\w-]{20,}",
    r"(?:dop_v1|shpat|shpca|shppa|shpss)_[0-9a-f]{20,}",
    r"SG\.[\w-]{16,64}\.[\w-]{16,64}",  # SendGrid
    r"hvs\.[\w-]{20,}",  # Vault
    r"[0-9]{8,10}:AA[\w-]{30,}",  # bots of Telegram
    rf"(?:(?<![\w-])|{AFTER_ESCAPE})eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}(?:\.[\w-]*)?",  # JSON Web Tokens
)
_KEY: Final = re.compile(WORD_START + "(?:" + "|".join(_KEY_FORMATS) + ")")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_+/.=~:%-]{14,}")
_AWS_SECRET: Final = re.compile(
    rf"(?:(?<![A-Za-z0-9+/=])|{AFTER_ESCAPE})[A-Za-z0-9+/]{{40}}(?![A-Za-z0-9+/=])"
)
_AWS_SECRET_ENTROPY: Final = 4.35  # bits per character
_BEARER: Final = re.compile(r"(?i:bearer)\s{1,4}([\w.~+/-]{16,}={0,2})")
_URL_PASSWORD: Final = re.compile(r":(?:\\?/){2}[^\s:/@\"'<>\\]{0,200}:([^\s/@\"'<>]{1,200})@")
_PARAMETER: Final = re.compile(r"[?&;]([\w.-]{1,40})=([^\s&;\"'<>#\\]{8,})")
_SIGNATURE_NAME: Final = "sig"  # of Azure
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END: Final = re.compile(r"-----END [A-Z ]{0,60}-----")
_REST: Final = re.compile(r"[\w-]*")


def find_known_keys(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of the credentials in a part of a text."""
    yield from _find_keys(text, start, end)
    yield from _find_quoted_credentials(text, start, end)
    for match in iter_matches(_PRIVATE_KEY, text, start, end):
        yield match.start(), _find_private_key_end(text, match.end())


def _find_keys(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in iter_matches_within(_KEY, _TOKEN, text, start, end):
        yield match.start(), _extend(text, match.end())
    for match in iter_matches_within(_AWS_SECRET, _TOKEN, text, start, end):
        if is_random_word(match[0], _AWS_SECRET_ENTROPY):
            yield match.span()


def _find_quoted_credentials(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of bearer tokens, and of passwords and secret parameters of URLs."""
    for match in iter_matches(_BEARER, text, start, end):
        if any(map(str.isdigit, match[1])):
            yield match.start(1), _extend(text, match.end(1))
    for match in iter_matches(_URL_PASSWORD, text, start, end):
        yield match.span(1)
    for match in iter_matches(_PARAMETER, text, start, end):
        if is_secret_header(match[1]) or match[1].lower() == _SIGNATURE_NAME:
            yield match.span(2)


def _extend(text: str, end: int) -> int:
    """Return the end of a key that is longer than the window in which it was found."""
    rest = _REST.match(text, end)
    return rest.end() if rest else end


def _find_private_key_end(text: str, begin: int) -> int:
    """Return the end of a private key in PEM, which may be cut off."""
    dashes = text.find("-----", begin)
    if dashes < 0:
        return len(text)
    end = _PRIVATE_KEY_END.match(text, dashes)
    return end.end() if end else dashes
