"""Which blanks the forms of a profile may name: those that are filled where the form is used, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.document import Document, Trail, spelled
from mockserver.errors import Problem
from mockserver.shape import choice, meant
from mockserver.vendors.form import named

Names = frozenset[str]


def _names(words: str) -> Names:
    return frozenset(words.split())


_EVERY = "*"  # in a trail: whatever stands there

CHARGED = _names(
    "prompt_tokens completion_tokens total_tokens reasoning_tokens cached_tokens prompt_credits "
    "completion_credits total_credits credits_used cost usd usd_spent"
)
LEFT = _names("remaining_usd remaining_credits remaining_requests remaining_reset_at")
ANSWER = _names("created model system_fingerprint choices usage")
ASKED = _names("method path model allow")
REFUSED = ASKED | _names("status title reason now reset_at shortage detail issues type code")
ACCOUNT = _names("now balance_usd balance_credits low_balance low_balance_threshold")
ITEM = _names(
    "id aliases prompt_price completion_price model status at stream day requests prompt_tokens "
    "completion_tokens total_tokens usd cost credits_used"
)


def unknown(profile: Document, ids: Iterable[str], facts: Iterable[str]) -> Iterator[Problem]:
    """Every blank of a profile that nothing fills.

    `ids` are the profile's own identifiers, `facts` what its models say of themselves; both are blanks too.
    """
    for pattern, names in _forms(frozenset(ids), frozenset(facts)).items():
        for trail, form in _standing(profile.value, pattern):
            for place, name in _blanks(form, trail):
                if name not in names:
                    yield _problem(profile, place, name, names)


def _problem(profile: Document, place: Trail, name: str, names: Names) -> Problem:
    expected = meant(name, names) or f", expected {choice(sorted(names)) or 'none'}"
    return Problem(f"found the blank ${name}{expected}", spelled(place), profile.name, *profile.place(place))


def _forms(ids: Names, facts: Names) -> dict[Trail, Names]:
    """Where forms stand, and which blanks are filled there."""
    told = ids | REFUSED | {"message", "name"}
    return {
        ("usage",): CHARGED,
        ("headers",): ids | {"model"},
        ("body", "whole"): ids | ANSWER | CHARGED | LEFT,
        ("body", "headers"): ids | ANSWER | CHARGED | LEFT,
        ("body", "choice"): _names("index finish_reason message"),
        ("body", "message"): _names("content refusal refusal_text reasoning_content tool_calls"),
        ("stream", "chunk"): ids | ANSWER,
        ("stream", "last"): ids | ANSWER | CHARGED,
        ("stream", "choice"): _names("index finish_reason delta"),
        ("stream", "opening"): _names("content"),
        ("stream", "usage_form"): CHARGED,
        ("refusal", "body"): told | {"data"},
        ("errors", _EVERY, "message"): ids | REFUSED,
        ("errors", _EVERY, "name"): ids | REFUSED | {"message"},
        ("errors", _EVERY, "data"): told,
        ("errors", _EVERY, "headers"): told,
        ("errors", _EVERY, "body"): told,
        ("unsupported_role",): _names("index role"),
        ("unknown_model", "message"): _names("model"),
        ("retired_model", "message"): _names("model"),
        ("endpoints", _EVERY, "headers"): ids | ACCOUNT,
        ("endpoints", _EVERY, "item"): ids | ACCOUNT | ITEM | facts,
        ("endpoints", _EVERY, "body"): ids | ACCOUNT | {"items", "item"},
    }


def _standing(value: Any, pattern: Trail, at: Trail = ()) -> Iterator[tuple[Trail, Any]]:
    """What stands in a document where a pattern says, each with its trail."""
    if not pattern:
        yield at, value
    else:
        for key in value if pattern[0] == _EVERY else [key for key in value if key == pattern[0]]:
            yield from _standing(value[key], pattern[1:], (*at, key))


def _blanks(form: Any, at: Trail) -> Iterator[tuple[Trail, str]]:
    """The blanks of a form, each with its trail."""
    if isinstance(form, str):
        yield from ((at, name) for name in named(form))
    elif isinstance(form, dict | list):
        for step, part in form.items() if isinstance(form, dict) else enumerate(form):
            yield from _blanks(part, (*at, step))
