"""Random text in the language of a locale, of the length that the user's message asks for.

Texts in English, German, French, Spanish, Italian and Portuguese are composed by `composed_reply`; those of other
languages are random words of Faker's lists. If Faker has no word list for a locale, that of another locale of the same
language is used: `zh_TW` and `zh_CN`. For some languages (Swedish, Korean) Faker has names and places, but no word list
at all: their texts are lorem ipsum.
"""

from __future__ import annotations

import locale as locales
import re
from collections.abc import Iterator
from hashlib import blake2b
from importlib import import_module
from pkgutil import iter_modules
from threading import local
from typing import TYPE_CHECKING

from mockserver.generation.composed_reply import READABLE_LANGUAGES, compose_reply
from mockserver.schema.messages import did_you_mean, truncate_text

if TYPE_CHECKING:
    from faker import Faker

DEFAULT_LOCALE = "en_US"
LATIN_LOCALE = "la"
LOREM_PACKAGE = "faker.providers.lorem"
MAX_COUNTS = {"word": 5_000, "sentence": 500, "paragraph": 100}
MAX_SEARCHED_LENGTH = 20_000  # characters of a message in which a number of words is looked for
MAX_ECHO_LENGTH = 1_000_000  # characters
WORDS_PER_SENTENCE = 8  # if a number of words is requested


def stable_hash(*parts: object) -> int:
    """Return a 64-bit hash of the parts that is the same in every process, unlike that of `hash()`."""
    return int.from_bytes(blake2b(repr(tuple(map(str, parts))).encode(), digest_size=8).digest())


def seed_faker(locale: str, seed: int) -> Faker:
    """Return the Faker of a locale, seeded; it is shared by a thread, so use it before the next call."""
    faker = _faker_of_thread(locale)
    faker.seed_instance(seed)
    return faker


def normalize_locale(locale: str) -> str:
    """Return Faker's name of a locale: `de_DE` for `de` and `de-DE`. Raise ValueError for an unknown locale."""
    if locale == DEFAULT_LOCALE:
        return locale  # without importing Faker, which takes 0.2 s
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415

    plain = locale.replace("-", "_")
    for name in (locales.normalize(plain).partition(".")[0], plain):
        if name in AVAILABLE_LOCALES:
            return name
    advice = (
        did_you_mean(plain, sorted(AVAILABLE_LOCALES))
        or ", expected one of Faker's, like de_DE, fr_FR, ja_JP"
    )
    raise ValueError(f"found the locale {truncate_text(locale)!r}{advice}")


def _faker_of_thread(locale: str) -> Faker:
    """Return the Faker of a locale and thread: another server in the process must not draw from it meanwhile."""
    fakers: dict[str, Faker] = _local.__dict__
    if locale not in fakers:
        fakers[locale] = _create_faker(locale)
    return fakers[locale]


def _create_faker(locale: str) -> Faker:
    from faker import Faker  # noqa: PLC0415 the import takes 0.2 s, and most servers never need it

    # The Chilean names of Faker fail without weights.
    faker = Faker(locale, use_weighting=locale == "es_CL")
    other = _word_list_locale(locale)
    if other is not None:
        faker.add_provider(import_module(f"{LOREM_PACKAGE}.{other}").Provider)
    return faker


def _word_list_locale(locale: str) -> str | None:
    """Return another locale of the language whose word list is to be used; None to leave the locale as it is."""
    language = locale.partition("_")[0]
    available = sorted(module.name for module in iter_modules(import_module(LOREM_PACKAGE).__path__))
    # Only the English words of en_US are used: those of en_PH are lorem ipsum.
    if locale == DEFAULT_LOCALE or (locale in available and language != "en"):
        return None
    main = {"en": DEFAULT_LOCALE}.get(language, f"{language}_{language.upper()}")
    related = [name for name in available if name.partition("_")[0] == language]
    return main if main in related else next(iter(related), None)


def generate_text(user_text: str, seed: int, locale: str = DEFAULT_LOCALE, mode: str = "faker") -> str:
    """Return a text in reply to a user's message; `seed` varies it. `mode` is one of `REPLIES` in `settings`.

    If the message asks for a number of words, sentences or paragraphs, the text has that many, up to `MAX_COUNTS`.
    A text of a readable language begins with a sentence on the topic of the message.
    """
    if mode == "echo":
        return user_text[:MAX_ECHO_LENGTH]
    requested = REQUESTED_LENGTH.search(user_text[:MAX_SEARCHED_LENGTH])
    unit = UNITS[requested[2].lower()] if requested else None
    count = min(_parse_count(requested[1].lower()), MAX_COUNTS[unit]) if requested and unit else 0
    language = locale.partition("_")[0]
    if mode == "faker" and language in READABLE_LANGUAGES:
        return compose_reply(user_text, seed, language, unit, count)
    faker = seed_faker(LATIN_LOCALE if mode == "lorem" else locale, stable_hash(seed))
    if unit:
        return UNIT_GENERATORS[unit](faker, count)
    return str(faker.paragraph()) if mode == "lorem" else _sentences(faker, faker.random.randint(2, 3))


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
WORDS_FOR_UNITS = {
    "word": "word words wort worte wörter wörtern mot mots palabra palabras parola parole palavra palavras",
    "sentence": "sentence sentences satz sätze sätzen phrase phrases frase frases frasi",
    "paragraph": "paragraph paragraphs absatz absätze absätzen paragraphe paragraphes párrafo párrafos "
    "paragrafo paragrafi parágrafo parágrafos",
}
UNITS = {word: unit for unit, words in WORDS_FOR_UNITS.items() for word in words.split()}
REQUESTED_LENGTH = re.compile(
    rf"\b(?<![.,])(0*[1-9]\d{{0,5}}|{'|'.join(NUMBERS)})[ -]({'|'.join(UNITS)})\b", re.IGNORECASE
)

_local = local()
