"""Through the whole server: what is heard before a fault is what would have been heard without it."""

from __future__ import annotations

import itertools
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from mockserver.matching.loader import load_fixture_set
from mockserver.sessions.journal import JournalEntry
from mockserver.wire.faults import FAULTS, parse_fault
from tests.conftest import PATHS, wait_for_entries
from tests.wire.recording_transport import Reading, listen

if TYPE_CHECKING:
    from mockserver.testing import MockServer

PATIENCE = 0.5  # seconds of silence that are a hang; longer than any pause of these fixtures
NEVER = "reset@999999"  # a header's fault goes before the fixture's, and this one never strikes
SHIPPED = load_fixture_set(()).fixtures
FAULTY = [one.name for one in SHIPPED if one.responses[0].fault is not None]
POINTS = ["", "@0", "@1", "@3", "@50b", "@50ms", "@finish", "@end"]
# What is made new for each answer; each is as long as any other of its kind.
NEW = re.compile(
    rb'chatcmpl-\w{29}|chat_\w{6}|"created":\d+|"timestamp":"[^"]+"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    fixture: str
    vendor: str
    stream: bool


CASES = [
    Case("mock words", "omixa", True),
    Case("mock words", "aimlapi", False),
    Case("mock chunks", "segmind", True),
    Case("mock chunks", "aimlapi", True),
    Case("mock busy", "omixa", True),
]


@dataclass(frozen=True)
class Heard:
    reading: Reading
    entry: JournalEntry


def ask(server: MockServer, case: Case, fault: str | None = NEVER) -> Heard:
    """One request on a connection of its own, and what the journal has on it."""
    session = f"fault-{next(_numbers)}"
    body = json.dumps(
        {"model": "o1-preview", "messages": [{"role": "user", "content": "Hi"}], "stream": case.stream}
    )
    head = [
        f"POST {PATHS[case.vendor]} HTTP/1.1",
        "host: x",
        "connection: close",
        "authorization: Bearer key",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"x-mock-session: {session}",
        f"x-mock-fixture: {case.fixture}",
        *([] if fault is None else [f"x-mock-fault: {fault}"]),
    ]
    host, _, port = server.url.removeprefix("http://").partition(":")
    patience = PATIENCE if "hang" in (fault or case.fixture) else 10
    with socket.create_connection((host, int(port)), timeout=patience) as client:
        client.sendall("\r\n".join([*head, "", body]).encode())
        reading = listen(client, time.perf_counter())
    [entry] = wait_for_entries(server, session, 1)
    return Heard(reading, entry)


@pytest.fixture(scope="module")
def sound(server: MockServer) -> Callable[[Case], Reading]:
    """What a case says where nothing goes wrong, asked once."""
    known: dict[Case, Reading] = {}

    def said(case: Case) -> Reading:
        if case not in known:
            known[case] = ask(server, case).reading
        return known[case]

    return said


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_heard_before_a_fault_is_what_a_faultless_run_sends(
    server: MockServer, sound: Callable[[Case], Reading], name: str
) -> None:
    whole = {case: sound(case) for case in CASES}
    spoken = f"{name}=20000" if name == "slow" else name
    asked = [(case, f"{spoken}{point}") for case in CASES for point in POINTS]
    with ThreadPoolExecutor(16) as pool:
        for (case, fault), heard in zip(asked, pool.map(lambda each: ask(server, *each), asked), strict=True):
            agrees(whole[case], heard, fault)


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("vendor", PATHS)
def test_a_fixture_that_goes_wrong_says_before_what_it_would_have_said(
    server: MockServer, sound: Callable[[Case], Reading], vendor: str, stream: bool
) -> None:
    cases = [Case(name, vendor, stream) for name in FAULTY]
    written = {one.name: one.responses[0].fault for one in SHIPPED}
    with ThreadPoolExecutor(16) as pool:
        for case, heard in zip(cases, pool.map(lambda case: ask(server, case, None), cases), strict=True):
            agrees(sound(case), heard, str(written[case.fixture]))


def test_a_header_goes_before_the_fixture(server: MockServer) -> None:
    assert ask(server, Case("mock cut", "omixa", True), "comments@0").reading.complete


def agrees(whole: Reading, heard: Heard, fault: str) -> None:
    """What was heard begins as the whole does, and is what the journal says."""
    reading, entry = heard.reading, heard.entry
    point = parse_fault(fault).point
    if point is not None:
        kept = before(whole.body, point.unit, int(point.amount), streamed=whole.chunked)
        assert known(reading.head) == known(whole.head), fault
        if kept is None:  # it was over before the point
            assert (entry.fault, reading.end, len(reading.body)) == ("", "eof", len(whole.body)), fault
        kept = whole.body if kept is None else kept
        assert masked(whole.body, reading.body[: len(kept)]) == masked(whole.body, kept), fault
    tells(entry, reading)


def tells(entry: JournalEntry, reading: Reading) -> None:
    said = re.match(rb"HTTP/1.1 (\d+)", reading.text)
    status = int(said[1]) if said else 0
    assert entry.delivery is not None
    assert (entry.status, entry.delivery.status) == (status, status)
    body, rest = reading.parts if said else (reading.text, b"")
    assert entry.delivery.size == len(body) + len(rest)
    ended = {"silence": {"left"}, "reset": {"dropped"}}.get(reading.end, {"dropped", "finished"})
    assert entry.delivery.end_reason in ended
    if entry.delivery.end_reason == "finished":
        assert reading.complete
        assert rest == b""


def before(body: bytes, unit: str, amount: int, *, streamed: bool) -> bytes | None:
    """What of a body comes before a point; None where it is over by then."""
    if unit == "bytes":
        return body[:amount] if amount <= len(body) else None
    if unit == "time":  # all of it comes at once but after the one pause
        pause = body.find(b'"content":" wor"')
        return None if pause < 0 else body[: body.rindex(b"\n\n", 0, pause) + 2]
    if unit == "end":
        return body
    if unit == "finish":
        start = body.find(b'"finish_reason":"') if streamed else -1
        return None if start < 0 else body[: body.rindex(b"\n\n", 0, start) + 2]
    if not streamed:
        return (b"", body)[amount] if amount < 2 else None
    ends = [end.end() for end in re.finditer(rb'"delta":\{"content":"[^"].*?\n\n', body)]
    ends += [end.end() for end in re.finditer(rb"\n\n", body) if end.end() > ends[-1]]
    return None if amount > len(ends) else body[: ([0, *ends])[amount]]


def masked(whole: bytes, part: bytes) -> bytes:
    """A part without what is new, which stands at the same places as in the whole."""
    left = bytearray(part)
    for found in NEW.finditer(whole):
        length = max(min(found.end(), len(part)) - found.start(), 0)
        left[found.start() : found.start() + length] = b"?" * length
    return bytes(left)


def known(head: bytes) -> bytes:
    """A head without what is new."""
    return re.sub(rb"(?i)(x-mock-request-id|x-mock-session|x-request-id|etag): [^\r]*", rb"\1", head)
