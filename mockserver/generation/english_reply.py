"""Generated English replies: an opening sentence on the topic of the message, then a text of the requested length."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from mockserver.generation.english_text import MIN_WORDS, EnglishWriter, count_words


def compose_reply(topic: str | None, seed: int, unit: str | None = None, count: int = 0) -> str:
    """Return a text of `count` words, sentences or paragraphs; of two or three sentences if `unit` is None.

    The openings alternate with `seed`, so that the choices of one response differ.
    """
    random = Random(seed)
    writer = EnglishWriter(random)
    if unit == "word":
        return " ".join(_compose_words(writer, topic, seed, count))
    if unit is None:
        opening = _open(topic, seed) or OPENINGS[seed % len(OPENINGS)]
        return " ".join((opening, *writer.compose_sentences(random.randint(1, 2))))
    counts = [count] if unit == "sentence" else [random.randint(3, 5) for _ in range(count)]
    paragraphs = [list(writer.compose_sentences(each)) for each in counts]
    paragraphs[0][:1] = [_open(topic, seed) or paragraphs[0][0]]
    return "\n\n".join(map(" ".join, paragraphs))


def _compose_words(writer: EnglishWriter, topic: str | None, seed: int, count: int) -> Iterator[str]:
    """Yield sentences of altogether `count` words; the first is on the topic, unless it is too long."""
    openings = (_open(topic, seed + turn) for turn in range(len(TOPIC_OPENINGS)))
    for opening in filter(None, openings):
        rest = count - count_words(opening)
        if rest == 0 or rest >= MIN_WORDS:
            yield opening
            yield from writer.compose_words(rest)
            return
    yield from writer.compose_words(count)


def _open(topic: str | None, seed: int) -> str | None:
    return TOPIC_OPENINGS[seed % len(TOPIC_OPENINGS)].format(topic) if topic else None


TOPIC_OPENINGS = (
    "There are three things worth knowing about {}.",
    "A good way to begin with {} is to look at an example.",
    "Most questions about {} have a short answer and a longer one.",
    "The basic idea behind {} is easier than it seems.",
    "When it comes to {}, small steps usually work best.",
    "The best advice on {} is to keep things simple.",
    "A closer look at {} shows why the details matter.",
    "Here is a short overview of {}.",
)
OPENINGS = (
    "Thank you for your question.",
    "Of course, I am happy to help.",
    "Certainly, here is what I found.",
    "That is a good question.",
    "Let me help you with that.",
    "Sure, here is a short answer.",
)
