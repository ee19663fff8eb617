"""A journalled request as a curl command for a POSIX shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote_plus

from mockserver.masking import is_secret_header, redact_text, split_scheme
from mockserver.request.request_head import SESSION_HEADER, find_head_secrets
from mockserver.sessions.journal import DROPPED_BODY, JournalEntry
from mockserver.wire.answer import is_header_name

_KEY_VARIABLE = '"${KEY:-any-key}"'  # the one part that the shell expands
_OMITTED_HEADERS = (
    *(
        "host",
        "content-encoding",  # the journal has the decoded body
        "content-length",
        "connection",
        "accept-encoding",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ),
    SESSION_HEADER,
)
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]+")
# Terminals interpret these in pasted text. Valid JSON contains none of them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_URL_SAFE = "/%:@!$&'()*+,;=~"  # neither `[`, `]`, `{` nor `}`, which curl would expand


def format_curl_command(entry: JournalEntry) -> str:
    """Return the curl command that sends the same request.

    Everything that the client chose is in single quotes, so that no part of it is run by the shell. Secrets are
    replaced by the variable KEY, or `any-key` if it is not set.
    """
    if entry.dropped:
        return f"# {DROPPED_BODY}"
    head = entry.head
    secrets = find_head_secrets(head)
    headers = {name: value for name, value in head.headers.items() if name not in _OMITTED_HEADERS}
    headers[SESSION_HEADER] = entry.session
    host = head.headers.get("host", "")
    authority = host if _AUTHORITY.fullmatch(host) else "localhost"
    path = quote(redact_text(head.path, secrets), _URL_SAFE)
    url = f"{quote_for_shell(f'http://{authority}{path}')}{_format_query(head.query)}"
    body = entry.request_with_body.raw.decode(errors="replace") if entry.request_with_body else ""
    body = redact_text(body, secrets)
    data = [f"--data-raw {quote_for_shell(body)}"] if body else []
    return " ".join(
        ["curl -s -X", quote_for_shell(head.method), url, *_format_headers(headers, secrets), *data]
    )


def quote_for_shell(text: str) -> str:
    r"""Return a text as one word of a POSIX shell: in single quotes, each single quote in it as `'\''`."""
    return "'" + _CONTROL.sub("\ufffd", text).replace("'", r"'\''") + "'"


def _format_headers(headers: Mapping[str, str], secrets: tuple[str, ...]) -> Iterator[str]:
    for name, value in headers.items():
        if not is_header_name(name):  # curl would read a file if a header began with `@`
            continue
        if not is_secret_header(name):
            shown = redact_text(value, secrets)
            # `name;` sends an empty header, `name:` would remove it.
            yield f"-H {quote_for_shell(f'{name}: {shown}' if shown else f'{name};')}"
            continue
        scheme, _ = split_scheme(name, value)
        yield f"-H {quote_for_shell(f'{name}: {scheme} ' if scheme else f'{name}: ')}{_KEY_VARIABLE}"


def _format_query(query: str) -> str:
    """Return the query as words of the shell that continue the URL, secrets replaced by the variable."""
    text, words = "?" if query else "", []
    for number, part in enumerate(query.split("&")):
        name, equals, value = part.partition("=")
        text += ("&" if number else "") + quote(name, _URL_SAFE + "?") + equals
        if value and is_secret_header(unquote_plus(name)):
            words.append(quote_for_shell(text) + _KEY_VARIABLE)
            text = ""
        else:
            text += quote(value, _URL_SAFE + "?=")
    return "".join([*words, quote_for_shell(text)] if text else words)
