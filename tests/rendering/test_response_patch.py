"""Patches change or remove keys of the normal response, in a body and in the chunks of a stream."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.rendering.response_patch import merge_patch
from tests.rendering.test_completion import COUNTED, Json, both, is_padding, plain, rendered, streamed

OMIXA_ID = re.compile(r"chatcmpl-\w{29}")


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # from RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", None], ["c", None]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_patch_is_a_json_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_keys_of_a_body_are_changed_added_and_removed() -> None:
    stated = patched(
        body={"usage": None, "model": "x", "provider": {"name": "Gate"}}, message={"tool_calls": []}
    )
    body, normal = plain("omixa", stated, n=2), plain("omixa", {"text": "Hi"}, n=2)
    assert list(body) == [*(key for key in normal if key != "usage"), "provider"]
    assert (body["model"], body["provider"]) == ("x", {"name": "Gate"})
    assert OMIXA_ID.fullmatch(body["id"])
    for choice in body["choices"]:
        assert choice["message"] == {"role": "assistant", "content": "Hi", "tool_calls": []}


def test_each_chunk_and_each_delta_is_patched() -> None:
    stated = patched(delta={"role": "assistant", "tool_calls": []}, chunk={"provider": "Gate", "usage": {}})
    chunks = streamed("omixa", stated, stream_options=COUNTED)
    assert [chunk["provider"] for chunk in chunks] == ["Gate"] * 4
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert [(delta["role"], delta["tool_calls"]) for delta in deltas] == [("assistant", [])] * 3
    assert [delta.get("content") for delta in deltas] == ["", "Hi", None]
    assert chunks[0]["usage"] == {}
    assert chunks[-1]["usage"]["prompt_tokens"] > 0  # merged, not replaced


def test_the_first_and_the_last_chunk_are_patched_alone() -> None:
    stated = patched(first_chunk={"choices": [], "prompt_filter_results": []}, last_chunk={"usage": None})
    first, *middle, last = streamed("omixa", stated, stream_options=COUNTED)
    assert (first["choices"], first["prompt_filter_results"]) == ([], [])
    assert [chunk["usage"] for chunk in middle] == [None, None]
    assert "usage" not in last
    [only] = streamed("omixa", patched(chunk={"x": 1}, last_chunk={"x": 2}) | {"text": ""})[1:]
    assert only["x"] == 2


def test_a_choice_may_have_no_finish_reason() -> None:
    body, chunks = both("aimlapi", patched(choice={"finish_reason": None, "content_filter_results": {}}))
    for choice in [*body["choices"], *(choice for chunk in chunks for choice in chunk["choices"])]:
        assert "finish_reason" not in choice
        assert choice["content_filter_results"] == {}


def test_comments_and_done_are_not_patched() -> None:
    stated = {"chunks": ["a", {"delay": "2.5s"}, "b"], "patch": {"chunk": {"x": 1}}}
    frames = [one for one in rendered("omixa", stated, stream=True).frames if not is_padding(one)]
    assert [frame.data for frame in frames if b'"x":1' not in frame.data] == [
        b": heartbeat\n\n",
        b": heartbeat\n\n",
        b"data: [DONE]\n\n",
    ]
    assert [frame.chunk for frame in frames] == [False, True, False, False, True, False, False]


def patched(**patch: Json) -> Json:
    return {"text": "Hi", "patch": patch}
