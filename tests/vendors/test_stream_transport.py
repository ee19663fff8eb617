"""Tests of how a vendor's streams are sent: in small pieces, with padding, with the results of content filters."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from mockserver.testing import MockServer
    from tests.conftest import StartServer

FIXTURES = """\
fixtures:
  - {match: {user: slow}, response: {chunks: [One, {delay: 5ms}, " two."]}}
  - {match: {user: cut}, response: {text: One two., fault: end_early@1}}
  - {match: {}, response: One two.}
"""
FILTERED = """\
extends: omixa
name: filtered
hosts: []
paths: {chat: [/chat], owns: []}
content_filters: {sent: true}
stream: {padding: 0, pieces: 0}
"""


@pytest.fixture(scope="module")
def omixa(start_server: StartServer) -> MockServer:
    """Serve Omixa, and a variant that sends the results of content filters."""
    return start_server(FIXTURES, FILTERED)


def read_chunks(server: MockServer, text: str) -> list[bytes]:
    """Return the chunks of the chunked transfer coding, as they are framed."""
    body = json.dumps(
        {"model": "o1-preview", "stream": True, "messages": [{"role": "user", "content": text}]}
    )
    url = urlsplit(server.url)
    head = "POST /omixa/api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer k\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=20) as connection:
        connection.sendall(head.encode() + body.encode())
        rest = b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")[2]
    chunks = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        chunks.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    assert chunks.pop() == b""
    return chunks


@pytest.mark.parametrize("text", ["at once", "slow", "cut"])
def test_an_event_is_sent_in_pieces(omixa: MockServer, text: str) -> None:
    chunks = read_chunks(omixa, text)
    assert {len(chunk) for chunk in chunks[:64]} == {128}
    assert max(map(len, chunks)) == 128
    first, padding, *events = b"".join(chunks).split(b"\n\n")
    assert b'"role":"assistant"' in first
    assert (padding.strip(), len(padding)) == (b":", 8190)
    deltas = [json.loads(event[6:])["choices"][0]["delta"] for event in events if b"{" in event]
    assert "".join(delta.get("content", "") for delta in deltas) == ("One" if text == "cut" else "One two.")


def test_the_results_of_content_filters_are_sent_if_the_profile_says_so(omixa: MockServer) -> None:
    def ask(**fields: object) -> str:
        message = {"role": "user", "content": "Hi"}
        return requests.post(
            f"{omixa.url}/filtered/chat",
            json={"model": "o1-preview", "messages": [message], **fields},
            headers={"authorization": "Bearer k"},
            timeout=20,
        ).text

    body = json.loads(ask())
    harmless = body["choices"][0]["content_filter_results"]
    assert harmless["hate"] == {"filtered": False, "severity": "safe"}
    first, *chunks = [json.loads(line[6:]) for line in ask(stream=True).splitlines() if "{" in line]
    assert first == {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": body["prompt_filter_results"],
    }
    assert [chunk["choices"][0]["content_filter_results"] for chunk in chunks] == [harmless] * len(chunks)
