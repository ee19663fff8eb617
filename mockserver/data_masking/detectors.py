"""The detectors of personal data and secrets, one for each kind that a recording may name.

Every expression is bounded, or is tried at the start of a word only, so that the time is linear in the text's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from mockserver.data_masking.contact_data import find_cards, find_emails, find_phones
from mockserver.data_masking.entropy import find_random_words
from mockserver.data_masking.home_folders import find_homes
from mockserver.data_masking.known_keys import find_known_keys

Detector = Callable[[str, int, int], Iterator[tuple[int, int]]]

DETECTORS: Final[Mapping[str, Detector]] = {
    "email": find_emails,
    "phone": find_phones,
    "card": find_cards,
    "key": find_known_keys,
    "entropy": find_random_words,
    "home": find_homes,
}
