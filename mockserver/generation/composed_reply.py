"""Generated replies that read well: an opening on the topic of the message, then a text of the requested length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from mockserver.generation.english_text import OPENINGS, TOPIC_OPENINGS, EnglishWriter
from mockserver.generation.listed_text import ListedWriter
from mockserver.generation.prompt_topic import find_last_word, find_topic
from mockserver.generation.sentence_lists import SENTENCE_LISTS
from mockserver.generation.sentence_writer import MIN_WORDS, SentenceWriter, count_words

READABLE_LANGUAGES = frozenset(("en", *SENTENCE_LISTS))


@dataclass(frozen=True)
class _Composition:
    """The parts of a reply: the openings of its language, with the topic filled in, and the writer of the rest."""

    writer: SentenceWriter
    topic_openings: tuple[str, ...]  # empty without a topic
    openings: tuple[str, ...]
    seed: int

    def open_on_topic(self, turn: int = 0) -> str | None:
        """Return an opening on the topic; the openings alternate with the seed, and with `turn`."""
        openings = self.topic_openings
        return openings[(self.seed + turn) % len(openings)] if openings else None


def compose_reply(message: str, seed: int, language: str, unit: str | None = None, count: int = 0) -> str:
    """Return a text of `count` words, sentences or paragraphs; of two or three sentences if `unit` is None.

    The openings alternate with `seed`, so that the choices of one response differ. `language` is one of
    `READABLE_LANGUAGES`.
    """
    random = Random(seed)
    parts = _prepare(message, seed, language, random)
    if unit == "word":
        return " ".join(_compose_words(parts, count))
    if unit is None:
        opening = parts.open_on_topic() or parts.openings[seed % len(parts.openings)]
        return " ".join((opening, *parts.writer.compose_sentences(random.randint(1, 2))))
    counts = [count] if unit == "sentence" else [random.randint(3, 5) for _ in range(count)]
    paragraphs = [list(parts.writer.compose_sentences(each)) for each in counts]
    paragraphs[0][:1] = [parts.open_on_topic() or paragraphs[0][0]]
    return "\n\n".join(map(" ".join, paragraphs))


def _prepare(message: str, seed: int, language: str, random: Random) -> _Composition:
    if language == "en":
        writer: SentenceWriter = EnglishWriter(random)
        topic, topic_openings, openings = find_topic(message), TOPIC_OPENINGS, OPENINGS
    else:
        listed = SENTENCE_LISTS[language]
        writer = ListedWriter(random, listed.sentences)
        topic, topic_openings, openings = find_last_word(message), listed.topic_openings, listed.openings
    on_topic = tuple(each.format(topic) for each in topic_openings) if topic else ()
    return _Composition(writer, on_topic, openings, seed)


def _compose_words(parts: _Composition, count: int) -> Iterator[str]:
    """Yield sentences of altogether `count` words; the first is on the topic, unless it is too long."""
    openings = (parts.open_on_topic(turn) for turn in range(len(parts.topic_openings)))
    for opening in filter(None, openings):
        rest = count - count_words(opening)
        if rest == 0 or rest >= MIN_WORDS:
            yield opening
            yield from parts.writer.compose_words(rest)
            return
    yield from parts.writer.compose_words(count)
