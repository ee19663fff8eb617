"""Whoever stands between a client and a vendor can speak in its place: a proxy's page, nothing, a wrapped error.

A gateway speaks first or not at all: once the status line is out, an answer is left as it is.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from mockserver.errors import ApiError
from mockserver.wire.answer import Answer, Frame, phrase, settled
from mockserver.wire.strike import LENGTH, Refuse, Strike, without

_MARK = "\x00"  # a message that no vendor says


def html(at: Strike) -> Answer:
    """The page of a proxy that got no good answer: an error keeps its status, a good answer is a 502."""
    if not at.early:
        return at.answer
    status = at.answer.status if at.answer.status >= 400 else 502
    title = f"{status} {phrase(status, _PHRASES)}".strip()
    headers = (("server", "nginx"), ("content-type", "text/html"), *_kept(at.answer))
    return settled(Answer(status, headers, (Frame(_PAGE.replace("$title", title).encode()),), at.wait))


def no_body(at: Strike) -> Answer:
    """The status and headers, and nothing after them."""
    if not at.early:
        return at.answer
    headers = without(at.answer, LENGTH)
    return settled(replace(at.answer, headers=headers, frames=(), wait=at.wait, streamed=False))


def wrapped(at: Strike) -> Answer:
    """An error from further up as the vendor's own 500, its status before its message; a good answer as a 4xx.

    `{"statusCode":500, ... "message":"400 Unable to access model gpt-4o-mini. "}` [C 2024-10]
    """
    if not at.early:
        return at.answer
    upstream = at.answer if at.answer.status >= 400 else at.refuse(ApiError("invalid_request"))
    message = _message(upstream, at.refuse) or phrase(upstream.status, _PHRASES)
    answer = at.refuse(ApiError(500, f"{upstream.status} {message}"))
    own = {name.lower() for name, _ in answer.headers}
    kept = tuple(header for header in _kept(at.answer) if header[0].lower() not in own)
    return settled(replace(answer, headers=(*answer.headers, *kept), wait=at.wait))


def _kept(answer: Answer) -> tuple[tuple[str, str], ...]:
    """The headers that are not the vendor's: what the mock says of itself, and what it was told to say."""
    return tuple(header for header in answer.headers if header[0].lower().startswith(_OURS))


def _message(answer: Answer, refuse: Refuse) -> str | None:
    """What a refusal says, found where the vendor's words have their message; None where they have none."""
    place = _place(_json(refuse(ApiError(answer.status, _MARK))))
    found = _json(answer)
    for key in place or ():
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _json(answer: Answer) -> object:
    try:
        found: object = orjson.loads(b"".join(frame.data for frame in answer.frames))
    except orjson.JSONDecodeError:
        return None
    return found


def _place(value: object) -> tuple[str, ...] | None:
    """The keys that lead to the mark."""
    if value == _MARK:
        return ()
    for key, part in value.items() if isinstance(value, dict) else ():
        rest = _place(part)
        if rest is not None:
            return (key, *rest)
    return None


_OURS = ("x-mock-", "access-control-", "retry-after")
# As nginx words them where it differs from the standard; the last two are Cloudflare's.
_PHRASES = {
    408: "Request Time-out",
    413: "Request Entity Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    522: "Connection timed out",
    524: "A timeout occurred",
}
_PAGE = (
    "<html>\r\n<head><title>$title</title></head>\r\n<body>\r\n<center><h1>$title</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
