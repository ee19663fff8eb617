"""Which blanks the forms of a profile may name: those that are filled where the form is used, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import Problem
from mockserver.schema.messages import did_you_mean, format_alternatives
from mockserver.schema.yaml_document import Document, ValuePath, format_path
from mockserver.vendors.placeholders import find_placeholder_names

PlaceholderNames = frozenset[str]


def _split_names(text: str) -> PlaceholderNames:
    return frozenset(text.split())


_ANY_KEY = "*"  # in a trail: whatever stands there

USAGE_PLACEHOLDERS = _split_names(
    "prompt_tokens completion_tokens total_tokens reasoning_tokens cached_tokens prompt_credits "
    "completion_credits total_credits credits_used cost usd usd_spent"
)
REMAINING_PLACEHOLDERS = _split_names("remaining_usd remaining_credits remaining_requests remaining_reset_at")
COMPLETION_PLACEHOLDERS = _split_names("created model system_fingerprint choices usage")
REQUEST_PLACEHOLDERS = _split_names("method path model allow")
ERROR_PLACEHOLDERS = REQUEST_PLACEHOLDERS | _split_names(
    "status title reason now reset_at shortage detail issues type code"
)
ACCOUNT_PLACEHOLDERS = _split_names("now balance_usd balance_credits low_balance low_balance_threshold")
ITEM_PLACEHOLDERS = _split_names(
    "id aliases prompt_price completion_price model status at stream day requests prompt_tokens "
    "completion_tokens total_tokens usd cost credits_used"
)


def find_unknown_placeholders(
    profile: Document, ids: Iterable[str], facts: Iterable[str]
) -> Iterator[Problem]:
    """Every blank of a profile that nothing fills.

    `ids` are the profile's own identifiers, `facts` what its models say of themselves; both are blanks too.
    """
    for pattern, names in _allowed_placeholders(frozenset(ids), frozenset(facts)).items():
        for trail, form in _values_at(profile.value, pattern):
            for place, name in _placeholders_in(form, trail):
                if name not in names:
                    yield _problem(profile, place, name, names)


def _problem(profile: Document, path: ValuePath, name: str, names: PlaceholderNames) -> Problem:
    expected = did_you_mean(name, names) or f", expected {format_alternatives(sorted(names)) or 'none'}"
    return Problem(
        f"found the blank ${name}{expected}", format_path(path), profile.name, *profile.position(path)
    )


def _allowed_placeholders(
    ids: PlaceholderNames, facts: PlaceholderNames
) -> dict[ValuePath, PlaceholderNames]:
    """Where forms stand, and which blanks are filled there."""
    told = ids | ERROR_PLACEHOLDERS | {"message", "name"}
    return {
        ("usage",): USAGE_PLACEHOLDERS,
        ("headers",): ids | {"model"},
        ("body", "whole"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS | REMAINING_PLACEHOLDERS,
        ("body", "headers"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS | REMAINING_PLACEHOLDERS,
        ("body", "choice"): _split_names("index finish_reason message"),
        ("body", "message"): _split_names("content refusal refusal_text reasoning_content tool_calls"),
        ("stream", "chunk"): ids | COMPLETION_PLACEHOLDERS,
        ("stream", "last"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS,
        ("stream", "choice"): _split_names("index finish_reason delta"),
        ("stream", "opening"): _split_names("content"),
        ("stream", "usage_form"): USAGE_PLACEHOLDERS,
        ("refusal", "body"): told | {"data"},
        ("errors", _ANY_KEY, "message"): ids | ERROR_PLACEHOLDERS,
        ("errors", _ANY_KEY, "name"): ids | ERROR_PLACEHOLDERS | {"message"},
        ("errors", _ANY_KEY, "data"): told,
        ("errors", _ANY_KEY, "headers"): told,
        ("errors", _ANY_KEY, "body"): told,
        ("unsupported_role",): _split_names("index role"),
        ("unknown_model", "message"): _split_names("model"),
        ("retired_model", "message"): _split_names("model"),
        ("endpoints", _ANY_KEY, "headers"): ids | ACCOUNT_PLACEHOLDERS,
        ("endpoints", _ANY_KEY, "item"): ids | ACCOUNT_PLACEHOLDERS | ITEM_PLACEHOLDERS | facts,
        ("endpoints", _ANY_KEY, "body"): ids | ACCOUNT_PLACEHOLDERS | {"items", "item"},
    }


def _values_at(value: Any, pattern: ValuePath, path: ValuePath = ()) -> Iterator[tuple[ValuePath, Any]]:
    """What stands in a document where a pattern says, each with its trail."""
    if not pattern:
        yield path, value
    else:
        for key in value if pattern[0] == _ANY_KEY else [key for key in value if key == pattern[0]]:
            yield from _values_at(value[key], pattern[1:], (*path, key))


def _placeholders_in(template: Any, path: ValuePath) -> Iterator[tuple[ValuePath, str]]:
    """The blanks of a form, each with its trail."""
    if isinstance(template, str):
        yield from ((path, name) for name in find_placeholder_names(template))
    elif isinstance(template, dict | list):
        for step, part in template.items() if isinstance(template, dict) else enumerate(template):
            yield from _placeholders_in(part, (*path, step))
