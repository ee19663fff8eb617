"""HTTP archives (HAR 1.2): their entries as recorded exchanges. http://www.softwareishard.com/blog/har-12-spec/."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from mockserver.recording.http_exchange import HttpExchange, encode_content, read_headers
from mockserver.recording.import_problems import SkippedPart
from mockserver.wire.answer import Frame

VENDOR_FIELD: Final = (
    "_vendor"  # of an entry that this server has exported; its path begins with the vendor then
)


def read_har(value: Mapping[str, Any]) -> Iterator[HttpExchange | SkippedPart]:
    """Yield the exchanges of an archive, and what is not in the form of one."""
    entries = value["log"]["entries"]
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        place = f"log.entries[{number}]"
        try:
            if entry["request"]["method"] != "OPTIONS":  # a browser's question before a request
                yield _read_entry(place, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"no request and response as HAR has them ({type(error).__name__}: {error})"
            yield SkippedPart(place, reason)


def _read_entry(place: str, entry: Mapping[str, Any]) -> HttpExchange:
    request, response = entry["request"], entry["response"]
    url, vendor = str(request["url"]), str(entry.get(VENDOR_FIELD) or "")
    if vendor:
        parts = urlsplit(url)
        url = parts.path.removeprefix(f"/{vendor}") + (f"?{parts.query}" if parts.query else "")
    return HttpExchange(
        place,
        str(request["method"]),
        url,
        _read_pairs(request.get("headers")),
        _read_content(request.get("postData")),
        int(response["status"]),
        _read_pairs(response.get("headers")),
        (Frame(_read_content(response.get("content"))),),
        vendor,
    )


def _read_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    # HTTP/2 has the method and the path as headers, too.
    return tuple(
        pair
        for one in headers or ()
        for pair in read_headers({one["name"]: one["value"]})
        if pair[0][:1] != ":"
    )


def _read_content(content: Mapping[str, Any] | None) -> bytes:
    text = (content or {}).get("text")
    if content and content.get("encoding") == "base64":
        return base64.b64decode(str(text or ""))
    return encode_content(text)
