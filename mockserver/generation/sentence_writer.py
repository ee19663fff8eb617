"""Sources of generated sentences, which make texts of an exact number of words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

MIN_WORDS = 5  # of a sentence
RECENT_PARTS = 10  # parts of earlier sentences that are not used again


class SentenceWriter(ABC):
    """A source of sentences, which does not repeat the parts of its latest ones."""

    max_words: int  # of a sentence

    def __init__(self, random: Random) -> None:
        self.random = random
        self._recent: deque[str] = deque(maxlen=RECENT_PARTS)

    @abstractmethod
    def compose_sentence(self, word_count: int | None = None) -> str:
        """Return a sentence of `MIN_WORDS` to `max_words` words, or of the given number within these limits."""

    @abstractmethod
    def compose_short_text(self, word_count: int) -> str:
        """Return a text of less than `MIN_WORDS` words."""

    def compose_sentences(self, count: int) -> Iterator[str]:
        """Yield a number of sentences."""
        return (self.compose_sentence() for _ in range(count))

    def compose_words(self, count: int) -> Iterator[str]:
        """Yield sentences that have this number of words altogether."""
        while count > self.max_words:
            length = self.random.randint(MIN_WORDS, min(self.max_words, count - MIN_WORDS))
            count -= length
            yield self.compose_sentence(length)
        if count >= MIN_WORDS:
            yield self.compose_sentence(count)
        elif count:
            yield self.compose_short_text(count)

    def pick_part(self, group: Sequence[str]) -> str:
        """Return a part of the group that was not used recently, if there is one."""
        part = self.random.choice([each for each in group if each not in self._recent] or group)
        if part:
            self._recent.append(part)
        return part


def count_words(text: str) -> int:
    """Return the number of words, which spaces separate."""
    return len(text.split())


@cache
def group_by_length(parts: tuple[str, ...]) -> dict[int, list[str]]:
    """Return the parts by their number of words, in ascending order."""
    groups: dict[int, list[str]] = {}
    for part in sorted(parts, key=count_words):
        groups.setdefault(count_words(part), []).append(part)
    return groups
