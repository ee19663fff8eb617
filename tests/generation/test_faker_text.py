"""Generated text: the language of the locale, and the length that the message asks for."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest

from mockserver.generation.faker_text import (
    MAX_COUNTS,
    generate_text,
    normalize_locale,
    seed_faker,
    stable_hash,
)
from mockserver.generation.from_schema import generate_value
from mockserver.generation.generate import GenerationRequest, ReplyGenerator

LOCALES = ["en_US", "en_GB", "de_DE", "de_CH", "fr_CA", "ja_JP", "es_CL", "pt_BR", "zh_CN", "ru_RU", "ar_AA"]


@pytest.mark.parametrize("mode", ["faker", "lorem"])
@pytest.mark.parametrize(
    ("user", "unit", "count"),
    [
        ("Write 100 words on cats", "word", 100),
        ("in one word", "word", 1),
        ("a 7-word slogan", "word", 7),
        ("Ten sentences, please", "sentence", 10),
        ("three paragraphs about the sea", "paragraph", 3),
        ("999999 words", "word", MAX_COUNTS["word"]),
        ("900 paragraphs", "paragraph", MAX_COUNTS["paragraph"]),
    ],
)
def test_a_text_is_as_long_as_the_message_asks(user: str, unit: str, count: int, mode: str) -> None:
    text = generate_text(user, 1, mode=mode)
    found = {"word": text.split(), "sentence": re.findall(r"\.", text), "paragraph": text.split("\n\n")}
    assert len(found[unit]) == count


@pytest.mark.parametrize("user", ["0 words", "No words.", "3.5 words", "someone sentenced", "words 5"])
def test_what_names_no_length_gets_two_or_three_sentences(user: str) -> None:
    assert 2 <= generate_text(user, 1).count(".") <= 3


@pytest.mark.parametrize(
    ("locale", "letters"),
    [
        ("de_DE", "[a-zäöüß]"),
        ("ja_JP", "[\u3040-\u30ff\u4e00-\u9fff]"),
        ("zh_CN", "[\u4e00-\u9fff]"),
        ("ru_RU", "[а-я]"),
        ("ar_AA", "[\u0600-\u06ff]"),
    ],
)
def test_a_text_speaks_the_language_of_its_locale(locale: str, letters: str) -> None:
    text = generate_text("Hello", 3, locale)
    assert len(re.findall(letters, text, re.IGNORECASE)) > len(text) / 2
    assert "question" not in text


@pytest.mark.parametrize(
    ("locale", "home"),
    [("en_GB", "en_US"), ("de_CH", "de_DE"), ("fr_CA", "fr_FR"), ("en_PH", "en_US"), ("ar_EG", "ar_AA")],
)
def test_a_country_without_words_takes_those_of_its_language(locale: str, home: str) -> None:
    assert generate_text("Hello", 3, locale) == generate_text("Hello", 3, home)


def test_a_language_without_words_gets_latin() -> None:
    words = {word.lower() for word in re.findall(r"\w+", generate_text("50 words", 3, "sv_SE"))}
    latin = {word.lower() for word in re.findall(r"\w+", generate_text("5000 words", 1, mode="lorem"))}
    assert words <= latin


@pytest.mark.parametrize("locale", LOCALES)
def test_a_document_validates_in_every_language(locale: str) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "email": {"type": "string", "format": "email"},
            "site": {"type": "string", "format": "uri"},
            "host": {"type": "string", "format": "hostname"},
            "state": {"type": "string"},
            "summary": {"type": "string", "maxLength": 30},
            "job_title": {"type": "string"},
        },
        "required": ["name", "email"],
    }
    checker = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for seed in range(5):
        document = generate_value(schema, seed_faker(locale, seed))
        assert checker.is_valid(document), document


def test_echo_repeats_the_message_but_still_returns_json_if_asked() -> None:
    assert generate_text("Write 5 words", 1, mode="echo") == "Write 5 words"
    request = GenerationRequest(user_text="x", response_format={"type": "json_object"})
    document = ReplyGenerator(request, mode="echo").generate(0)
    assert (document.text or "").startswith("{")


@pytest.mark.parametrize(
    ("given", "name"),
    [("en_US", "en_US"), ("de", "de_DE"), ("ja-JP", "ja_JP"), ("PT_br", "pt_BR"), ("la", "la"), ("sw", "sw")],
)
def test_a_locale_is_known_by_its_usual_names(given: str, name: str) -> None:
    assert normalize_locale(given) == name


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("de_DD", "did you mean 'de_DE'"),
        ("klingon", "expected one of Faker's, like de_DE"),
        ("", "found the locale ''"),
    ],
)
def test_an_unknown_locale_is_reported_with_advice(given: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        normalize_locale(given)


def test_the_same_parts_are_the_same_number() -> None:
    assert stable_hash(1, "a") == stable_hash("1", "a") != stable_hash("1a")
