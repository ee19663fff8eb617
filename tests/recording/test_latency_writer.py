"""Measured times become latency rules that give such times again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from mockserver.fixtures.latency_rules import LATENCY_RULES
from mockserver.pipeline import ChatPipeline
from mockserver.recording import latency_writer
from mockserver.recording.latency_writer import LatencyMeasurement, measure_latency, summarize_times
from mockserver.schema.delay_distribution import DELAY
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.server.app import create_pipeline
from mockserver.settings import Settings
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Playback
from tests.delay_statistics import measure_difference
from tests.rendering.test_latency import LATENCY, decide, read, waits
from tests.request_fixtures import ReadRequest

FIXTURES = "fixtures: [{match: {user: short}, response: One two three}]"


def create(tmp_path: Path, latency: str) -> ChatPipeline:
    file = tmp_path / "latency.yaml"
    file.write_text(latency)
    settings = Settings(fixtures_yaml=FIXTURES, latency=file, tokenizer="estimate")
    return create_pipeline(settings, Playback(), lambda _: None)


def test_the_measured_latency_gives_the_same_times_again(tmp_path: Path) -> None:
    real = create(tmp_path, LATENCY)
    stream, body = (read(real, "short", "measured-1", stream=kind) for kind in (True, False))
    requests = [stream] * 400 + [body] * 3
    answers = decide(real, *requests)
    measured = measure_latency(zip(requests, answers, strict=True))
    plain, streamed = read_document(LATENCY_RULES, document_from_value(measured["latency"], "measured"))
    assert (plain.vendor, plain.model, plain.stream) == ("aimlapi", "measured-1", False)
    assert measured["latency"][0]["delay"] == "2s"
    # Each is compared with the times that were measured, in which it has more noise than in 5,000.
    for index, delay in enumerate((streamed.delay, streamed.ttft, streamed.gap)):
        assert measure_difference([waits(answer)[index] for answer in answers[:400]], delay) < 0.08
    again = decide(create(tmp_path, orjson.dumps(measured).decode()), *requests)
    for index, delay in enumerate((streamed.delay, streamed.ttft, streamed.gap)):
        assert measure_difference([waits(answer)[index] for answer in again[:400]], delay) < 0.08


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.5], "500ms"),
        ([0.5, 0.5001, 0.5002], "500ms"),
        ([0, 0, 0, 1], {"median": "0.1ms", "p95": "1s"}),
        ([step / 10 for step in range(1, 41)], {"median": "2s", "p95": "3.8s"}),
        ([step / 100 for step in range(1, 101)], {"median": "500ms", "p95": "950ms", "p99": "990ms"}),
    ],
)
def test_few_times_have_no_tail_and_equal_ones_no_spread(seconds: list[float], expected: Any) -> None:
    assert summarize_times(seconds) == expected
    read_document(DELAY, document_from_value(expected, "delay"))


def test_what_has_no_latency_is_not_measured(
    read_request: ReadRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = read_request()
    text = b'data: {"type": "response.output_text.delta"}\n\n'
    empty = Answer(200, (), (Frame(b": heartbeat\n\n", 1),), wait=0.1, streamed=True)
    responses = Answer(200, (), (Frame(text * 2, 1), Frame(text, 2)), wait=0.1, streamed=True)
    refusal = Answer(429, (), (Frame(b"{}"),))
    measurement = LatencyMeasurement()
    monkeypatch.setattr(latency_writer, "MAX_MEASURED_TIMES", 4)
    monkeypatch.setattr(latency_writer, "MAX_LATENCY_RULES", 1)
    for answer in (empty, responses, refusal, *[responses] * 3):
        measurement.add(request, answer)
    measurement.add(read_request({"model": "another", "messages": []}), responses)
    [rule] = measurement.write()["latency"]
    assert rule == {
        "vendor": "aimlapi",
        "model": "gpt-4o",
        "stream": True,
        "delay": "100ms",
        "ttft": "1s",
        "gap": {"median": "0.1ms", "p95": "2s"},
    }
