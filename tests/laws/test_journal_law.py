"""The law of the journal: it has what clients received, for every shipped fixture, vendor, form and fault."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from mockserver.admin.resources import build_request_detail, iterate_delivered_pieces
from mockserver.matching.loader import load_fixture_set
from mockserver.server import app
from mockserver.server.addresses import bind_socket
from mockserver.server.app import create_app
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.sessions.journal import JournalEntry
from mockserver.settings import Settings
from mockserver.wire.answer import add_content_length
from mockserver.wire.faults import FAULTS
from mockserver.wire.playback import Playback
from tests.conftest import PATHS

# Fixtures with a fault of their own have another law; here every fault is injected.
NAMES = [one.name for one in load_fixture_set(()).fixtures if one.responses[0].fault is None]
# `hang` ends when the client leaves, so the number of bytes until then varies.
BROKEN = [name if name != "slow" else "slow=100000" for name in FAULTS if name != "hang"]
POINTS = ("", "@0", "@2", "@150b", "@3ms")


@dataclass(frozen=True)
class Raw:
    """What a client received: the status (0: none), and all bytes after the head."""

    status: int
    body: bytes
    chunked: bool


class Running:
    """A server with the entries of its journal by session."""

    def __init__(self) -> None:
        self.entries: dict[str, JournalEntry] = {}
        playback = Playback()
        line = app.create_pipeline(
            Settings(), playback, lambda entry: self.entries.update({entry.session: entry})
        )
        self.server = BackgroundServer(
            create_app(line, lambda _: None), bind_socket("127.0.0.1", 0), playback
        )

    def ask(self, session: str, vendor: str, headers: dict[str, str], **body: Any) -> Raw:
        told = json.dumps(
            {"model": "o1-preview", "messages": [{"role": "user", "content": "Say it."}], **body}
        )
        own = {"Host": "localhost", "Connection": "close", "Content-Type": "application/json"}
        own |= {"Authorization": "Bearer k", "X-Mock-Session": session, "Content-Length": str(len(told))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**own, **headers}.items())
        with socket.create_connection(self.server.address, timeout=20) as client:
            client.sendall(f"POST {PATHS[vendor]} HTTP/1.1\r\n{lines}\r\n{told}".encode())
            return _raw(b"".join(_parts(client)))


def _parts(client: socket.socket) -> Iterator[bytes]:
    """Yield what is received until the connection ends in any way."""
    try:
        while part := client.recv(65536):
            yield part
    except ConnectionResetError:
        return


def _raw(heard: bytes) -> Raw:
    head, blank, body = heard.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"HTTP/1.1 "):
        return Raw(0, heard, chunked=False)
    chunked = b"transfer-encoding: chunked" in head.lower()
    return Raw(int(head[9:12]), _joined(body) if chunked else body, chunked)


def _joined(body: bytes) -> bytes:
    """Join the chunks of a chunked body; other bytes stay as they are."""
    whole = b""
    while found := re.match(rb"([0-9a-f]+)\r\n", body, re.IGNORECASE):
        size, start = int(found[1], 16), found.end()
        whole += body[start : start + size]
        body = body[start + size + 2 :]
    return whole + body


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    one = Running()
    one.server.start()
    yield one
    one.server.stop()


def agree(running: Running, keys: list[tuple[str, str, bool, str]]) -> None:
    """Send all requests in parallel; compare what each client received with its entry."""

    def ask(key: tuple[str, str, bool, str]) -> tuple[str, Raw]:
        fixture, vendor, stream, fault = key
        session = re.sub(r"[^\w.-]", "-", "-".join(map(str, key)))[:64]
        headers = {"X-Mock-Fixture": fixture} | ({"X-Mock-Fault": fault} if fault else {})
        return session, running.ask(session, vendor, headers, stream=stream)

    with ThreadPoolExecutor(16) as pool:
        for key, (session, raw) in zip(keys, pool.map(ask, keys), strict=True):
            entry = running.entries[session]
            assert entry.delivery is not None
            assert entry.answer is not None
            said = b"".join(
                data for _, data in iterate_delivered_pieces(entry, add_content_length(entry.answer))
            )
            assert (entry.status, entry.delivery.status, said) == (raw.status, raw.status, raw.body), key
            assert entry.delivery.size == len(raw.body), key
            told(entry, raw)


def told(entry: JournalEntry, raw: Raw) -> None:
    """Assert that the JSON of the entry has the same bytes."""
    response = build_request_detail(entry, None).response
    assert response is not None
    assert response.status == raw.status
    if response.body is not None:
        assert response.body == raw.body.decode(errors="backslashreplace")
    if response.events is not None:
        heard = raw.body.decode(errors="backslashreplace")
        assert all(line in heard for event in response.events for line in event.data.splitlines())


@pytest.mark.parametrize("vendor", PATHS)
def test_the_journal_has_what_was_received_of_every_fixture(running: Running, vendor: str) -> None:
    agree(running, [(name, vendor, stream, "") for name in NAMES for stream in (False, True)])


@pytest.mark.parametrize("vendor", PATHS)
def test_the_journal_has_what_was_received_of_every_fault(running: Running, vendor: str) -> None:
    broken = [fault + point for fault in BROKEN for point in POINTS]
    agree(
        running, [("hello o1-preview", vendor, stream, fault) for fault in broken for stream in (False, True)]
    )
