"""Generated English: sentences that read well, of the requested length, on the topic of the message."""

from __future__ import annotations

import itertools
import re
from random import Random

import pytest

from mockserver.generation.english_text import (
    ADVERBIALS,
    OPENERS,
    PREDICATES,
    SHORT_TEXTS,
    SUBJECTS,
    EnglishWriter,
)
from mockserver.generation.faker_text import generate_text, stable_hash
from mockserver.generation.generate import GenerationRequest, ReplyGenerator
from mockserver.generation.prompt_topic import MAX_WORD_LENGTH, find_topic

FINITE_VERBS = re.compile(
    r"\b(am|is|are|can|will|works?|saves|needs|makes|takes|pays|helps|depends|gives|leaves|shows|keeps|have|comes"
    r"|matters?|Thank|Let)\b"
)
MESSAGES = {
    "How is the weather in Paris?": "weather",
    "Write about cats and dogs": "cats",
    "Explain recursion to a child": "recursion",
    "How do I reset my password?": "password",
    "Nutzt du Python?": "Python",
}


def _split_sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.)\s+", text)


def _reads_well(sentence: str) -> bool:
    words = sentence.lower().rstrip(".").split()
    return (
        re.fullmatch(r"[A-Z][\w ,'’\"-]*\.", sentence) is not None
        and FINITE_VERBS.search(sentence) is not None
        and 5 <= len(words) <= 20
        and all(first != second for first, second in itertools.pairwise(words))
    )


def test_500_generated_sentences_read_as_english() -> None:
    seeds = range(60)
    replies = [generate_text(message, stable_hash(message, seed)) for message in MESSAGES for seed in seeds]
    sentences = [sentence for reply in replies for sentence in _split_sentences(reply)]
    assert len(sentences) > 500
    assert [sentence for sentence in sentences if not _reads_well(sentence)] == []
    assert len(set(sentences)) > 300


@pytest.mark.parametrize(
    "sentence", ["song cost indeed.", "Song cost indeed away.", "It it works very well."]
)
def test_random_nouns_and_repeated_words_do_not_read_well(sentence: str) -> None:
    assert not _reads_well(sentence)


@pytest.mark.parametrize("message", MESSAGES)
def test_the_first_sentence_takes_up_the_topic(message: str) -> None:
    for length in ("", " in 40 words", " in 3 sentences", " in two paragraphs"):
        for seed in range(8):
            first = _split_sentences(generate_text(message + length, seed))[0]
            assert MESSAGES[message] in first


def test_each_part_of_a_sentence_is_written_for_its_place() -> None:
    assert all(re.fullmatch("[a-z ]+", part) for part in (*SUBJECTS, *PREDICATES, *ADVERBIALS))
    assert all(re.fullmatch("[a-z ]+,", opener) for opener in OPENERS)
    assert all(FINITE_VERBS.search(predicate) for predicate in PREDICATES)
    for count, texts in enumerate(SHORT_TEXTS, start=1):
        assert {len(text.split()) for text in texts} == {count}


@pytest.mark.parametrize("count", [*range(1, 41), 500])
def test_a_text_has_the_requested_number_of_words(count: int) -> None:
    for topic in ("", " about the sea"):
        assert len(generate_text(f"Write {count} words{topic}", count).split()) == count


def test_the_sentences_of_a_text_do_not_repeat_each_other() -> None:
    sentences = list(EnglishWriter(Random(1)).compose_sentences(50))
    assert all(first != second for first, second in itertools.pairwise(sentences))


def test_the_choices_of_a_response_begin_differently() -> None:
    for message in ("Tell me about Rome", "Hello"):
        generator = ReplyGenerator(GenerationRequest(user_text=message))
        texts = [generator.generate(index).text or "" for index in range(4)]
        assert len({_split_sentences(text)[0] for text in texts}) == 4


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("Tell me about our new plan for the summer!", "your new plan for the summer"),
        ("The server crashed when I called it", "the server"),
        ("Write a story about the sea", "the sea"),
        ("Write 80 words on cats", "cats"),
        ("What is machine learning?", "machine learning"),
        ("Why is Rust popular?", "Rust"),
        ("Is Rust popular?", "Rust"),
        ("Does the server retry requests?", "the server"),
        ("Which city is larger, Rome or Berlin?", '"Berlin"'),
        ("my name is Jason", '"Jason"'),
        ("the plan for it", "the plan"),
        ("really the the", None),
        ("Hello", None),
        ("", None),
        ("3 4.5 !", None),
        ("nice nice", '"nice"'),
        ("x" * (MAX_WORD_LENGTH + 1), None),
        ("Wie spät ist es", '"spät ist es"'),
        ("天気", '"天気"'),
    ],
)
def test_the_topic_is_a_noun_phrase_of_the_message(message: str, topic: str | None) -> None:
    assert find_topic(message) == topic
