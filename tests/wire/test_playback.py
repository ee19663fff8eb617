"""An answer is played as it says, on time, to whoever is still there."""

from __future__ import annotations

import asyncio
import itertools
import selectors
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from mockserver.wire import playback
from mockserver.wire.answer import Answer, Ending, Frame, add_content_length
from mockserver.wire.playback import Delivery, Playback
from mockserver.wire.sse import create_sse_answer
from tests.wire.recording_transport import listen

if TYPE_CHECKING:
    from tests.wire.conftest import Stage

JSON = (("content-type", "application/json"),)
BODY = '{"text":"Grüße"}'.encode()
PLAIN = Answer(200, JSON, (Frame(BODY),))
STREAM = create_sse_answer([Frame(b'{"i":%d}' % i) for i in range(6)])
PACED = create_sse_answer([Frame(b'{"i":%d}' % i, 0.02) for i in range(6)])
LONG = create_sse_answer([Frame(b'{"i":%d}' % i, 0.02 if i == 0 else 30) for i in range(6)])
SILENT = Answer(200, JSON, (Frame(BODY),), wait=30)
HANGING = Answer(200, (), (), ending=Ending.HANG, head=False)
SLACK = 10  # seconds that a busy machine may be late; what must not be waited for takes 30


def body(answer: Answer) -> bytes:
    return b"".join(frame.data for frame in answer.frames)


# Values


def test_a_whole_body_tells_its_length() -> None:
    assert add_content_length(PLAIN).headers == (*JSON, ("content-length", str(len(BODY))))
    assert add_content_length(add_content_length(PLAIN)) == add_content_length(PLAIN)


@pytest.mark.parametrize("answer", [STREAM, HANGING, Answer(304, ())])
def test_any_other_answer_is_settled_as_it_is(answer: Answer) -> None:
    assert add_content_length(answer) is answer


def test_a_status_without_a_body_loses_what_was_written_for_it() -> None:
    assert add_content_length(Answer(204, (), (Frame(b"no"),))) == Answer(204, ())


# In hand


class Hand:
    """An ASGI client in hand: what is sent is kept, with the tasks that were there, and it can leave."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.sent: list[tuple[dict[str, Any], int]] = []
        self.messages = list(messages)
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append((message, len(asyncio.all_tasks())))


def by_hand(answer: Answer, hand: Hand | None = None, method: str = "GET") -> tuple[Delivery, Hand]:
    hand = hand or Hand()
    return asyncio.run(_play(answer, hand, method)), hand


async def _play(answer: Answer, hand: Hand, method: str) -> Delivery:
    return await Playback().play(answer, {"method": method}, hand.receive, hand.send)


@pytest.mark.parametrize("answer", [PLAIN, STREAM], ids=["plain", "unpaced stream"])
def test_the_usual_answer_is_two_sends_and_no_task(answer: Answer) -> None:
    heard, hand = by_hand(answer)
    assert [message["type"] for message, _ in hand.sent] == ["http.response.start", "http.response.body"]
    assert [tasks for _, tasks in hand.sent] == [1, 1]
    assert hand.sent[1][0]["body"] == body(answer)
    assert (heard.status, heard.size, heard.end_reason) == (200, len(body(answer)), "finished")
    assert len(heard.times) == len(answer.frames)


def test_header_bytes_are_latin_1() -> None:
    _, hand = by_hand(Answer(200, (("X-Name", "é"),)))
    assert hand.sent[0][0]["headers"] == [(b"x-name", b"\xe9"), (b"content-length", b"0")]


ENDS = {
    "finished": (PLAIN, ["head", "told", "body"]),
    "finished with nothing to say": (Answer(200, JSON), ["head", "told", "body"]),
    "finished after a pause": (PACED, ["head", *["body"] * 5, "told", "body"]),
    "dropped": (replace(STREAM, ending=Ending.CLOSE), ["head", "body", "told", "close"]),
    "reset": (replace(PLAIN, ending=Ending.RESET), ["head", "body", "told", "abort"]),
}


class Wire(Hand):
    """A client and its connection: in which order they are used, and when somebody else is told of the end."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.heard: list[Delivery] = []

    async def send(self, message: Any) -> None:
        if message.get("body") or not message.get("more_body"):
            self.order.append(message["type"].removeprefix("http.response.").replace("start", "head"))

    async def told(self, heard: Delivery) -> None:
        await asyncio.sleep(0)  # whoever is told may take a while
        self.order.append("told")
        self.heard.append(heard)

    def is_closing(self) -> bool:
        return True

    def get_extra_info(self, _: str, default: Any) -> Any:
        return default

    def close(self) -> None:
        self.order.append("close")
        self.gone.set()

    def abort(self) -> None:
        self.order.append("abort")
        self.gone.set()


@pytest.mark.parametrize(("answer", "order"), ENDS.values(), ids=ENDS.keys())
def test_the_end_is_told_before_the_client_can_know_of_it(answer: Answer, order: list[str]) -> None:
    wire = Wire()
    scope = {"method": "GET", "state": {playback.TRANSPORT_KEY: wire}}
    heard = asyncio.run(Playback().play(answer, scope, wire.receive, wire.send, wire.told))
    assert (wire.order, wire.heard) == (order, [heard])
    assert heard.size == len(body(answer))


def test_times_are_counted_from_when_the_request_had_arrived() -> None:
    hand = Hand()

    async def play() -> Delivery:
        arrived = time.perf_counter() - 10
        return await Playback().play(PACED, {"method": "GET"}, hand.receive, hand.send, arrived_at=arrived)

    heard = asyncio.run(play())
    assert heard.first_byte is not None
    assert 10 < heard.first_byte < heard.times[0] < heard.times[-1] <= heard.seconds < 10 + SLACK


class SimulatedTime(selectors.DefaultSelector):
    """A selector that does not wait: it advances the simulated time instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is not None and not ready:
            self.now += timeout
        return ready


def play_in_simulated_time(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, seconds_of_sends: Iterable[float]
) -> Delivery:
    """Play an answer to a client that takes so long over each message."""
    simulated = SimulatedTime()
    durations = iter(seconds_of_sends)

    class Slow(Hand):
        async def send(self, message: Any) -> None:
            await super().send(message)
            simulated.now += next(durations)

    def create_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(simulated)
        monkeypatch.setattr(loop, "time", lambda: simulated.now)
        return loop

    monkeypatch.setattr(playback, "read_monotonic", lambda: simulated.now)
    with asyncio.Runner(loop_factory=create_loop) as runner:
        return runner.run(_play(answer, Slow(), "GET"))


def test_a_late_frame_delays_none_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are due every 20 ms; the client takes 70 ms over the first, and the last is still on time."""
    delivery = play_in_simulated_time(monkeypatch, PACED, [0, 0.07, *[0] * 20])
    assert delivery.times == pytest.approx([0.09, 0.09, 0.09, 0.09, 0.1, 0.12, 0.12])


def test_a_stream_keeps_its_time_without_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = create_sse_answer([Frame(b"{}", 0.005) for _ in range(60)], wait=0.05)
    delivery = play_in_simulated_time(monkeypatch, answer, itertools.repeat(0.003))
    assert delivery.first_byte == pytest.approx(0.053)
    due = [0.05 + 0.005 * number for number in range(1, 61)]
    assert delivery.times[:60] == pytest.approx([moment + 0.003 for moment in due])


def test_what_is_left_of_a_request_is_not_its_client_leaving() -> None:
    heard, _ = by_hand(PACED, Hand({"type": "http.request", "body": b"", "more_body": False}))
    assert heard.end_reason == "finished"


def test_a_client_that_left_before_the_last_write_has_left() -> None:
    class Leaving(Hand):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if message["type"] == "http.response.body":
                self.gone.set()  # it has taken no more for a while
                await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})

    heard, _ = by_hand(Answer(200, (), (Frame(b"x"),), wait=0.001), Leaving())
    assert (heard.end_reason, heard.size) == ("left", 0)


# On the wire


@pytest.mark.parametrize("answer", [PLAIN, STREAM, PACED, Answer(200, JSON)], ids=str)
def test_an_answer_is_heard_as_it_is_written(stage: Stage, answer: Answer) -> None:
    reading = stage.hear(answer)
    assert reading.body == body(answer)
    assert reading.complete
    assert reading.chunked == answer.streamed
    heard = stage.last()
    assert (heard.status, heard.size, heard.end_reason) == (200, len(reading.body), "finished")
    assert heard.first_byte is not None
    assert heard.first_byte <= heard.seconds


@pytest.mark.parametrize("answer", [PLAIN, STREAM, PACED], ids=["plain", "stream", "paced"])
def test_a_client_of_http_1_0_hears_no_chunks(stage: Stage, answer: Answer) -> None:
    with stage.call(answer, version="1.0") as client:
        reading = listen(client, 0.0)
    assert not reading.chunked
    assert (reading.body, reading.end) == (body(answer), "eof")
    assert f"content-length: {len(reading.body)}".encode() in reading.head.lower()
    assert stage.last().end_reason == "finished"


def test_the_connection_is_used_again_after_an_answer(stage: Stage) -> None:
    with httpx2.Client(base_url=stage.url) as client:
        for answer in (PLAIN, PACED, PLAIN):
            assert client.get(stage.put(answer)).content == body(answer)
            stage.last()


@pytest.mark.parametrize("answer", [PLAIN, PACED, SILENT], ids=["plain", "stream", "late"])
def test_head_is_answered_without_a_body(stage: Stage, answer: Answer) -> None:
    if answer is SILENT:
        answer = Answer(200, JSON, (Frame(BODY, 30),))
    reading = stage.hear(answer, "HEAD")
    assert (reading.text.partition(b"\r\n\r\n")[2], reading.end) == (b"", "eof")
    assert stage.last().size == 0
    assert reading.seconds < SLACK


def test_a_plain_body_may_come_in_pieces(stage: Stage) -> None:
    pieces = Answer(200, JSON, (Frame(BODY[:5]), Frame(b"", 0.02), Frame(BODY[5:], 0.03), Frame(b"", 0.01)))
    reading = stage.hear(pieces)
    assert (reading.body, reading.chunked) == (BODY, False)
    assert stage.last().times[2] >= 0.049


AWAY = {"before the head": SILENT, "between frames": LONG, "in the silence": HANGING}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY.keys())
def test_a_client_that_leaves_is_noticed_at_once(stage: Stage, answer: Answer) -> None:
    client = stage.call(answer)
    assert stage.playing.wait(10)
    if answer is LONG:
        assert listen_for(client.recv, b'{"i":0}')
    left = time.perf_counter()
    client.close()
    heard = stage.last()
    assert time.perf_counter() - left < SLACK
    assert heard.end_reason == "left"
    assert heard.status == (200 if answer is LONG else 0)


def listen_for(recv: Callable[[int], bytes], what: bytes) -> bool:
    text = b""
    while what not in text and (data := recv(65536)):
        text += data
    return what in text


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY.keys())
def test_closing_ends_every_open_play(own_stage: Stage, answer: Answer) -> None:
    client = own_stage.call(answer)
    began = time.perf_counter()
    assert own_stage.playing.wait(10)
    if answer is LONG:
        assert listen_for(client.recv, b'{"i":0}')
    own_stage.server.stop()
    reading = listen(client, began)
    assert reading.end == "eof"
    assert reading.text == (b"0\r\n\r\n" if answer is LONG else b"")
    assert own_stage.last().end_reason == "closed"
    assert own_stage.playback.closing.is_set()
    client.close()


def test_closing_cuts_a_plain_body_that_is_under_way(own_stage: Stage) -> None:
    client = own_stage.call(Answer(200, JSON, (Frame(b"{"), Frame(b"}", 30))))
    assert listen_for(client.recv, b"{")
    own_stage.server.stop()
    assert listen(client, 0).text == b""
    assert own_stage.last().end_reason == "closed"
    client.close()


def test_what_begins_after_the_close_is_not_waited_for() -> None:
    async def late() -> tuple[Delivery, Delivery]:
        voice, hand = Playback(), Hand()
        voice.close()
        voice.close()
        paced = await voice.play(LONG, {"method": "GET"}, hand.receive, hand.send)
        return paced, await voice.play(PLAIN, {"method": "GET"}, hand.receive, hand.send)

    paced, plain = asyncio.run(late())
    assert (paced.end_reason, paced.times, plain.end_reason) == ("closed", (), "finished")


# Dropping


def test_nothing_said_before_a_reset_is_lost(stage: Stage) -> None:
    big = b"x" * 3_000_000
    reading = stage.hear(Answer(200, (), (Frame(big),), ending=Ending.RESET, streamed=True))
    assert (reading.body, reading.end) == (big, "reset")
    assert stage.last().end_reason == "dropped"


def test_a_reset_waits_for_a_reader_that_does_not_read_only_so_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "_DRAIN_TIMEOUT", 0.1)
    client = stage.call(Answer(200, (), (Frame(b"x" * 20_000_000),), ending=Ending.RESET, streamed=True))
    heard = stage.last()
    assert 0.1 <= heard.seconds < SLACK
    assert heard.end_reason == "dropped"
    client.close()


def test_a_reset_does_not_wait_for_a_reader_that_left(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "_DRAIN_TIMEOUT", 30)
    client = stage.call(Answer(200, (), (Frame(b"x" * 20_000_000),), ending=Ending.RESET, streamed=True))
    assert client.recv(10)
    client.close()
    assert stage.last().seconds < SLACK


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET, Ending.HANG])
def test_a_status_is_zero_where_none_is_heard(stage: Stage, ending: Ending) -> None:
    reading = stage.hear(Answer(200, (), (), ending=ending, head=False), patience=0.1)
    assert (reading.text, reading.end) == (
        b"",
        {"close": "eof", "hang": "silence"}.get(ending.value, "reset"),
    )
    heard = stage.last()
    assert (heard.status, heard.first_byte) == (0, None)


def test_a_raw_frame_goes_out_as_it_is(stage: Stage) -> None:
    raw = Answer(200, (), (Frame(b"?!", 0.01, raw=True),), ending=Ending.CLOSE, head=False)
    assert stage.hear(raw).text == b"?!"
    heard = stage.last()
    assert heard.first_byte is not None
    assert heard.first_byte >= 0.009


def test_a_plain_answer_can_be_slow_and_still_whole(stage: Stage) -> None:
    response = httpx2.get(stage.url + stage.put(Answer(201, JSON, (Frame(BODY, 0.03),), wait=0.03)))
    assert (response.status_code, response.content) == (201, BODY)
    assert response.elapsed.total_seconds() >= 0.058
    stage.last()


@pytest.mark.parametrize(("platform", "size"), [("win32", 4), ("linux", 8), ("darwin", 8)])
def test_so_linger_has_the_layout_of_its_platform(platform: str, size: int) -> None:
    # Winsock: two u_shorts; POSIX: two ints. On both, linger is on, with a time of 0.
    value = playback.encode_linger_zero(platform)
    half = size // 2
    assert len(value) == size
    assert [int.from_bytes(part, sys.byteorder) for part in (value[:half], value[half:])] == [1, 0]
