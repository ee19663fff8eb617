"""Every reader of event streams hears the same events, those that the algorithm of the standard finds."""

import asyncio
import http.client
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx_sse
import requests
import sseclient
from aiohttp_sse_client.client import EventSource

Event = tuple[str, str]
Headers = dict[str, str]
Reader = Callable[[str, Headers, str], Iterable[Event]]

HOST = os.environ["MOCKSERVER_URL"]
HEADERS = {"Authorization": "Bearer any key", "Content-Type": "application/json"}
PATHS = {
    "/aimlapi/v1/chat/completions": "o1-preview",
    "/segmind/v1/o1-preview": "o1-preview",
    "/omixa/api/v1/chat/completions": "o1-preview",
}
SAID = [
    "Hello",
    "mock words",
    "mock chunks",
    "mock two choices",
    "mock refusal",
    "mock raw sse",
    "Anything else?",
]
ASKING = {"show_thinking": True, "n": 2, "stream_options": {"include_usage": True}}
# Streams that look different, and say the same.
GUISES = ["comments", "crlf", "no_space", "multiline_data", "split_utf8"]


def parsed(stream: bytes) -> Iterable[Event]:
    """The events of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html finds them."""
    kind, data = "", []
    for line in re.split(r"\r\n|\n|\r", stream.decode("utf-8").removeprefix("\ufeff")):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield kind or "message", "\n".join(data)
            kind, data = "", []
        elif field == "event":
            kind = value
        elif field == "data":
            data.append(value)


def by_http_client(url: str, headers: Headers, body: str) -> Iterable[Event]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("POST", parts.path, body, headers)
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers.get_content_type() == "text/event-stream"
    assert response.headers["content-length"] is None
    heard = list(parsed(response.read()))
    connection.request("POST", parts.path, body, headers)  # the connection is good for another call
    assert connection.getresponse().status == 200
    connection.close()
    return heard


def by_http_1_0(url: str, headers: Headers, body: str) -> Iterable[Event]:
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.0", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", body]).encode())
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, stream = heard.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    return parsed(stream)


def by_curl(url: str, headers: Headers, body: str) -> Iterable[Event]:
    flags = [flag for name, value in headers.items() for flag in ("-H", f"{name}: {value}")]
    ran = subprocess.run(["curl", "-sSN", url, *flags, "-d", body], capture_output=True, check=True)
    return parsed(ran.stdout)


def by_httpx_sse(url: str, headers: Headers, body: str) -> Iterable[Event]:
    with (
        httpx.Client(timeout=20) as client,
        httpx_sse.connect_sse(client, "POST", url, headers=headers, content=body) as source,
    ):
        return [(event.event, event.data) for event in source.iter_sse()]


def by_sseclient(url: str, headers: Headers, body: str) -> Iterable[Event]:
    with requests.post(url, headers=headers, data=body, stream=True, timeout=20) as response:
        return [(event.event, event.data) for event in sseclient.SSEClient(response).events()]


def by_aiohttp_sse_client(url: str, headers: Headers, body: str) -> Iterable[Event]:
    async def listen() -> list[Event]:
        heard: list[Event] = []
        async with aiohttp.ClientSession() as session:
            asked = {"headers": dict(headers), "data": body, "session": session}
            async with EventSource(url, option={"method": "POST"}, **asked) as source:
                async for event in source:  # it would connect again at the end
                    heard.append((event.type or "message", event.data))
                    if event.data == "[DONE]":
                        break
        return heard

    return asyncio.run(asyncio.wait_for(listen(), 20))


def by_eventsource_parser(url: str, headers: Headers, body: str) -> Iterable[Event]:
    script = str(Path(os.environ["NODE_CLIENTS"]) / "eventsource_parser.mjs")
    ran = subprocess.run(["node", script, url, json.dumps(headers), body], capture_output=True, check=True)
    return map(tuple, json.loads(ran.stdout))


READERS: dict[str, Reader] = {
    "HTTP/1.0": by_http_1_0,
    "curl -N": by_curl,
    "httpx-sse": by_httpx_sse,
    "sseclient-py": by_sseclient,
    "aiohttp-sse-client": by_aiohttp_sse_client,
}
if "NODE_CLIENTS" in os.environ:
    READERS["eventsource-parser"] = by_eventsource_parser


def told(events: Iterable[Event]) -> list[tuple[str, object]]:
    """The events without what every answer has of its own."""
    return [(kind, data if data == "[DONE]" else bare(json.loads(data))) for kind, data in events]


def bare(value: object) -> object:
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if key not in ("id", "created")}
    return [bare(one) for one in value] if isinstance(value, list) else value


def compare(path: str, said: str, guise: str = "") -> None:
    """All readers hear of one stream what the standard says."""
    headers = HEADERS | ({"X-Mock-Fault": guise} if guise else {})
    body = json.dumps(
        {"model": PATHS[path], "messages": [{"role": "user", "content": said}], "stream": True, **ASKING},
        ensure_ascii=False,
    )
    expected = told(by_http_client(HOST + path, headers, body))
    assert expected[-1] == ("message", "[DONE]"), (path, said, guise, expected)
    assert len(expected) > 1
    for name, read in READERS.items():
        heard = told(read(HOST + path, headers, body))
        assert heard == expected, (path, said, guise, name, heard, expected)


for path in PATHS:
    for said in SAID:
        compare(path, said)
    for guise in GUISES:
        compare(path, "mock words", guise)
versions = [f"{name} {version(name)}" for name in ("httpx-sse", "sseclient-py", "aiohttp-sse-client")]
print(", ".join([*versions, *(set(READERS) - {name.split()[0] for name in versions})]))  # noqa: T201
