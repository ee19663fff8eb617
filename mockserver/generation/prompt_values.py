"""What the user's message offers is taken where it fits, by rules that a reader can foresee.

- A choice is the one that the message names, whole words in any case.
- Each property that is a number takes the next number of the message: `add 2 and 3` is a=2, b=3.
- An email address, a URL, a date, a time or a telephone number goes where the format or the property's name asks for
  one, and so do a currency (`$`), a language, a company (`Acme Inc.`), an identifier (`order 1234`), and a title or a
  text in quotes.
- A place (`city`, `location`, ...) is what is capitalised or quoted after in, for, at, to, from, of, near; where one
  sets out (`origin`, `departure_city`) stands after from, where one goes after to.
- A name is what follows `named`, `called`, `name is`, or what a verb follows: `Jason is 25`, `Ada and Bob are here`;
  a message or line may begin with it (`Jane Doe, ...`).
- A query (`query`, `search`, `question`, ...) is what is quoted, else the whole message.

Where the message lists several (`in Paris and London`) a list takes them all, and a single value the one whose turn
it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mockserver.generation.fake_values import NAME_PROVIDERS, split_name_suffixes
from mockserver.generation.word_lists import VALUES_BY_NAME

MAX_QUERY_LENGTH = 400  # characters of a message that a query repeats
MAX_PROMPT_LENGTH = 20_000  # characters of a message that are looked at


class PromptValues:
    """One message; its numbers are given away one by one. `take` is whose turn it is among what it lists."""

    def __init__(self, text: str, value_index: int = 0) -> None:
        self.text = text.strip()[:MAX_PROMPT_LENGTH]
        self.value_index = value_index
        self._numbers = [float(found.replace(",", "")) for found in NUMBER.findall(self.text)]

    def next_number(self) -> float | None:
        """The next number."""
        return self._numbers.pop(0) if self._numbers else None

    def mentioned_choices(self, choices: list[object]) -> list[object]:
        """Those of the choices that the message names, the longest first."""
        texts = [choice for choice in choices if isinstance(choice, str) and self._mentions(choice)]
        return sorted(texts, key=lambda text: -len(str(text)))

    def value_for(self, name: str, format_name: object) -> str | None:
        """The part of the message that suits a property of that name or format."""
        listed = self.values_for(name, format_name)
        return listed[min(self.value_index, len(listed) - 1)] if listed else None

    def values_for(self, name: str, format_name: object) -> list[str]:
        """All that the message lists in one place for such a property; often one, or none."""
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
        parts: list[str] = []
        for found in VALUE_PATTERNS[kind].finditer(self.text):
            whole = next(group for group in (*found.groups(), found[0]) if group)
            parts += LIST_SPLITTERS[kind](whole) if kind in LIST_SPLITTERS else [whole]
            if kind != "name":  # people are named here and there
                break
        return list(dict.fromkeys(parts))

    def _mentions(self, choice: str) -> bool:
        spelled = re.escape(choice).replace("_", "[ _-]")
        return bool(choice) and bool(re.search(rf"(?<!\w){spelled}(?!\w)", self.text, re.IGNORECASE))


def _value_kind(name: str, format_name: object) -> str | None:
    """What is looked for. A name that is known for something else (`product_name`) is not looked for at all."""
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
    """The members of a list; `Paris, France` is one place, and `Paris, London and Rome` are three."""
    parts = [part.strip(QUOTES) for part in LIST_SEPARATOR.split(text)]
    alone = len(parts) == 2 and not re.search(r" (?:and|or|&) ", text)
    return [text.strip(QUOTES)] if alone or len(parts) == 1 else parts


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
# A word is begun at its beginning and never taken back in part, so that no message takes long to look through.
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
    "goal": re.compile(rf"\bto {PLACES}"),
    "name": re.compile(
        rf"\b(?:named|called|name is) ({PEOPLE})"
        rf"|\b({PEOPLE}) (?:is|are|was|were|has|have|will|lives?|works?|wants?)\b"
        rf"|^({PERSON} {TITLE})(?=[,;:]| [<(]|$)",
        re.MULTILINE,
    ),
    "quoted": re.compile(QUOTE),
}
LIST_SPLITTERS = {
    **dict.fromkeys(("place", "origin", "goal", "name"), _split_list),
    **dict.fromkeys(("email", "uri"), _split_at_separators),
}
VALUE_CONVERTERS: dict[str, Callable[[str], str]] = {
    "currency": lambda sign: {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}.get(sign, sign),
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
        f"{what}_{end}": "code"
        for what in _CODE_PREFIXES
        for end in ("id", "number", "no", "code", "reference")
    },
    **{
        f"{what}_{end}": "email"
        for what in ("email", "mail")
        for end in ("to", "recipient", "cc", "from", "sender")
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
        word + where: "origin"
        for word in ("origin", "departure", "from", "start", "pickup")
        for where in _PLACE_SUFFIXES
    },
    **{
        word + where: "goal"
        for word in ("destination", "arrival", "to", "dropoff")
        for where in _PLACE_SUFFIXES
    },
    **dict.fromkeys(("name", "full_name", "person", "participant", "attendee", "passenger", "guest"), "name"),
    **dict.fromkeys(("first_name", "given_name", "firstname"), "first"),
    **dict.fromkeys(("last_name", "surname", "family_name", "lastname"), "last"),
    **dict.fromkeys(
        ("title", "movie", "book", "song", "movie_title", "book_title", "song_title", "text"), "quoted"
    ),
    **dict.fromkeys(("query", "search", "question", "prompt", "search_query", "q"), "query"),
}
