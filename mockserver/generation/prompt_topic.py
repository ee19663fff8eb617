"""The topic of a user's message: the noun phrase that a generated text takes up.

No model and no dictionary is used: an English noun phrase is found by the word before it (`about`, `the`, `my`,
`explain`). A message in which none is found gives its last content words in quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_SEARCHED_LENGTH = 400  # characters of a message
MAX_TOPIC_WORDS = 3  # of a noun phrase, without its article and a second phrase (`of France`)
MAX_WORD_LENGTH = 30  # characters
MIN_TOPIC_LENGTH = 4  # characters of a single word; shorter ones are articles and pronouns


def find_topic(user_text: str) -> str | None:
    """Return a phrase that can stand after a preposition: `the weather in Paris`; None if there are no content words.

    >>> find_topic("What is the weather like in my town?")
    'the weather'
    >>> find_topic("Write 80 words about cats and dogs.")
    'cats and dogs'
    """
    words = TOKEN.findall(user_text[:MAX_SEARCHED_LENGTH])
    plain = [word.lower() for word in words]
    starts = [index for index, word in enumerate(plain) if word in PHRASE_STARTS]
    if not TOPIC_STARTS.isdisjoint(plain):
        starts.sort(key=lambda index: plain[index] not in TOPIC_STARTS)
    for index in starts:
        phrase = _read_phrase(words, index + 1 - (plain[index] in DETERMINERS), _phrase_limit(plain, index))
        if phrase:
            return " ".join(phrase)
    return _quote_last_content_words(words)


def find_last_word(user_text: str) -> str | None:
    """Return the last word that is not short, in any language; None if there is none.

    >>> find_last_word("Wie ist das Wetter in Paris?")
    'Paris'
    """
    words = reversed(TOKEN.findall(user_text[:MAX_SEARCHED_LENGTH]))
    return next(
        (word for word in words if word.isalpha() and MIN_TOPIC_LENGTH <= len(word) <= MAX_WORD_LENGTH), None
    )


def _phrase_limit(plain: Sequence[str], index: int) -> int:
    """Return the greatest number of content words after a word: 1 in `does the server | retry requests`."""
    verb = index if plain[index] in AUXILIARIES else index - 1
    if verb < 0 or plain[verb] not in AUXILIARIES:
        return MAX_TOPIC_WORDS
    before = plain[verb - 1] if verb else ""
    if before in OBJECT_QUESTIONS:
        return MAX_TOPIC_WORDS
    return 1 if verb < index or not before or before in ADVERB_QUESTIONS else 0


def _read_phrase(words: Sequence[str], start: int, limit: int) -> list[str]:
    """Return the noun phrase that begins at a word, with a second phrase after `of`, `in` and the like."""
    phrase = _read_noun_phrase(words, start, limit)
    end = start + len(phrase)
    if phrase and end < len(words) and words[end].lower() in CONNECTIVES:
        second = _read_noun_phrase(words, end + 1, MAX_TOPIC_WORDS - 1)
        return [*phrase, words[end].lower(), *second] if second else phrase
    return phrase


def _read_noun_phrase(words: Sequence[str], start: int, limit: int) -> list[str]:
    """Return the article, as the other speaker uses it, and the content words after it; empty without the latter."""
    determiner = [
        DETERMINERS[word.lower()] for word in words[start : start + 1] if word.lower() in DETERMINERS
    ]
    start += len(determiner)
    content: list[str] = []
    for word in words[start : start + limit]:
        if not _is_content(word) or word in content or (content and word.endswith("ed")):
            break
        content.append(word)
    return [*determiner, *content] if content else []


def _quote_last_content_words(words: Sequence[str]) -> str | None:
    content: list[str] = []
    for word in reversed(words):
        if _is_content(word) and word not in content and len(content) < MAX_TOPIC_WORDS:
            content.insert(0, word)
        elif content:
            break
    return f'"{" ".join(content)}"' if content else None


def _is_content(word: str) -> bool:
    return (
        1 < len(word) <= MAX_WORD_LENGTH
        and any(map(str.isalpha, word))
        and word.lower() not in FUNCTION_WORDS
    )


TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|_")
DETERMINERS = {
    "the": "the", "a": "a", "an": "an", "my": "your", "our": "your", "your": "my", "their": "their", "his": "his",
}  # fmt: skip
AUXILIARIES = frozenset(
    """am is are was were do does did can could will would shall should may might must has have had
    isn't aren't wasn't don't doesn't didn't can't won't""".split()  # noqa: SIM905 a list of words
)
OBJECT_QUESTIONS = frozenset(("what", "who"))  # `what is machine learning`
ADVERB_QUESTIONS = frozenset(("why", "how", "when", "where"))  # `why is Rust | popular`
TOPIC_STARTS = frozenset(("about", "regarding", "concerning"))
CONNECTIVES = frozenset(("of", "in", "for", "on", "and", "with"))
IMPERATIVES = frozenset(
    """analyse analyze compare create define describe design discuss draw explain find generate improve introduce
    list plan recommend review solve suggest summarise summarize translate write""".split()  # noqa: SIM905 a list of words
)
PHRASE_STARTS = (
    TOPIC_STARTS
    | AUXILIARIES
    | IMPERATIVES
    | set(DETERMINERS)
    | {"for", "with", "from", "between", "in", "of", "on"}
)
FUNCTION_WORDS = PHRASE_STARTS - IMPERATIVES | set(
    """i me you we us it its they them he him she her mine yours ours who whom whose what which when where why how
    this that these those here there some any every each all both another other such no not only just also too very
    and or but if then than so because while as at by to into onto over under up down out off after before during
    be been being get got let let's make give tell say show use know think want need like help work works try go come
    please hello hi hey thanks thank ok okay yes good morning today tomorrow yesterday now again still well more most
    much many one two three four five six seven eight nine ten word words sentence sentences paragraph paragraphs
    something anything nothing everything someone anyone short brief briefly detail exactly really following name
    i'm i'd i've i'll
    it's what's that's there's who's how's where's you're we're they're""".split()  # noqa: SIM905 a list of words
)
