"""What the user's message offers is taken where it fits, by rules that a reader can foresee.

- A choice is the one that the message names, whole words in any case.
- Each property that is a number takes the next number of the message: `add 2 and 3` is a=2, b=3.
- An email address, a URL, a date or a time goes where the format or the property's name asks for one.
- A place (`city`, `location`, ...) is what is capitalised or quoted after in, for, at, to, from, of.
- A name is what follows `named`, `called`, `name is`, or what `is` follows: `Jason is 25`.
- A query (`query`, `search`, `question`, ...) is what is quoted, else the whole message.
"""

from __future__ import annotations

import re

from mockserver.invention.likeness import endings

ASKED = 400  # characters of a message that a query repeats


class Hint:
    """One message; its numbers are given away one by one."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()[:20_000]
        self._numbers = [float(found) for found in NUMBER.findall(self.text)]

    def number(self) -> float | None:
        """The next number."""
        return self._numbers.pop(0) if self._numbers else None

    def named(self, choices: list[object]) -> list[object]:
        """Those of the choices that the message names, the longest first."""
        texts = [choice for choice in choices if isinstance(choice, str) and self._has(choice)]
        return sorted(texts, key=lambda text: -len(str(text)))

    def string(self, name: str, form: object) -> str | None:
        """The part of the message that suits a property of that name or format."""
        if not self.text:
            return None
        if isinstance(form, str):
            kind = form if form in PARTS else None
        else:
            kind = next((KINDS[each] for each in endings(name) if each in KINDS), None)
        if kind == "query":
            return self._part("quoted") or self.text[:ASKED]
        return self._part(kind) if kind else None

    def _part(self, kind: str) -> str | None:
        found = PARTS[kind].search(self.text)
        return next((group for group in (*found.groups(), found[0]) if group), None) if found else None

    def _has(self, choice: str) -> bool:
        spelled = re.escape(choice).replace("_", "[ _-]")
        return bool(choice) and bool(re.search(rf"(?<!\w){spelled}(?!\w)", self.text, re.IGNORECASE))


NUMBER = re.compile(r"(?<![\w.,:/-])-?\d{1,15}(?:\.\d{1,15})?(?![\w:/-]|\.\d)")
QUOTE = r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|(?<!\w)'([^'\n]{1,200})'(?!\w)"
TITLE = r"[A-ZÀ-Þ][\w'’-]*"

PARTS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "uri": re.compile(r"https?://[^\s\"'<>)]+[^\s\"'<>).,;!?]"),
    "date": re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])\b"),
    "time": re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d\b"),
    "place": re.compile(rf"\b(?:in|for|at|to|from|of) (?:{QUOTE}|({TITLE}(?:,? {TITLE}){{0,4}}))"),
    "name": re.compile(
        rf"\b(?:named|called|name is) ({TITLE}(?: {TITLE}){{0,2}})"
        rf"|\b(?!(?:It|This|That|He|She|What|Who|Where|When|How|Why|There|Here|The)\b)({TITLE}) is\b"
    ),
    "quoted": re.compile(QUOTE),
}

KINDS = {
    **dict.fromkeys(("email", "mail", "email_address"), "email"),
    **dict.fromkeys(("url", "uri", "link", "website", "href"), "uri"),
    **dict.fromkeys(("date", "day"), "date"),
    "time": "time",
    **dict.fromkeys(
        ("city", "location", "place", "town", "country", "region", "destination", "address"), "place"
    ),
    **dict.fromkeys(("name", "full_name", "first_name", "person"), "name"),
    **dict.fromkeys(("query", "search", "question", "prompt", "search_query", "q"), "query"),
}
