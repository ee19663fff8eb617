"""E-mail addresses, phone numbers and numbers of payment cards in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mockserver.data_masking.text_windows import AFTER_ESCAPE, iter_matches, iter_matches_within

# An address is found at its @, which may be encoded, and extended to the left.
_ADDRESS_END: Final = re.compile(r"(?:@|%40|\\u0040)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}")
_LOCAL_PART: Final = re.compile(r"[\w.%+'-]{0,64}")  # of the reversed text


def find_emails(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of e-mail addresses."""
    done = start
    for match in iter_matches(_ADDRESS_END, text, start, end):
        length = _measure_local_part(text[max(done, match.start() - 64) : match.start()])
        if length:
            yield match.start() - length, match.end()
        done = match.end()


def _measure_local_part(before: str) -> int:
    local_part = _LOCAL_PART.match(before[::-1])
    name = local_part[0][::-1] if local_part else ""
    return len(name.lstrip(".%'-"))


_NUMBER: Final = re.compile(r"[+(0-9][0-9 ./()\u00a0\u2011-]{8,}")  # phone and card numbers are inside of one
_START: Final = rf"(?:(?<![\w+.:/-])|{AFTER_ESCAPE}|(?<=tel:))"
_END: Final = r"(?!\w|[.-][0-9])"

# International numbers, those with the prefix 0, and those of North America.
_PHONE: Final = re.compile(
    rf"{_START}(?:"
    r"\+[0-9](?:[ ./()\u00a0\u2011-]{0,3}[0-9]){7,14}"
    r"|00[1-9][0-9]{0,2}[ /-](?:[ /()-]{0,3}[0-9]){7,12}"
    r"|(?![0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{4})0[1-9][0-9]{0,4}[ /-](?:[ -]?[0-9]){5,10}"
    r"|0[1-9](?:[ .-][0-9]{2}){4}"
    r"|(?:1[-. ])?(?:\([0-9]{3}\)[ -]?|[0-9]{3}[-.])[0-9]{3}[-.][0-9]{4}"
    r"|(?:1[-. ])?\(?[2-9][0-9]{2}\)? [2-9][0-9]{2}[- ][0-9]{4}"
    rf"){_END}"
)


def find_phones(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of phone numbers."""
    for match in iter_matches_within(_PHONE, _NUMBER, text, start, end):
        yield match.span()


_CARD: Final = re.compile(
    rf"{_START}(?:[2-6][0-9]{{12,18}}"
    r"|[2-6][0-9]{3}([ .\u00a0-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?"
    rf"|3[0-9]{{3}}([ .\u00a0-])[0-9]{{6}}\2[0-9]{{4,5}}){_END}"
)
_ISSUER: Final = re.compile(r"2[2-7]|3|4|5[0-8]|6")


def find_cards(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of payment cards' numbers."""
    for match in iter_matches_within(_CARD, _NUMBER, text, start, end):
        if is_card_number(match[0]):
            yield match.span()


def is_card_number(text: str) -> bool:
    """Return whether the digits of a text are a card's number (ISO/IEC 7812): issuer, length and check digit."""
    digits = [int(character) for character in text if character.isdecimal()]
    if not 13 <= len(digits) <= 19 or not _ISSUER.match(text):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
