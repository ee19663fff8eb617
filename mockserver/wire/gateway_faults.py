"""The faults of gateways: a proxy's error page, an empty body, and an upstream error in the vendor's own."""

from __future__ import annotations

from dataclasses import replace

from mockserver.errors import ApiError
from mockserver.wire.answer import (
    MOCK_PREFIX,
    Answer,
    Frame,
    add_content_length,
    get_reason_phrase,
    index_headers,
    remove_headers,
)
from mockserver.wire.fault_point import CONTENT_LENGTH, ErrorAnswerFactory, SplitAnswer
from mockserver.wire.json_leaves import read_leaves

_MARKER = "\x00"  # an error message that no vendor sends


def replace_by_html(split: SplitAnswer) -> Answer:
    """Return a proxy's HTML error page: an error keeps its status, a success becomes a 502."""
    if not split.before_head:
        return split.answer
    status = split.answer.status if split.answer.status >= 400 else 502
    title = f"{status} {get_reason_phrase(status, _NGINX_PHRASES)}".strip()
    headers = (("server", "nginx"), ("content-type", "text/html"), *_preserved_headers(split.answer))
    return add_content_length(
        Answer(status, headers, (Frame(_NGINX_PAGE.replace("$title", title).encode()),), split.wait)
    )


def remove_body(split: SplitAnswer) -> Answer:
    """Return the status and headers without a body."""
    if not split.before_head:
        return split.answer
    headers = remove_headers(split.answer.headers, (CONTENT_LENGTH,))
    return add_content_length(
        replace(split.answer, headers=headers, frames=(), wait=split.wait, streamed=False)
    )


def wrap_error(split: SplitAnswer) -> Answer:
    """Return an upstream error inside the vendor's own; a success becomes an invalid request of the upstream.

    The vendor's error has the status of the fault, by default that of the upstream error.
    """
    if not split.before_head:
        return split.answer
    upstream = split.answer if split.answer.status >= 400 else split.error_answer(ApiError("invalid_request"))
    message = _error_message(upstream, split.error_answer)
    if message is None:
        message = get_reason_phrase(upstream.status, _NGINX_PHRASES)
    error = ApiError(upstream.status if split.status is None else split.status, message)
    error.upstream_status = upstream.status
    answer = split.error_answer(error)
    kept = remove_headers(_preserved_headers(split.answer), index_headers(answer.headers))
    return add_content_length(replace(answer, headers=(*answer.headers, *kept), wait=split.wait))


def _preserved_headers(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Return the headers that a proxy's error keeps: those of the mock itself, CORS and Retry-After."""
    return tuple(header for header in answer.headers if header[0].lower().startswith(_PRESERVED_PREFIXES))


def _error_message(answer: Answer, error_answer: ErrorAnswerFactory) -> str | None:
    """Return the message of an error answer, found by the vendor's own envelope; None if it has none."""
    marked = read_leaves(error_answer(ApiError(answer.status, _MARKER))) or {}
    path = next((path for path, value in marked.items() if value == _MARKER), None)
    message = None if path is None else (read_leaves(answer) or {}).get(path)
    return message if isinstance(message, str) else None


_PRESERVED_PREFIXES = (MOCK_PREFIX, "access-control-", "retry-after")
# nginx's reason phrases where they differ from the standard; the last two are Cloudflare's.
_NGINX_PHRASES = {
    408: "Request Time-out",
    413: "Request Entity Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    522: "Connection timed out",
    524: "A timeout occurred",
}
_NGINX_PAGE = (
    "<html>\r\n<head><title>$title</title></head>\r\n<body>\r\n<center><h1>$title</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
