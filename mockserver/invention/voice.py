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

from mockserver.shape import meant

if TYPE_CHECKING:
    from faker import Faker

DEFAULT = "en_US"
LATIN = "la"


def digest(*parts: object) -> int:
    """The same number for the same parts in every process, which `hash()` does not promise."""
    return int.from_bytes(blake2b(repr(tuple(map(str, parts))).encode(), digest_size=8).digest())


def faker_for(locale: str, seed: int) -> Faker:
    """The Faker of a locale, seeded anew; to be used before the next one is asked for."""
    faker = _made(locale)
    faker.seed_instance(seed)
    return faker


def known(locale: str) -> str:
    """Faker's name of a locale: `de` and `de-DE` are `de_DE`. Raises ValueError for one that it does not have."""
    if locale == DEFAULT:
        return locale  # without asking Faker, whose import takes a fifth of a second
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415

    plain = locale.replace("-", "_")
    for name in (locales.normalize(plain).partition(".")[0], plain):
        if name in AVAILABLE_LOCALES:
            return name
    near = meant(plain, sorted(AVAILABLE_LOCALES)) or ", expected one of Faker's, like de_DE, fr_FR, ja_JP"
    raise ValueError(f"found the locale {locale[:80]!r}{near}")


@cache
def _made(locale: str) -> Faker:
    from faker import Faker  # noqa: PLC0415 its import costs a fifth of a second, and most servers never need it

    faker = Faker(
        locale, use_weighting=locale == "es_CL"
    )  # Chile's names cannot be drawn without their weights
    near = _near(locale)
    if near is not None:
        faker.add_provider(import_module(f"{WORDS}.{near}").Provider)
    return faker


def _near(locale: str) -> str | None:
    """The locale of the same language that has words, where this one has none; None where nothing is to be done."""
    language = locale.partition("_")[0]
    having = sorted(module.name for module in iter_modules(import_module(WORDS).__path__))
    if locale == DEFAULT or (locale in having and language != "en"):  # the Philippines' English is Latin
        return None
    home = {"en": DEFAULT}.get(language, f"{language}_{language.upper()}")
    same = [name for name in having if name.partition("_")[0] == language]
    return home if home in same else next(iter(same), None)


WORDS = "faker.providers.lorem"
