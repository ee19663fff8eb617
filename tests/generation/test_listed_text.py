"""Generated texts of languages other than English: readable sentences, of the requested length, on the topic."""

from __future__ import annotations

import itertools
import re

import pytest

from mockserver.generation.faker_text import generate_text
from mockserver.generation.prompt_topic import find_last_word
from mockserver.generation.sentence_lists import SENTENCE_LISTS, SentenceList
from mockserver.generation.sentence_writer import group_by_length

MESSAGES = {
    "de_DE": (
        "Wie ist das Wetter in Paris?",
        "Paris",
        "Schreibe 23 Wörter über Katzen",
        "Drei Hunde, 4 Sätze",
    ),
    "fr_CA": ("Quel temps fait-il ici ?", "temps", "Écris 23 mots sur les chats", "4 phrases sur la mer"),
    "es_MX": ("¿Cómo es el tiempo en París?", "París", "23 palabras sobre gatos", "4 frases sobre el mar"),
    "it_IT": ("Com'è il tempo a Roma?", "Roma", "23 parole sui gatti", "4 frasi sul mare"),
    "pt_BR": ("Como está o tempo em Lisboa?", "Lisboa", "23 palavras sobre gatos", "4 frases sobre o mar"),
}


@pytest.mark.parametrize("locale", MESSAGES)
def test_a_reply_is_of_sentences_and_takes_up_a_word_of_the_message(locale: str) -> None:
    message, topic, *_ = MESSAGES[locale]
    for seed in range(20):
        first, *rest = re.split(r"(?<=\.) ", generate_text(message, seed, locale))
        assert topic in first
        assert 1 <= len(rest) <= 2
        assert set(rest) <= set(SENTENCE_LISTS[locale[:2]].sentences)


@pytest.mark.parametrize("locale", MESSAGES)
def test_a_text_has_the_length_that_is_requested_in_its_language(locale: str) -> None:
    _, _, words, sentences = MESSAGES[locale]
    for seed in range(10):
        assert len(generate_text(words, seed, locale).split()) == 23
        assert len(re.split(r"(?<=\.) ", generate_text(sentences, seed, locale))) == 4


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9, 10, 11])
def test_a_short_text_has_the_exact_number_of_words(count: int) -> None:
    assert len(generate_text(f"{count} Wörter", 1, "de_DE").split()) == count


@pytest.mark.parametrize("listed", SENTENCE_LISTS.values(), ids=SENTENCE_LISTS)
def test_the_sentences_of_a_list_are_complete(listed: SentenceList) -> None:
    groups = group_by_length(listed.sentences)
    assert [*groups] == [*range(1, 10)]
    assert all(len(set(group)) == len(group) >= 2 for group in groups.values())
    for sentence in (*listed.sentences, *listed.openings, *listed.topic_openings):
        words = sentence.lower().rstrip(".").split()
        assert re.fullmatch(r"[^\W\d_a-z][^.]*\.", sentence)
        assert all(first != second for first, second in itertools.pairwise(words))
    assert all(each.count("{}") == 1 for each in listed.topic_openings)


@pytest.mark.parametrize("message", ["", "12 34", "Ja, es tut so", "a" * 31])
def test_a_message_without_words_of_some_length_has_no_topic(message: str) -> None:
    assert find_last_word(message) is None
    assert generate_text(message, 1, "de_DE").startswith(SENTENCE_LISTS["de"].openings)
