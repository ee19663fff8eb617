"""The tokenizer of the o-models; without it, tokens are estimated and nothing else changes."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.errors import InputError
from mockserver.testing import MockServer
from mockserver.tokens.token_count import (
    ESTIMATE,
    PROPERTIES_OVERHEAD,
    PROPERTY_OVERHEAD,
    count_prompt_tokens,
    count_tokens,
    split_text,
    truncate_completion,
)
from mockserver.tokens.tokenizer import TOKENIZER_NAME, count_o200k_tokens
from tests.conftest import MakeClient, StartServer
from tests.tokens.test_token_count import JARGON, WEATHER, user

# A lone surrogate is no character, and no JSON can carry it.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab 漢字🙂👩\u200d\u0301é\r\n<|>"))
ABSENT = "import sys; sys.modules['splintr'] = None; "
SAID = "漢字 🙂, Привет!"
FIXTURE = f"fixtures:\n- {{name: said, match: {{}}, response: '{SAID}'}}\n"


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("", 0),
        ("Hello", 1),
        ("Hello! How can I assist you today?", 9),
        ("2 + 2 = 4", 7),  # this and the next three: OpenAI's cookbook, o200k_base
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("お誕生日おめでとう", 8),
        ("You miss 100% of the shots you don't take", 11),
        ("<|endoftext|>", 7),  # what a user writes is text
        ("half of \ud83d", 3),
    ],
)
def test_a_published_count_is_met(text: str, real: int) -> None:
    assert count_tokens(text, TOKENIZER_NAME) == real


@pytest.mark.parametrize(("overhead", "total"), [(5, 9), (3, 7)])
def test_hello_costs_what_the_vendors_samples_print(overhead: int, total: int) -> None:
    assert count_prompt_tokens(user("Hello"), [], overhead, TOKENIZER_NAME) == total


def test_the_cookbooks_messages_cost_its_124_but_for_their_six_roles() -> None:
    names = [None, "example_user", "example_assistant", "example_user", "example_assistant", None]
    messages = [{"content": text, "name": name} for text, name in zip(JARGON, names, strict=True)]
    assert count_prompt_tokens(messages, tokenizer=TOKENIZER_NAME) == 124 - 6


def test_the_cookbooks_tool_costs_its_101_within_three() -> None:
    system = "You are a helpful assistant that can answer to questions about the weather."
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": "What's the weather like in Pittsburgh?"},
    ]
    assert abs(count_prompt_tokens(messages, [WEATHER], tokenizer=TOKENIZER_NAME) - 101) <= 3


@given(TEXTS)
@example("\r\n")
def test_the_pieces_joined_are_the_text(text: str) -> None:
    cut = split_text(text, TOKENIZER_NAME)
    assert "".join(cut) == text
    assert all(cut)
    assert len(cut) <= count_tokens(text, TOKENIZER_NAME)


@given(TEXTS, st.integers(0, 12))
def test_a_limited_text_begins_the_text_and_keeps_to_its_limit(text: str, most: int) -> None:
    said, reason = truncate_completion(text, most, None, TOKENIZER_NAME)
    assert text.startswith(said)
    assert (reason == "length") == (count_tokens(text, TOKENIZER_NAME) > most)
    assert len(split_text(text, TOKENIZER_NAME)[:most]) >= len(split_text(said, TOKENIZER_NAME))


@pytest.mark.parametrize("tokenizer", [ESTIMATE, TOKENIZER_NAME])
def test_a_long_text_takes_time_in_proportion(tokenizer: str) -> None:
    def spent(text: str) -> float:
        began = time.process_time()
        count_tokens(text, tokenizer)
        split_text(text, tokenizer)
        return time.process_time() - began

    spent("warm")
    for unit in ("a", "a b ", "漢", "{", " ", "é\u0301"):
        short, long = min(spent(unit * 20_000) for _ in range(3)), spent(unit * 200_000)
        assert long < 40 * max(short, 0.005), unit


@pytest.mark.parametrize(
    ("tokenizer", "cut_by", "pieces"),
    [
        ("estimate", "estimate", ["漢", "字", " ", "🙂", ",", " При", "вет", "!"]),
        ("o200k_base", "o200k_base", ["漢", "字", " 🙂", ",", " Пр", "ивет", "!"]),
        ("auto", "o200k_base", ["漢", "字", " 🙂", ",", " Пр", "ивет", "!"]),
    ],
)
def test_a_server_counts_and_cuts_by_what_it_is_told(
    start_server: StartServer, make_client: MakeClient, tokenizer: str, cut_by: str, pieces: list[str]
) -> None:
    client = make_client(start_server(FIXTURE, tokenizer=tokenizer))
    assert client.chat("segmind").json["usage"]["completion_tokens"] == count_tokens(SAID, cut_by)
    chunks = client.chat("segmind", stream=True).chunks
    assert [one["choices"][0]["delta"].get("content") for one in chunks][1:-1] == pieces


def test_without_the_package_there_is_the_estimate() -> None:
    code = (
        "from mockserver.testing import MockServer; from mockserver.settings import Settings; "
        "print(MockServer()._pipeline.settings.tokenizer)"
    )
    for before, said in (("", TOKENIZER_NAME), (ABSENT, ESTIMATE)):
        ran = subprocess.run(
            [sys.executable, "-c", before + code], capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == said


def test_a_vocabulary_that_is_not_installed_is_told_how_to_come_by() -> None:
    code = f"from mockserver.cli.main import main; main(['--tokenizer', '{TOKENIZER_NAME}', '--port', '0'])"
    ran = subprocess.run([sys.executable, "-c", ABSENT + code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == (
        "mockserver: --tokenizer: o200k_base is not installed: pip install 'mock-provider-server[tokens]'\n"
    )


def test_a_tokenizer_that_nobody_knows_is_told() -> None:
    with pytest.raises(InputError, match="--tokenizer: found 'o200k', did you mean 'o200k_base'"):
        MockServer(tokenizer="o200k")


def test_the_vocabulary_is_loaded_when_the_first_token_is_counted() -> None:
    code = (
        "import sys; from mockserver.testing import MockServer; server = MockServer(); "
        "assert 'splintr' not in sys.modules; from mockserver.tokens import token_count; "
        "token_count.count_tokens('a', 'o200k_base'); assert 'splintr' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_tools_nested_parts_are_counted_each() -> None:
    inner = {"type": "object", "properties": {"zip": {"type": "string"}, "odd": True}}
    offered = {"name": "f", "parameters": {"properties": {"at": inner, "all": {"items": inner}}}}
    flat = {"name": "f", "parameters": {"properties": {"at": {"type": "object"}, "all": {}}}}
    referred = {
        "name": "f",
        "parameters": {**json.loads(json.dumps(flat["parameters"])), "$defs": {"A": inner}},
    }
    either = {"name": "f", "parameters": {"anyOf": [inner], **json.loads(json.dumps(flat["parameters"]))}}

    def cost(function: object) -> int:
        return count_prompt_tokens([], [{"type": "function", "function": function}], 0, TOKENIZER_NAME)

    added = (
        PROPERTIES_OVERHEAD
        + 2 * PROPERTY_OVERHEAD
        + count_o200k_tokens("zip:string:")
        + count_o200k_tokens("odd")
    )
    assert cost(offered) == cost(flat) + 2 * added
    assert cost(referred) == cost(either) == cost(flat) + added
    assert cost({}) < cost({"name": "f", "description": "What it does."})
