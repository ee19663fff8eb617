"""Token counts: the tokens joined are the text, and the counts are close to those that OpenAI publishes."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.tokens import token_count

TEXTS = st.one_of(
    st.text(),
    st.text("ab Z_1\u0301\u200d\ufe0f\r\n\t.!?'é漢字🙂👩🇩🇪\u0e33\ud83d\ude00", max_size=40),
)
CHUNKS = st.one_of(st.sampled_from(["token", "word", "char", "whole"]), st.integers(1, 30))

JARGON = [
    "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
    "New synergies will help drive top-line growth.",
    "Things working well together will increase revenue.",
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    "Let's talk later when we're less busy about how to do better.",
    "This late pivot means we don't have time to boil the ocean for the client deliverable.",
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {
                    "type": "string",
                    "description": "The unit of temperature to return",
                    "enum": ["celsius", "fahrenheit"],
                },
            },
            "required": ["location"],
        },
    },
}


def user(content: object) -> list[object]:
    return [{"role": "user", "content": content}]


@given(TEXTS, CHUNKS)
@example("a\u200d b", "word")
@example("  \u0301", "token")
@example("\r\n", "token")
def test_the_pieces_joined_are_the_text(text: str, chunk: str | int) -> None:
    cut = token_count.split_text(text, chunk)
    assert "".join(cut) == text
    assert all(cut)


@given(TEXTS)
def test_as_many_tokens_are_counted_as_are_streamed(text: str) -> None:
    assert token_count.count_tokens(text) == len(token_count.split_text(text))


@given(TEXTS, CHUNKS)
def test_no_piece_ends_inside_a_character(text: str, chunk: str | int) -> None:
    ends = {0, *accumulate(map(len, token_count.split_text(text, "char")))}
    assert ends.issuperset(accumulate(map(len, token_count.split_text(text, chunk))))


@given(st.text("ab c1.", max_size=30), st.integers(-1, 12), st.sampled_from([None, "b", ["", "c1", "a"], []]))
def test_a_limited_text_begins_the_text_and_keeps_to_its_limits(
    text: str, most: int, stop: str | list[str] | None
) -> None:
    said, reason = token_count.truncate_completion(text, most, stop)
    assert text.startswith(said)
    assert token_count.count_tokens(said) <= max(most, 0)
    assert not any(word in said for word in stop or () if word)
    assert (reason is None) == (said == text)


@pytest.mark.parametrize(
    ("text", "chunk", "expected"),
    [
        ("Hello! How can I", "token", ["Hello", "!", " How", " can", " I"]),
        ("don't get_weather(1234)", "token", ["don", "'t", " get", "_weather", "(", "123", "4", ")"]),
        ("one\n\ntwo  three", "token", ["one", "\n\n", "two", " ", " three"]),
        ("Привет 漢字", "token", ["При", "вет", " ", "漢", "字"]),
        ("Roses are  red. ", "word", ["Roses", " are", "  red.", " "]),
        ("e\u0301👨‍👩‍👧🇩🇪👍🏽\r\n", "char", ["e\u0301", "👨‍👩‍👧", "🇩🇪", "👍🏽", "\r\n"]),
        ("\ud83d\ude00x", "char", ["\ud83d\ude00", "x"]),
        ("Hello!", 4, ["Hell", "o!"]),
        ("Hello!", "whole", ["Hello!"]),
        ("", "whole", []),
        ("", "token", []),
    ],
)
def test_a_text_is_cut_as_its_reader_would_cut_it(text: str, chunk: str | int, expected: list[str]) -> None:
    assert token_count.split_text(text, chunk) == expected


@pytest.mark.parametrize(
    ("text", "real", "off"),
    [
        ("Hello", 1, 0),
        ("Hello! How can I assist you today?", 9, 0),
        ("2 + 2 = 4", 7, 0),
        ("You miss 100% of the shots you don't take", 11, 1),  # OpenAI's help page
        ("お誕生日おめでとう", 8, 1),  # this and the next: OpenAI's cookbook
        ("tiktoken is great!", 6, 2),
        ("antidisestablishmentarianism", 6, 3),
    ],
)
def test_a_published_count_is_met_within_what_is_stated(text: str, real: int, off: int) -> None:
    assert abs(token_count.count_tokens(text) - real) == off


@pytest.mark.parametrize(("overhead", "total"), [(5, 9), (3, 7)])
def test_hello_costs_what_the_vendors_samples_print(overhead: int, total: int) -> None:
    assert token_count.count_prompt_tokens(user("Hello"), [], overhead) == total


def test_the_cookbooks_messages_cost_within_a_tenth_of_its_124() -> None:
    names = [None, "example_user", "example_assistant", "example_user", "example_assistant", None]
    messages = [{"content": text, "name": name} for text, name in zip(JARGON, names, strict=True)]
    assert abs(token_count.count_prompt_tokens(messages) - 124) <= 12


def test_the_cookbooks_tool_costs_within_a_tenth_of_its_101() -> None:
    messages = [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions about the weather.",
        },
        {"role": "user", "content": "What's the weather like in Pittsburgh?"},
    ]
    assert abs(token_count.count_prompt_tokens(messages, [WEATHER]) - 101) <= 10


@pytest.mark.parametrize(
    ("content", "cost"),
    [
        (None, 0),
        (5, 0),
        ([], 0),
        ([{"type": "text", "text": "Hello"}, "Hello", 5], 2),
        ([{"type": "refusal", "refusal": "Hello"}], 1),
        ([{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}], 85),
        ([{"type": "image_url", "image_url": "x"}], 765),
        ([{"type": "file"}], token_count.OTHER_PART_TOKENS),
    ],
)
def test_each_part_of_a_message_costs_its_own(content: object, cost: int) -> None:
    assert token_count.count_prompt_tokens(user(content), (), 0) == token_count.MESSAGE_OVERHEAD + cost


def test_a_call_costs_its_words_and_a_message_that_is_none_its_frame() -> None:
    call = {"id": "call", "function": {"name": "add", "arguments": '{"a":1}'}, "index": 0, "extra": None}
    assert token_count.count_prompt_tokens(["?"], (), 0) == token_count.MESSAGE_OVERHEAD
    assert (
        token_count.count_prompt_tokens([{"tool_calls": [call]}], (), 0)
        > token_count.count_prompt_tokens([{"tool_calls": []}], (), 0) + 8
    )


def test_a_tool_nested_as_deeply_as_json_allows_is_counted() -> None:
    deep: object = "leaf"
    for _ in range(2000):
        deep = {"a": [deep]}
    assert (
        token_count.count_prompt_tokens([], [deep], 0)
        == token_count.TOOLS_OVERHEAD + token_count.TOOL_OVERHEAD + 2001
    )


@pytest.mark.parametrize(
    ("most", "stop", "expected"),
    [
        (None, None, ("One two three", None)),
        (3, None, ("One two three", None)),
        (2, None, ("One two", "length")),
        (0, None, ("", "length")),
        (None, " three", ("One two", "stop")),
        (None, ["three", "two"], ("One ", "stop")),
        (2, " three", ("One two", "stop")),
        (1, " three", ("One", "length")),
        (None, ["nowhere", ""], ("One two three", None)),
    ],
)
def test_a_request_cuts_the_text_where_it_says(
    most: int | None, stop: str | list[str] | None, expected: tuple[str, str | None]
) -> None:
    assert token_count.truncate_completion("One two three", most, stop) == expected


def test_thinking_comes_in_steps_of_64_and_grows_with_the_effort() -> None:
    thought = [
        token_count.estimate_reasoning_tokens(effort) for effort in ("none", "low", "medium", "high", "xhigh")
    ]
    assert thought == sorted(set(thought))
    assert not any(tokens_ % 64 for tokens_ in thought)
    assert (
        token_count.estimate_reasoning_tokens()
        == token_count.estimate_reasoning_tokens("unheard of")
        == token_count.estimate_reasoning_tokens("medium")
        == 256
    )


@given(TEXTS)
def test_a_text_that_is_counted_again_has_as_many_tokens_as_pieces(text: str) -> None:
    assert (
        token_count.count_tokens(text) == token_count.count_tokens(text) == len(token_count.split_text(text))
    )


def test_what_was_said_before_is_not_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [{"role": "user", "content": "It has been a long conversation. " * 1000}]
    counted = token_count.count_prompt_tokens(said)
    monkeypatch.delattr(token_count, "_TOKEN")
    assert token_count.count_prompt_tokens(said) == counted


def test_a_very_long_prompt_is_counted_in_part() -> None:
    message = {"role": "user", "content": "!" * (token_count.MAX_COUNTED_LENGTH // 2)}
    once = token_count.count_prompt_tokens([message])
    assert token_count.count_prompt_tokens([message] * 2) == 2 * once - 3
    added = token_count.count_prompt_tokens([message] * 3) - token_count.count_prompt_tokens([message] * 2)
    assert (
        added
        == token_count.MESSAGE_OVERHEAD
        + token_count.MAX_COUNTED_LENGTH // 2 // token_count.CHARACTERS_PER_TOKEN
    )
