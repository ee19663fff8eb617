"""A free text: two or three sentences, or as many words, sentences or paragraphs as the message asks for.

`faker` speaks the locale's language, `lorem` Latin, `echo` says what the user said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockserver.invention.voice import DEFAULT, LATIN, digest, faker_for

if TYPE_CHECKING:
    from faker import Faker

MOST = {"word": 5_000, "sentence": 500, "paragraph": 100}
WIDTH = 8  # words in a sentence whose words are counted


def prose(user: str, turn: int, locale: str = DEFAULT, mode: str = "faker") -> str:
    """A text for a user's message; another `turn` says something else. `mode` is one of the settings' `REPLIES`."""
    if mode == "echo":
        return user
    faker = faker_for(LATIN if mode == "lorem" else locale, digest(turn))
    asked = LENGTH.search(user)
    if asked:
        unit = asked[2].lower()
        return WRITERS[unit](faker, min(_number(asked[1].lower()), MOST[unit]))
    if mode == "lorem":
        return str(faker.paragraph())
    said = _sentences(faker, faker.random.randint(1, 2))
    # The openings take turns, so that two choices side by side never say the same; they are English.
    opening = OPENINGS[turn % len(OPENINGS)] if locale.startswith("en") else faker.sentence()
    return f"{opening} {said}"


def _number(word: str) -> int:
    return int(word) if word.isdecimal() else NUMBERS.index(word) + 1


def _words(faker: Faker, count: int) -> str:
    return " ".join(_counted(faker, count))


def _counted(faker: Faker, count: int) -> Iterator[str]:
    for start in range(0, count, WIDTH):
        yield faker.sentence(nb_words=min(WIDTH, count - start), variable_nb_words=False)


def _sentences(faker: Faker, count: int) -> str:
    return " ".join(faker.sentences(nb=count))


def _paragraphs(faker: Faker, count: int) -> str:
    return "\n\n".join(faker.paragraphs(nb=count))


WRITERS = {"word": _words, "sentence": _sentences, "paragraph": _paragraphs}
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LENGTH = re.compile(
    rf"\b(?<![.,])(0*[1-9]\d{{0,5}}|{'|'.join(NUMBERS)})[ -](word|sentence|paragraph)s?\b", re.IGNORECASE
)

OPENINGS = (
    "Thank you for your question.",
    "Of course, I am happy to help.",
    "Certainly, here is what I found.",
    "That is a good question.",
    "Let me help you with that.",
    "Sure, here is a short answer.",
)
