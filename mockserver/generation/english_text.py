"""Generated English sentences: short, of an exact number of words if requested, the same for the same random seed.

A sentence is composed of a subject, a predicate and optional adverbials. All subjects are singular, and each of them
suits each predicate, so that no grammar is needed.
"""

from __future__ import annotations

import itertools
from collections import defaultdict

from mockserver.generation.sentence_writer import MIN_WORDS, SentenceWriter, count_words, group_by_length

MAX_WORDS = 12  # of a composed sentence
MAX_FREE_WORDS = 10  # of a sentence without a requested length


class EnglishWriter(SentenceWriter):
    """A source of English sentences."""

    max_words = MAX_WORDS

    def compose_phrase(self) -> str:
        """Return a noun phrase of a few words: `A short example`."""
        return _capitalize(self.pick_part(self.random.choice(SUBJECT_GROUPS)))

    def compose_sentence(self, word_count: int | None = None) -> str:
        """Return a sentence composed of parts of the requested lengths."""
        count = word_count or self.random.randint(MIN_WORDS, MAX_FREE_WORDS)
        parts = [self.pick_part(group) for group in self.random.choice(SHAPES[count])]
        return _capitalize(" ".join(filter(None, parts))) + "."

    def compose_short_text(self, word_count: int) -> str:
        """Return one of the short texts of this number of words."""
        return self.random.choice(SHORT_TEXTS[word_count - 1])


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _group_by_length(parts: tuple[str, ...]) -> list[list[str]]:
    return list(group_by_length(parts).values())


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

# The first sentences of replies.
TOPIC_OPENINGS: tuple[str, ...] = (
    "There are three things worth knowing about {}.",
    "A good way to begin with {} is to look at an example.",
    "Most questions about {} have a short answer and a longer one.",
    "The basic idea behind {} is easier than it seems.",
    "When it comes to {}, small steps usually work best.",
    "The best advice on {} is to keep things simple.",
    "A closer look at {} shows why the details matter.",
    "Here is a short overview of {}.",
)
OPENINGS: tuple[str, ...] = (
    "Thank you for your question.",
    "Of course, I am happy to help.",
    "Certainly, here is what I found.",
    "That is a good question.",
    "Let me help you with that.",
    "Sure, here is a short answer.",
)
