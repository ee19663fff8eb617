"""Values in the user's message that suit a property, found by fixed rules.

- An enum value is used if the message contains it as whole words, in upper or lower case.
- Number properties use the numbers of the message in their order: `add 2 and 3` gives a=2, b=3.
- An email address, URL, date, time or telephone number is used for a property with that format or such a name; so are
  a currency (`$`), a language, a company (`Acme Inc.`), an identifier (`order 1234`), and a quoted title or text.
- A place (`city`, `location`, ...) is a capitalised or quoted phrase after in, for, at, to, from, of or near; the
  origin of a journey (`origin`, `departure_city`) follows "from", its destination "to".
- A name follows `named`, `called`, `name is`, or precedes a verb: `Jason is 25`, `Ada and Bob are here`; or it is at
  the start of a line (`Jane Doe, ...`).
- A query (`query`, `search`, `question`, ...) is the quoted text, or else the whole message.

If the message lists several (`in Paris and London`), an array gets all of them, and a single value the one with the
index `value_index`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mockserver.generation.fake_values import NAME_PROVIDERS, split_name_suffixes
from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.word_lists import VALUES_BY_NAME

MAX_QUERY_LENGTH = 400  # characters of the message that are used as a query
MAX_CHOICES = 1_000  # of an enum that are searched in the message
MAX_PROMPT_LENGTH = 20_000  # characters of the message that are searched


class PromptValues:
    """The values in one message. Each number is used once; `value_index` selects one of several listed values."""

    def __init__(self, text: str, value_index: int = 0) -> None:
        self.text = text.strip()[:MAX_PROMPT_LENGTH]
        self.value_index = value_index
        self._plain_text = _plain(self.text)
        self._values: dict[str, list[str]] = {}
        self._numbers = [float(found.replace(",", "")) for found in NUMBER.findall(self.text)]

    def next_number(self) -> float | None:
        """Remove and return the next number of the message; None if there is none."""
        return self._numbers.pop(0) if self._numbers else None

    def mentioned_choices(self, choices: list[object], budget: GenerationBudget) -> list[object]:
        """Return the choices that the message contains, the longest first. Raise GenerationBudgetError."""
        budget.spend(len(choices[:MAX_CHOICES]) * (1 + len(self.text) // 500))
        mentioned = [
            choice
            for choice in choices[:MAX_CHOICES]
            if isinstance(choice, str) and self._mentions(choice, budget)
        ]
        return sorted(mentioned, key=lambda text: -len(str(text)))

    def value_for(self, name: str, format_name: object) -> str | None:
        """Return the value for a property with this name or format; None if the message has none."""
        listed = self.values_for(name, format_name)
        return listed[min(self.value_index, len(listed) - 1)] if listed else None

    def values_for(self, name: str, format_name: object) -> list[str]:
        """Return the values that the message lists in one place for such a property; often one or none."""
        kind = _value_kind(name, format_name)
        if not self.text or kind is None:
            return []
        if kind == "query":
            return self._find_values("quoted") or [self.text[:MAX_QUERY_LENGTH]]
        return (
            [VALUE_CONVERTERS[kind](part) for part in self._find_values(kind)]
            if kind in VALUE_CONVERTERS
            else self._find_values(kind)
        )

    def _find_values(self, kind: str) -> list[str]:
        kind = {"first": "name", "last": "name"}.get(kind, kind)
        if kind not in self._values:
            self._values[kind] = self._search(kind)
        return self._values[kind]

    def _search(self, kind: str) -> list[str]:
        parts: list[str] = []
        for match in VALUE_PATTERNS[kind].finditer(self.text):
            whole = next(group for group in (*match.groups(), match[0]) if group)
            parts += LIST_SPLITTERS[kind](whole) if kind in LIST_SPLITTERS else [whole]
            if kind != "name":  # only names are collected from the whole message
                break
        return list(dict.fromkeys(parts))

    def _mentions(self, choice: str, budget: GenerationBudget) -> bool:
        if not choice or _plain(choice) not in self._plain_text:
            return False
        budget.spend(200)  # for the compilation of the expression
        pattern = re.escape(choice).replace("_", "[ _-]")
        return bool(re.search(rf"(?<!\w){pattern}(?!\w)", self.text, re.IGNORECASE))


def _plain(text: str) -> str:
    return text.lower().replace("_", " ").replace("-", " ")


def _value_kind(name: str, format_name: object) -> str | None:
    """Return the key of `VALUE_PATTERNS` for a property; None for names with another meaning (`product_name`)."""
    if isinstance(format_name, str):
        return format_name if format_name in SUPPORTED_FORMATS else None
    return next(
        (
            KINDS_BY_NAME.get(each)
            for each in split_name_suffixes(name)
            if each in KINDS_BY_NAME or each in NAME_PROVIDERS or each in VALUES_BY_NAME
        ),
        None,
    )


def _split_list(text: str) -> list[str]:
    """Split a list into its members; `Paris, France` is one place, `Paris, London and Rome` are three."""
    parts = [part.strip(QUOTES) for part in LIST_SEPARATOR.split(text)]
    is_one_place = len(parts) == 2 and not re.search(r" (?:and|or|&) ", text)
    return [text.strip(QUOTES)] if is_one_place or len(parts) == 1 else parts


def _split_at_separators(text: str) -> list[str]:
    return LIST_SEPARATOR.split(text)


QUOTES = "\"“”'"
LIST_SEPARATOR = re.compile(r", (?:and |or |& )?| (?:and|or|&) ")
_SEP = r"(?:, (?:and |or |& )?| (?:and|or|&) )"
NUMBER = re.compile(
    r"(?<![\w.,:/-])-?\d{1,3}(?:,\d{3})+(?:\.\d{1,15})?(?![\w:/-])"
    r"|(?<![\w.,:/-])-?\d{1,15}(?:\.\d{1,15})?(?![\w:/-]|[.,]\d)"
)
QUOTE = r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|(?<!\w)'([^'\n]{1,200})'(?!\w)"
# A match starts at the start of a word, and the possessive quantifier never gives back a part of one, so that the
# search takes linear time.
TITLE = r"(?<![\w'’-])[A-ZÀ-Þ][\w'’-]{0,40}+"
PLACE = rf"{TITLE}(?: {TITLE}){{0,4}}(?:, [A-Z]{{2}}\b)?"
PLACES = rf"(?:{QUOTE}|({PLACE}(?:{_SEP}{PLACE}){{0,15}}))"
NO_NAME = r"(?!(?:It|This|That|He|She|We|They|You|I|What|Who|Where|When|How|Why|There|Here|The|My|Your|Our|Please)\b)"
PERSON = rf"{NO_NAME}{TITLE}(?: {TITLE}){{0,2}}"
PEOPLE = rf"{PERSON}(?:{_SEP}{PERSON}){{0,15}}"
EMAIL = r"(?<![\w.+-])[\w.+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+)+"
URI = r"https?://[^\s\"'<>)]+[^\s\"'<>).,;!?]"
DATE = r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])\b"
DAYS = r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|today|tomorrow|tonight)\b"

VALUE_PATTERNS = {
    "email": re.compile(rf"{EMAIL}(?:{_SEP}{EMAIL}){{0,15}}"),
    "uri": re.compile(rf"{URI}(?:{_SEP}{URI}){{0,15}}"),
    "date": re.compile(DATE),
    "day": re.compile(rf"{DATE}|{DAYS}", re.IGNORECASE),
    "time": re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d\b"),
    "phone": re.compile(r"(?<![\w.])\+?\(?\d[\d ().-]{7,18}\d(?!\w)"),
    "currency": re.compile(r"\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|CNY)\b|[$€£¥]"),
    "language": re.compile(
        r"\b(?:Arabic|Chinese|Danish|Dutch|English|Finnish|French|German|Greek|Hebrew|Hindi|Italian|Japanese|Korean"
        r"|Latin|Norwegian|Polish|Portuguese|Russian|Spanish|Swedish|Turkish|Ukrainian|Vietnamese)\b"
    ),
    "code": re.compile(
        r"(?:\b(?:order|ticket|invoice|case|booking|customer|user|account|id|number|no)\b[ :.#]{0,3}|#)"
        r"((?=[\w-]{0,30}\d)[A-Z0-9][\w-]{2,30}+)(?![\w-])",
        re.IGNORECASE,
    ),
    "company": re.compile(rf"\b({TITLE}(?: {TITLE}){{0,3}},? (?:Inc|Ltd|LLC|GmbH|Corp|AG|SE|PLC)\b\.?)"),
    "place": re.compile(rf"\b(?:in|for|at|to|from|of|near) {PLACES}"),
    "origin": re.compile(rf"\bfrom {PLACES}"),
    "destination": re.compile(rf"\bto {PLACES}"),
    "name": re.compile(
        rf"\b(?:named|called|name is) ({PEOPLE})"
        rf"|\b({PEOPLE}) (?:is|are|was|were|has|have|will|lives?|works?|wants?)\b"
        rf"|^({PERSON} {TITLE})(?=[,;:]| [<(]|$)",
        re.MULTILINE,
    ),
    "quoted": re.compile(QUOTE),
}
LIST_SPLITTERS = {
    **dict.fromkeys(("place", "origin", "destination", "name"), _split_list),
    **dict.fromkeys(("email", "uri"), _split_at_separators),
}
VALUE_CONVERTERS: dict[str, Callable[[str], str]] = {
    "currency": lambda symbol: {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}.get(symbol, symbol),
    "first": lambda name: name.split()[0],
    "last": lambda name: name.split()[-1],
}
SUPPORTED_FORMATS = {"email", "uri", "date", "time"}

_PLACE_SUFFIXES = (
    "",
    "_city",
    "_location",
    "_place",
    "_town",
    "_country",
    "_airport",
    "_station",
    "_address",
)
_CODE_PREFIXES = ("order", "ticket", "invoice", "case", "booking", "customer", "user", "account", "tracking")
KINDS_BY_NAME = {
    **{
        f"{subject}_{suffix}": "code"
        for subject in _CODE_PREFIXES
        for suffix in ("id", "number", "no", "code", "reference")
    },
    **{
        f"{subject}_{suffix}": "email"
        for subject in ("email", "mail")
        for suffix in ("to", "recipient", "cc", "from", "sender")
    },
    **dict.fromkeys(("language", "target_language", "source_language"), "language"),
    **dict.fromkeys(("email", "mail", "email_address"), "email"),
    **dict.fromkeys(("url", "uri", "link", "website", "href"), "uri"),
    **dict.fromkeys(("date", "day"), "day"),
    "time": "time",
    **dict.fromkeys(("phone", "phone_number", "telephone", "mobile"), "phone"),
    **dict.fromkeys(("currency", "currency_code"), "currency"),
    **dict.fromkeys(("company", "company_name", "organization", "employer"), "company"),
    **dict.fromkeys(("city", "location", "place", "town", "country", "region", "address"), "place"),
    **{
        prefix + suffix: "origin"
        for prefix in ("origin", "departure", "from", "start", "pickup")
        for suffix in _PLACE_SUFFIXES
    },
    **{
        prefix + suffix: "destination"
        for prefix in ("destination", "arrival", "to", "dropoff")
        for suffix in _PLACE_SUFFIXES
    },
    **dict.fromkeys(("name", "full_name", "person", "participant", "attendee", "passenger", "guest"), "name"),
    **dict.fromkeys(("first_name", "given_name", "firstname"), "first"),
    **dict.fromkeys(("last_name", "surname", "family_name", "lastname"), "last"),
    **dict.fromkeys(
        ("title", "movie", "book", "song", "movie_title", "book_title", "song_title", "text"), "quoted"
    ),
    **dict.fromkeys(("query", "search", "question", "prompt", "search_query", "q"), "query"),
}
