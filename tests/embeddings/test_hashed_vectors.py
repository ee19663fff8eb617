"""The vectors of texts: of unit length, the same for the same text, and close for texts with common words."""

from __future__ import annotations

import math
from operator import mul

import pytest

from mockserver.embeddings.hashed_vectors import embed_text, embed_tokens

SIZE = 1536
ALIKE = [
    ("cat sat on the mat", "a cat sat on a mat"),
    ("How do I change my password?", "I want to change my password"),
    ("Ship the order to Berlin.", "Please ship my order to Berlin"),
    ("The invoice is overdue by ten days", "This invoice is ten days overdue"),
    ("Opening hours on Sunday", "What are your opening hours on Sunday?"),
    ("RESET THE ROUTER", "reset the router"),
    ("吾輩は猫である", "吾輩は猫でした"),
]
UNLIKE = [
    "The quarterly revenue of the company grew by seven percent.",
    "She plays the violin in an orchestra every Sunday.",
    "How do I reset my router to factory settings?",
    "Volcanic ash closed the airport for three days.",
    "A recipe for lentil soup with cumin and lemon.",
    "The treaty was signed by both countries in 1848.",
    "Photosynthesis turns light into chemical energy.",
    "My dog is afraid of the vacuum cleaner.",
    "Interest rates are expected to fall next year.",
    "He repaired the old bicycle in the garage.",
    "cat sat on the mat",
    "Das Wetter in Hamburg bleibt wechselhaft.",
    "東京は雨が降っています",
    "SELECT name FROM users WHERE id = 7",
]
# 20 pairs: each sentence with the next one, and every third one with the sentence seven places on.
PAIRS = [*zip(UNLIKE, [*UNLIKE[1:], UNLIKE[0]], strict=True), *zip(UNLIKE[:6], UNLIKE[7:13], strict=True)]


def embed(text: str, size: int = SIZE, model: str = "m") -> list[float]:
    return embed_text(text, model, size)


def cosine(first: list[float], second: list[float]) -> float:
    return sum(map(mul, first, second), 0.0)


@pytest.mark.parametrize("pair", ALIKE)
def test_texts_with_common_words_are_close(pair: tuple[str, str]) -> None:
    assert cosine(*map(embed, pair)) >= 0.6


def test_unrelated_sentences_are_far_from_each_other() -> None:
    assert len(PAIRS) == 20
    assert {pair: angle for pair in PAIRS if (angle := cosine(*map(embed, pair))) > 0.3} == {}


@pytest.mark.parametrize(
    "text", ["a", "cat sat on the mat", " ", "?!", "👩‍👩‍👧", "\ud800", "x" * 5000, "the " * 300]
)
@pytest.mark.parametrize("size", [1, 3, 256, 1536])
def test_a_vector_has_unit_length(text: str, size: int) -> None:
    vector = embed(text, size)
    assert len(vector) == size
    assert math.isclose(cosine(vector, vector), 1, abs_tol=1e-9)


def test_a_short_vector_is_the_beginning_of_the_long_one() -> None:
    long, short = embed("cat sat on the mat"), embed("cat sat on the mat", 256)
    scale = long[0] / short[0]
    assert long[:256] == pytest.approx([number * scale for number in short])


def test_a_vector_is_the_same_in_each_process_and_differs_between_models() -> None:
    assert embed_text("cat", "m", 4) == pytest.approx([-0.150998, 0.436761, -0.753459, 0.467696], abs=1e-6)
    assert abs(cosine(embed("cat"), embed("cat", model="other"))) < 0.3


def test_lists_of_tokens_are_close_if_they_have_common_tokens() -> None:
    first, second, other = (embed_tokens(tokens, "m", SIZE) for tokens in ([5, 6, 7], [5, 6, 7, 8], [1, 2]))
    assert math.isclose(cosine(first, first), 1)
    assert cosine(first, second) > 0.6
    assert cosine(first, other) < 0.3
