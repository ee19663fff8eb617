"""What is kept is filled to the very answer that would have been rendered; chance is asked where something varies."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.rendering.choices import build_render_options as known
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.rendering.render_cache import CachedRender, RenderCache
from mockserver.wire.answer import Answer
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from tests.rendering.test_completion import asked, response

NEW = re.compile(
    rb'chatcmpl-\w{29}|chat_\w{6}|call_\w{24}|"created":\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|^[\w-]{21}$'
)
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
STATED: list[Any] = [
    {"text": "Hello there, and more of it."},
    {"text": "Hello there.", "tool_calls": [{"name": "look"}, {"name": "look"}], "reasoning": "Hm."},
    {"choices": ["One", {"text": "Two", "finish_reason": "length"}]},
    {"text": "Hi", "headers": {"x-a": "1", "ETag": "mine"}, "usage": {"prompt_tokens": 3}},
    {"chunks": ["a", {"delay": "1ms"}, "b"], "delay": "2ms", "stream": {"tps": 1000}},
]
# Each bears on the answer in a way of its own.
BODIES: list[dict[str, Any]] = [
    {},
    {"n": 2},
    {"stop": "there"},
    {"stop": ["more", "there"]},
    {"max_tokens": 1},
    {"max_completion_tokens": 2},
    {"response_format": {"type": "json_object"}, "max_tokens": 1},
    {"show_thinking": True},
    {"reasoning_effort": "low"},
    {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "look"}}},
    {"stream_options": {"include_usage": True}},
    {"said": "a longer text than the others"},
    {"model": "o3-mini"},
]


def rendered(vendor: str, stated: Any, moulds: RenderCache | None, **body: Any) -> tuple[Any, ...]:
    """An answer but for what is made new for each."""
    said = body.pop("said", "Hello")
    answer = render_completion(asked(vendor, said, **body), stated, LazyRandom(1), cache=moulds)
    frames = [(NEW.sub(b"new", frame.data), frame.wait, frame.chunk) for frame in answer.frames]
    headers = [(name, NEW.sub(b"new", value.encode())) for name, value in answer.headers if value[:2] != "W/"]
    return answer.status, headers, frames, answer.wait, answer.streamed


@pytest.mark.parametrize("vendor", ["aimlapi", "segmind", "omixa"])
@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
def test_a_kept_answer_is_the_one_that_would_be_rendered(vendor: str, stream: bool) -> None:
    moulds, responses = RenderCache(), [response(stated) for stated in STATED]
    cases = [(one, {"stream": stream, **body}) for one in responses for body in BODIES]
    first = [rendered(vendor, one, moulds, **body) for one, body in cases]
    made = len(moulds)
    assert made > len(responses)
    assert [rendered(vendor, one, moulds, **body) for one, body in cases] == first
    assert [rendered(vendor, one, None, **body) for one, body in cases] == first
    assert len(moulds) == made


@pytest.mark.parametrize(
    "stated",
    [
        {"text": "Hello there.", "stream": {"tps": 100, "jitter": "10%"}},
        {"chunks": ["a", {"delay": {"median": "1s", "p95": "2s"}}, "b"]},
    ],
)
def test_what_varies_is_not_kept(stated: Any) -> None:
    moulds = RenderCache()
    rendered("aimlapi", response(stated), moulds, stream=True)
    assert len(moulds) == 0


def test_a_delay_varies_while_the_rest_is_kept() -> None:
    moulds, one = RenderCache(), response({"text": "Hi", "delay": {"median": "1s", "p95": "2s"}})
    waits = {render_completion(asked("omixa"), one, LazyRandom(seed), cache=moulds).wait for seed in range(5)}
    assert (len(waits), len(moulds)) == (5, 1)


def test_what_an_account_has_left_is_its_own_and_not_kept() -> None:
    moulds, one = RenderCache(), response("Hi")
    for left in ("1", "2"):
        answer = render_completion(asked("segmind"), one, LazyRandom(), {"remaining_credits": left}, moulds)
        assert ("x-remaining-credits", left) in answer.headers
    assert len(moulds) == 0


def test_moulds_are_bounded_in_number_and_in_bytes() -> None:
    one = response("Hi")
    calls = [asked("omixa", "Hi " * number) for number in range(1, 6)]
    small, tight = RenderCache(max_entries=3), RenderCache(max_bytes=2000)
    for call in calls:
        for moulds in (small, tight):
            render_completion(call, one, LazyRandom(), cache=moulds)
    assert (len(small), len(tight)) == (3, 3)
    assert small.get(one, known(calls[0], one)) is None
    assert small.get(one, known(calls[4], one)) is not None
    stencil = PrerenderedAnswer(
        Answer(200, (), render_completion(calls[0], one, LazyRandom()).frames), Placeholders()
    )
    huge = CachedRender(stencil, calls[0].vendor.id_factory)
    alone = RenderCache(max_bytes=1)
    alone.put(one, known(calls[0], one), huge)
    assert len(alone) == 0


def test_the_same_seed_falls_the_same_way_and_is_drawn_from_only_when_asked() -> None:
    one, other = LazyRandom(1, "a"), LazyRandom(1, "a")
    assert [one().random(), one().random()] == [other().random(), other().random()]
    assert (one.use_count, LazyRandom(1).use_count) == (2, 0)
    assert LazyRandom(1, "b")().random() != LazyRandom(1, "a")().random()
