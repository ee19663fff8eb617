"""Generated English sentences: short, of an exact number of words if requested, the same for the same random seed.

A sentence is composed of a subject, a predicate and optional adverbials. All subjects are singular, and each of them
suits each predicate, so that no grammar is needed.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from random import Random

MIN_WORDS, MAX_WORDS = 5, 12  # of a composed sentence
MAX_FREE_WORDS = 10  # of a sentence without a requested length
RECENT_PARTS = 10  # parts of earlier sentences that are not used again


class EnglishWriter:
    """A source of sentences, which does not repeat the parts of its latest ones."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._recent: deque[str] = deque(maxlen=RECENT_PARTS)

    def compose_phrase(self) -> str:
        """Return a noun phrase of a few words: `A short example`."""
        return _capitalize(self._pick(self._random.choice(SUBJECT_GROUPS)))

    def compose_sentence(self, word_count: int | None = None) -> str:
        """Return a sentence of `MIN_WORDS` to `MAX_WORDS` words, or of the given number within these limits."""
        count = word_count or self._random.randint(MIN_WORDS, MAX_FREE_WORDS)
        parts = [self._pick(group) for group in self._random.choice(SHAPES[count])]
        return _capitalize(" ".join(filter(None, parts))) + "."

    def compose_sentences(self, count: int) -> Iterator[str]:
        """Yield a number of sentences."""
        return (self.compose_sentence() for _ in range(count))

    def compose_words(self, count: int) -> Iterator[str]:
        """Yield sentences that have this number of words altogether."""
        while count > MAX_WORDS:
            length = self._random.randint(MIN_WORDS, min(MAX_WORDS, count - MIN_WORDS))
            count -= length
            yield self.compose_sentence(length)
        if count >= MIN_WORDS:
            yield self.compose_sentence(count)
        elif count:
            yield self._random.choice(SHORT_TEXTS[count - 1])

    def _pick(self, group: Sequence[str]) -> str:
        part = self._random.choice([each for each in group if each not in self._recent] or group)
        if part:
            self._recent.append(part)
        return part


def count_words(text: str) -> int:
    """Return the number of words, which spaces separate."""
    return len(text.split())


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _group_by_length(parts: Sequence[str]) -> list[list[str]]:
    """Return the parts in groups of the same number of words."""
    return [list(group) for _, group in itertools.groupby(sorted(parts, key=count_words), key=count_words)]


SUBJECTS = (
    "this approach", "the result", "one option", "careful planning", "regular practice", "good preparation",
    "the timing", "a checklist", "the context", "the first step", "a short example", "the usual method",
    "the main idea", "a second opinion", "a small change", "the simplest answer", "a clear plan",
    "the final decision", "one of the options", "a bit of patience", "the choice of words", "the order of things",
    "a list of questions", "the quality of sources",
)  # fmt: skip
PREDICATES = (
    "works very well", "saves some time", "needs some care", "makes a difference", "takes little effort",
    "pays off quickly", "helps in many ways", "takes only a minute", "depends on the details", "is easy to explain",
    "gives a clearer picture", "is worth the effort", "leaves room for improvement", "makes everything else easier",
    "helps to avoid common mistakes", "saves a lot of money", "is often enough to begin",
    "shows what to do next", "is harder than it looks", "is more important than it seems",
    "is a good place to begin", "keeps the work simple and clear", "makes a difference to many people",
    "gives everyone involved a better idea",
)  # fmt: skip
OPENERS = (
    "in short,", "of course,", "as usual,", "in general,", "as a rule,", "on the whole,", "for a start,",
    "at first glance,",
)  # fmt: skip
ADVERBIALS = (
    "in practice", "in the long run", "on most days", "without extra cost", "at this stage", "in everyday use",
    "from the start", "for beginners and experts", "when time is short", "in a new project", "on a busy day",
)  # fmt: skip
SUBJECT_GROUPS = _group_by_length(SUBJECTS)

# For each number of words, the groups from which the parts of such a sentence are drawn. Most sentences have no opener.
SHAPES: defaultdict[int, list[tuple[list[str], ...]]] = defaultdict(list)
for _shape in itertools.product(
    [[""]] * 6 + _group_by_length(OPENERS),
    SUBJECT_GROUPS,
    _group_by_length(PREDICATES),
    [[""]] * 3 + _group_by_length(ADVERBIALS),
):
    SHAPES[sum(count_words(_group[0]) for _group in _shape)].append(_shape)

# Texts of one to four words.
SHORT_TEXTS = (
    ("Certainly.", "Possibly.", "Perhaps.", "Absolutely."),
    ("Very likely.", "It depends.", "Quite possibly.", "Definitely yes."),
    ("It depends entirely.", "That seems right.", "It works well.", "Yes, quite often."),
    ("That depends on context.", "It is quite simple.", "Yes, in most cases.", "It takes some time."),
)
