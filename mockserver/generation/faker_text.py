"""The Faker of a locale speaks its language; where it has no words of a country, those of the language do.

`en_GB` takes the words of `en_US`, `fr_CA` those of `fr_FR`. Of some languages (Portuguese, Swedish, Korean) Faker has
names and places and no words: there a text is Latin.
"""

from __future__ import annotations

import locale as locales
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from mockserver.schema.messages import did_you_mean

if TYPE_CHECKING:
    from faker import Faker


import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker


DEFAULT_LOCALE = "en_US"
LATIN_LOCALE = "la"


def stable_hash(*parts: object) -> int:
    """The same number for the same parts in every process, which `hash()` does not promise."""
    return int.from_bytes(blake2b(repr(tuple(map(str, parts))).encode(), digest_size=8).digest())


def seed_faker(locale: str, seed: int) -> Faker:
    """The Faker of a locale, seeded anew; to be used before the next one is asked for."""
    faker = _create_faker(locale)
    faker.seed_instance(seed)
    return faker


def normalize_locale(locale: str) -> str:
    """Faker's name of a locale: `de` and `de-DE` are `de_DE`. Raises ValueError for one that it does not have."""
    if locale == DEFAULT_LOCALE:
        return locale  # without asking Faker, whose import takes a fifth of a second
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415

    plain = locale.replace("-", "_")
    for name in (locales.normalize(plain).partition(".")[0], plain):
        if name in AVAILABLE_LOCALES:
            return name
    near = (
        did_you_mean(plain, sorted(AVAILABLE_LOCALES))
        or ", expected one of Faker's, like de_DE, fr_FR, ja_JP"
    )
    raise ValueError(f"found the locale {locale[:80]!r}{near}")


@cache
def _create_faker(locale: str) -> Faker:
    from faker import Faker  # noqa: PLC0415 its import costs a fifth of a second, and most servers never need it

    faker = Faker(
        locale, use_weighting=locale == "es_CL"
    )  # Chile's names cannot be drawn without their weights
    near = _word_list_locale(locale)
    if near is not None:
        faker.add_provider(import_module(f"{LOREM_PACKAGE}.{near}").Provider)
    return faker


def _word_list_locale(locale: str) -> str | None:
    """The locale of the same language that has words, where this one has none; None where nothing is to be done."""
    language = locale.partition("_")[0]
    having = sorted(module.name for module in iter_modules(import_module(LOREM_PACKAGE).__path__))
    if locale == DEFAULT_LOCALE or (
        locale in having and language != "en"
    ):  # the Philippines' English is Latin
        return None
    home = {"en": DEFAULT_LOCALE}.get(language, f"{language}_{language.upper()}")
    same = [name for name in having if name.partition("_")[0] == language]
    return home if home in same else next(iter(same), None)


LOREM_PACKAGE = "faker.providers.lorem"


MAX_COUNTS = {"word": 5_000, "sentence": 500, "paragraph": 100}
WORDS_PER_SENTENCE = 8  # words in a sentence whose words are counted


def generate_text(user_text: str, seed: int, locale: str = DEFAULT_LOCALE, mode: str = "faker") -> str:
    """A text for a user's message; another `turn` says something else. `mode` is one of the settings' `REPLIES`."""
    if mode == "echo":
        return user_text
    faker = seed_faker(LATIN_LOCALE if mode == "lorem" else locale, stable_hash(seed))
    asked = REQUESTED_LENGTH.search(user_text)
    if asked:
        unit = asked[2].lower()
        return UNIT_GENERATORS[unit](faker, min(_parse_count(asked[1].lower()), MAX_COUNTS[unit]))
    if mode == "lorem":
        return str(faker.paragraph())
    said = _sentences(faker, faker.random.randint(1, 2))
    # The openings take turns, so that two choices side by side never say the same; they are English.
    opening = OPENINGS[seed % len(OPENINGS)] if locale.startswith("en") else faker.sentence()
    return f"{opening} {said}"


def _parse_count(word: str) -> int:
    return int(word) if word.isdecimal() else NUMBERS.index(word) + 1


def _words(faker: Faker, count: int) -> str:
    return " ".join(_exact_length_sentences(faker, count))


def _exact_length_sentences(faker: Faker, count: int) -> Iterator[str]:
    for start in range(0, count, WORDS_PER_SENTENCE):
        yield faker.sentence(nb_words=min(WORDS_PER_SENTENCE, count - start), variable_nb_words=False)


def _sentences(faker: Faker, count: int) -> str:
    return " ".join(faker.sentences(nb=count))


def _paragraphs(faker: Faker, count: int) -> str:
    return "\n\n".join(faker.paragraphs(nb=count))


UNIT_GENERATORS = {"word": _words, "sentence": _sentences, "paragraph": _paragraphs}
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
REQUESTED_LENGTH = re.compile(
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
