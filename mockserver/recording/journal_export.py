"""The export of a journal: the requests of a running server as JSON lines or as an HTTP archive, masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from mockserver import __version__
from mockserver.masking import is_secret_header
from mockserver.recording.exchange import Exchange
from mockserver.recording.exchange_mask import ExchangeMask, MaskedExchange
from mockserver.recording.har_file import VENDOR_FIELD
from mockserver.recording.http_exchange import encode_content
from mockserver.recording.json_lines import encode_event
from mockserver.wire.answer import Answer, Frame, Header
from mockserver.wire.sse import find_event_data

Detail = Mapping[str, Any]
JsonObject = dict[str, Any]

# Fields of a detail that repeat others, or that say something about the fixtures of now.
_OMITTED_FIELDS: Final = ("curl", "near_misses", "matches_now", "raw_headers")


def export_json_lines(details: Iterable[Detail], mask: ExchangeMask) -> Iterator[bytes]:
    """Yield the requests of a journal, each as a line of JSON."""
    for detail in details:
        masked = mask.mask(_build_exchange(detail))
        own = {name: value for name, value in detail.items() if name not in _OMITTED_FIELDS}
        line: JsonObject = masked.mask_value(own | {"request": None, "response": None})
        line["request"] = {
            "headers": _mask_headers(detail["request"]["headers"], masked),
            "query": masked.exchange.query,
            "body": _read_json(masked.exchange.body),
        }
        if detail["response"] is not None:
            line["response"] = _write_response(detail["response"], masked)
        yield orjson.dumps(line) + b"\n"


def _write_response(response: Detail, masked: MaskedExchange) -> JsonObject:
    answer = masked.exchange.answer
    own = {"status": response["status"], "headers": _mask_headers(response["headers"], masked)}
    if response.get("events") is None:
        return {**own, "body": None if response.get("body") is None else _join(answer.frames)}
    events = zip(response["events"], answer.frames, strict=True)
    return {
        **own,
        "events": [{"at_ms": event["at_ms"], "data": _read_event(frame.data)} for event, frame in events],
    }


def _mask_headers(headers: Mapping[str, str], masked: MaskedExchange) -> JsonObject:
    """Return headers with their values masked; those of secret ones are masked already, and a report reads them."""
    return {
        name: value if is_secret_header(name) else masked.mask_value(value) for name, value in headers.items()
    }


def _read_event(text: bytes) -> str:
    data = find_event_data(text)
    return (text.removesuffix(b"\n\n") if data is None else data).decode(errors="backslashreplace")


def export_har(details: Iterable[Detail], mask: ExchangeMask, root: str) -> bytes:
    """Return the requests of a journal as an HTTP archive; `root` is the URL of the server."""
    entries = [_write_entry(detail, mask.mask(_build_exchange(detail)), root) for detail in details]
    creator = {"name": "mockserver", "version": __version__}
    return orjson.dumps(
        {"log": {"version": "1.2", "creator": creator, "entries": entries}}, option=orjson.OPT_INDENT_2
    )


def _write_entry(detail: Detail, masked: MaskedExchange, root: str) -> JsonObject:
    exchange = masked.exchange
    prefix = f"/{exchange.vendor}" if exchange.vendor else ""
    query = f"?{exchange.query}" if exchange.query else ""
    total, wait = detail.get("total_ms") or 0.0, detail.get("first_byte_ms") or 0.0
    answer = exchange.answer
    text = _join(answer.frames)
    media_type = dict(answer.headers).get("content-type", "")
    return {
        "startedDateTime": datetime.fromisoformat(detail["arrived"]).isoformat(timespec="milliseconds"),
        "time": total,
        "request": {
            "method": exchange.method,
            "url": f"{root}{prefix}{masked.mask_value(exchange.path)}{query}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _write_pairs(exchange.headers),
            "queryString": _write_pairs(parse_qsl(exchange.query, keep_blank_values=True)),
            "postData": {
                "mimeType": dict(exchange.headers).get("content-type", ""),
                "text": exchange.body.decode(errors="backslashreplace"),
            },
            "headersSize": -1,
            "bodySize": len(exchange.body),
        },
        "response": {
            "status": answer.status,
            "statusText": HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _write_pairs(answer.headers),
            "content": {"size": len(text.encode()), "mimeType": media_type, "text": text},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": max(total - wait, 0.0)},
        VENDOR_FIELD: exchange.vendor,
    }


_STATUSES: Final = frozenset(HTTPStatus)


def _write_pairs(pairs: Iterable[Header]) -> list[JsonObject]:
    return [{"name": name, "value": value} for name, value in pairs]


def _build_exchange(detail: Detail) -> Exchange:
    """Return the exchange of a request as the admin API describes it; secrets are masked in it already."""
    request, response = detail["request"], detail["response"] or {}
    events = response.get("events")
    frames = (
        (Frame(encode_content(response.get("body"))),)
        if events is None
        else tuple(Frame(encode_event(event["data"])) for event in events)
    )
    answer = Answer(
        response.get("status", 0),
        tuple((response.get("headers") or {}).items()),
        frames,
        streamed=events is not None,
    )
    return Exchange(
        detail["vendor"] or "",
        detail["method"],
        detail["path"],
        request["query"],
        tuple(request["headers"].items()),
        encode_content(request["body"]),
        answer,
    )


def _join(frames: Iterable[Frame]) -> str:
    return b"".join(frame.data for frame in frames).decode(errors="backslashreplace")


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode(errors="backslashreplace")
