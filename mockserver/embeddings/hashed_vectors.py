"""Vectors of texts and token lists: deterministic, of unit length, and close for texts with common words.

Each word, its groups of three letters, and each pair of neighbouring words are features. A feature is hashed to one
entry of a sparse vector and to a sign; a Walsh-Hadamard transform, which keeps all angles, makes the vector dense.
As in OpenAI's models, a shorter vector is the beginning of the long one, scaled to unit length: the first 2^n numbers
of the transform depend only on the last n bits of the entry's position.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from operator import add, mul, sub

# A word, or one character of a script without spaces.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)
_FREQUENT_WORDS = frozenset(
    """
    a about all an and are as at be been but by can could do does for from had has have he her his how i if in into is
    it its me my no not of on or our she so that the their them there they this to was we were what when which who will
    with would you your
    """.split()  # noqa: SIM905 a text is easier to read than so many quotes
)
_FREQUENT_WEIGHT, _LETTERS_WEIGHT, _PAIR_WEIGHT = (
    0.2,
    0.8,
    0.3,
)  # of a frequent word, its letters, a pair of words
_GROUP_SIZE = 3  # letters
_MAX_WORD = 64  # characters of a word whose letters are features
_BIAS = 0.05  # of a feature that every input has, so that no vector is zero


def embed_text(text: str, model: str, size: int) -> list[float]:
    """Return the vector of a text: `size` numbers, different for each model."""
    words = _WORD.findall(text.casefold())
    weights = _weigh_words(words) if words else _weigh_counts(text)
    return _scale_to_unit(_project_features(weights, model, size)[:size])


def embed_tokens(tokens: Sequence[int], model: str, size: int) -> list[float]:
    """Return the vector of a list of tokens, as `embed_text` does."""
    names = [f"#{token}" for token in tokens]
    weights = _weigh_counts(names) | _weigh_pairs(names, {})
    return _scale_to_unit(_project_features(weights, model, size)[:size])


def _scale_to_unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0  # the beginning of a vector may be zero
    return [number / length for number in vector]


def _weigh_words(words: Sequence[str]) -> dict[str, float]:
    weights = _weigh_counts(words)
    for word in weights:
        if word in _FREQUENT_WORDS:
            weights[word] *= _FREQUENT_WEIGHT
    letters: dict[str, float] = {}
    for word, weight in weights.items():
        padded = f"<{word[:_MAX_WORD]}>"
        groups = [padded[start : start + _GROUP_SIZE] for start in range(len(padded) - _GROUP_SIZE + 1)]
        share = _LETTERS_WEIGHT * weight / math.sqrt(len(groups))
        for group in groups:
            letters[group] = letters.get(group, 0.0) + share
    return weights | {f"<{group}": weight for group, weight in letters.items()} | _weigh_pairs(words, weights)


def _weigh_counts(features: Iterable[str]) -> dict[str, float]:
    """Return each feature with a weight that grows slowly with its number."""
    return {feature: 1 + math.log(count) for feature, count in Counter(features).items()}


def _weigh_pairs(features: Sequence[str], weights: Mapping[str, float]) -> dict[str, float]:
    pairs = dict.fromkeys(pairwise(features))
    return {
        f"{first} {second}": _PAIR_WEIGHT * math.sqrt(weights.get(first, 1.0) * weights.get(second, 1.0))
        for first, second in pairs
    }


def _project_features(weights: Mapping[str, float], model: str, size: int) -> list[float]:
    """Return the vector of weighted features, which has at least `size` numbers and is not scaled."""
    count = 1 << (size - 1).bit_length()
    sparse = [0.0] * count
    key = model.encode(errors="replace")[:64]
    for feature, weight in {"": _BIAS, **weights}.items():
        digest = blake2b(feature.encode(errors="replace"), digest_size=4, key=key).digest()
        number = int.from_bytes(digest)
        sparse[(number >> 1) % count] += weight if number & 1 else -weight
    return _transform_hadamard(sparse)


def _transform_hadamard(numbers: list[float]) -> list[float]:
    """Return the Walsh-Hadamard transform of numbers, whose count is a power of two, in natural order, not scaled."""
    for _ in range((len(numbers) - 1).bit_length()):
        even, odd = numbers[::2], numbers[1::2]
        numbers = [*map(add, even, odd), *map(sub, even, odd)]
    return numbers
