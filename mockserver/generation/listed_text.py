"""Generated sentences of languages other than English: those of a list, in random order."""

from __future__ import annotations

from random import Random

from mockserver.generation.sentence_writer import MIN_WORDS, SentenceWriter, group_by_length


class ListedWriter(SentenceWriter):
    """A source of sentences from a list."""

    def __init__(self, random: Random, sentences: tuple[str, ...]) -> None:
        super().__init__(random)
        self._groups = group_by_length(sentences)
        self.max_words = max(self._groups)

    def compose_sentence(self, word_count: int | None = None) -> str:
        """Return a sentence of the list."""
        return self.pick_part(self._groups[word_count or self.random.randint(MIN_WORDS, self.max_words)])

    def compose_short_text(self, word_count: int) -> str:
        """Return a short text of the list."""
        return self.pick_part(self._groups[word_count])
