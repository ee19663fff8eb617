"""Long responses: they are rendered on the worker thread, in a bounded number of chunks and characters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from mockserver import pipeline as pipeline_module
from mockserver.answering import responder as responder_module
from mockserver.pipeline import ChatPipeline
from mockserver.rendering import completion
from mockserver.server.app import create_pipeline
from mockserver.settings import Settings
from mockserver.tokens import token_count
from mockserver.tokens.token_count import count_tokens, split_text, truncate_completion
from mockserver.wire.playback import Playback
from mockserver.wire.sse import parse_sse_event
from tests.hostile.test_large_bodies import call_pipeline

TEXT = "the quick brown fox jumps over it. " * 200
FIXTURES = f"""
fixtures:
  - {{name: long, match: {{user: long}}, response: {{text: '{TEXT}', delay: 1ms}}}}
  - {{name: short, match: {{user: short}}, response: {{text: Short., delay: 1ms}}}}
  - {{name: tool, match: {{user: tool}}, response: {{tool_calls: [{{name: look, arguments: {{at: '{TEXT}'}}}}]}}}}
accounts:
  - {{key: k, balance: $50}}
"""


@pytest.fixture
def pipeline() -> ChatPipeline:
    settings = Settings(fixtures_yaml=FIXTURES, tokenizer="estimate", reload=False)
    return create_pipeline(settings, Playback(), lambda _: None)


def _body(user: str, **more: Any) -> dict[str, Any]:
    return {"model": "o1", "messages": [{"role": "user", "content": user}], **more}


@pytest.mark.parametrize(
    ("user", "more", "thread"),
    [
        ("short", {}, "MainThread"),
        ("short", {"n": 128}, "MainThread"),
        ("long", {}, "mockserver-worker_0"),
        ("long", {"n": 2}, "mockserver-worker_0"),
        ("tool", {"stream": True}, "mockserver-worker_0"),
    ],
)
def test_long_responses_are_rendered_and_counted_on_the_worker_thread(
    pipeline: ChatPipeline, monkeypatch: pytest.MonkeyPatch, user: str, more: dict[str, Any], thread: str
) -> None:
    threads: dict[str, str] = {}

    def note(name: str) -> None:
        function: Callable[..., Any] = getattr(responder_module, name)

        def noted(*arguments: Any) -> Any:
            threads[name] = threading.current_thread().name
            return function(*arguments)

        monkeypatch.setattr(responder_module, name, noted)

    note("render_completion")
    note("count_usage")
    entry = call_pipeline(pipeline, _body(user, **more))
    assert (entry.status, entry.fixture) == (200, user)
    assert threads == {"render_completion": thread, "count_usage": thread}


def test_choices_that_are_too_long_together_are_refused(
    pipeline: ChatPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responder_module, "_MAX_RESPONSE", 20_000)
    assert call_pipeline(pipeline, _body("long", n=2)).status == 200
    entry = call_pipeline(pipeline, _body("long", n=3))
    assert entry.status == 400
    assert entry.reason == (
        "mockserver: the response has 21,000 characters in 3 choices, expected at most 20,000"
    )
    monkeypatch.setattr(responder_module, "_MAX_RESPONSE", 6_000)
    assert call_pipeline(pipeline, _body("long")).status == 200  # what a fixture says is sent


@pytest.mark.parametrize("count", [1, 2])
def test_the_chunks_of_a_stream_are_bounded(
    pipeline: ChatPipeline, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(completion, "MAX_STREAM_CHUNKS", 10)
    entry = call_pipeline(pipeline, _body("long", n=count, stream=True))
    assert entry.answer is not None
    frames = [frame for frame in entry.answer.frames if frame.chunk]
    assert len(frames) == 10
    texts = [parse_sse_event(frame.data) or b"" for frame in frames]
    assert sum(len(text) for text in texts) > count * len(TEXT)


# --- texts in pieces


@pytest.mark.parametrize("chunk", ["token", "estimate", "o200k_base", "word", "char", "whole", 7])
def test_a_long_text_is_split_like_a_short_one(chunk: str | int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = split_text(TEXT, chunk)
    monkeypatch.setattr(token_count, "_MAX_PIECE", 50)
    assert split_text(TEXT, chunk) == whole


@pytest.mark.parametrize("tokenizer", ["estimate", "o200k_base"])
def test_a_long_text_is_counted_and_truncated_like_a_short_one(
    tokenizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = count_tokens(TEXT, tokenizer)
    limits = (0, 5, 500, count - 1, count, count + 1)
    whole = [truncate_completion(TEXT, limit, tokenizer=tokenizer) for limit in limits]
    assert [reason for _, reason in whole] == ["length"] * 4 + [None] * 2
    monkeypatch.setattr(token_count, "_MAX_PIECE", 50)
    assert count_tokens(TEXT, tokenizer) == count
    assert [truncate_completion(TEXT, limit, tokenizer=tokenizer) for limit in limits] == whole


# --- raw streams and faults


def _note_threads(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> set[str]:
    """Return the names of the threads that call a function through this module from now on."""
    threads: set[str] = set()
    function: Callable[..., Any] = getattr(module, name)

    def noted(*arguments: Any) -> Any:
        threads.add(threading.current_thread().name)
        return function(*arguments)

    monkeypatch.setattr(module, name, noted)
    return threads


def test_a_long_raw_stream_is_rendered_on_the_worker_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"fixtures: [{{name: raw, match: {{}}, response: {{raw: {{sse: ['data: {TEXT}', {{delay: 1ms}}]}}}}}}]"
    settings = Settings(fixtures_yaml=text, tokenizer="estimate", reload=False)
    threads = _note_threads(monkeypatch, responder_module, "render_completion")
    assert call_pipeline(create_pipeline(settings, Playback(), lambda _: None), _body("x")).fixture == "raw"
    assert threads == {"mockserver-worker_0"}


@pytest.mark.parametrize(("frames", "thread"), [(3, "mockserver-worker_0"), (3_000, "MainThread")])
def test_a_fault_of_many_frames_is_applied_on_the_worker_thread(
    pipeline: ChatPipeline, monkeypatch: pytest.MonkeyPatch, frames: int, thread: str
) -> None:
    monkeypatch.setattr(pipeline_module, "_MANY_FRAMES", frames)
    threads = _note_threads(monkeypatch, pipeline_module, "apply_injections")
    entry = call_pipeline(pipeline, _body("short", stream=True), fault="comments")
    assert entry.fault == "comments"
    assert threads == {thread}
