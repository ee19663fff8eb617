"""The check that the templates of a profile use only placeholders that have a value there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import Problem
from mockserver.schema.messages import suggest_name
from mockserver.schema.yaml_document import Document, ValuePath, format_path
from mockserver.vendors.placeholders import find_placeholder_names
from mockserver.vendors.responses_spec import ECHOED_FIELDS

PlaceholderNames = frozenset[str]


def _split_names(text: str) -> PlaceholderNames:
    return frozenset(text.split())


_ANY_KEY = "*"  # in a pattern: any key

USAGE_PLACEHOLDERS = _split_names(
    "prompt_tokens completion_tokens total_tokens reasoning_tokens cached_tokens prompt_credits "
    "completion_credits total_credits credits_used cost usd usd_spent"
)
REMAINING_PLACEHOLDERS = _split_names(
    "remaining_usd remaining_credits remaining_requests remaining_reset_at limit_requests reset_requests "
    "limit_tokens remaining_tokens reset_tokens"
)
COMPLETION_PLACEHOLDERS = _split_names("created model system_fingerprint choices usage")
RESPONSES_PLACEHOLDERS = frozenset(ECHOED_FIELDS) | _split_names(
    "id created status incomplete_details model output output_text usage"
)
REQUEST_PLACEHOLDERS = _split_names("method path model allow")
ERROR_PLACEHOLDERS = REQUEST_PLACEHOLDERS | _split_names(
    "status title reason now reset_at reset_after param shortage detail issues type code"
)
ACCOUNT_PLACEHOLDERS = _split_names("now balance_usd balance_credits low_balance low_balance_threshold")
ITEM_PLACEHOLDERS = _split_names(
    "id alias names aliases prompt_price cached_price completion_price model status result direction kind at stream "
    "day requests prompt_tokens completion_tokens total_tokens usd cost credits_used output error inference_time"
)


def find_unknown_placeholders(
    profile: Document, ids: Iterable[str], facts: Iterable[str]
) -> Iterator[Problem]:
    """Yield a problem for each placeholder of a profile that never has a value.

    `ids` are the names of the profile's identifiers, `facts` those of the facts of its models and jobs; both are
    placeholders.
    """
    for pattern, names in _allowed_placeholders(frozenset(ids), frozenset(facts)).items():
        for template_path, template in _values_at(profile.value, pattern):
            for path, name in _placeholders_in(template, template_path):
                if name not in names:
                    yield _problem(profile, path, name, names)


def _problem(profile: Document, path: ValuePath, name: str, names: PlaceholderNames) -> Problem:
    expected = suggest_name(name, sorted(names))
    return Problem(
        f"found the placeholder ${name}{expected}", format_path(path), profile.name, *profile.position(path)
    )


def _allowed_placeholders(
    ids: PlaceholderNames, facts: PlaceholderNames
) -> dict[ValuePath, PlaceholderNames]:
    """Return the allowed placeholders by the path of the template."""
    error_names = ids | ERROR_PLACEHOLDERS | {"message", "name"}
    return {
        ("usage",): USAGE_PLACEHOLDERS,
        ("headers",): ids | {"model"},
        ("body", "whole"): ids
        | COMPLETION_PLACEHOLDERS
        | USAGE_PLACEHOLDERS
        | REMAINING_PLACEHOLDERS
        | {"prompt_filter_results"},
        ("body", "headers"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS | REMAINING_PLACEHOLDERS,
        ("body", "choice"): _split_names("content_filter_results index finish_reason logprobs message"),
        ("body", "message"): _split_names("content refusal refusal_text reasoning_content tool_calls"),
        ("stream", "headers"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS | REMAINING_PLACEHOLDERS,
        ("stream", "chunk"): ids | COMPLETION_PLACEHOLDERS,
        ("stream", "last"): ids | COMPLETION_PLACEHOLDERS | USAGE_PLACEHOLDERS,
        ("stream", "choice"): _split_names("content_filter_results index finish_reason logprobs delta"),
        ("stream", "opening"): _split_names("content"),
        ("stream", "reasoning_delta"): _split_names("reasoning_content"),
        ("stream", "text_delta"): _split_names("content"),
        ("stream", "usage_form"): USAGE_PLACEHOLDERS,
        ("embeddings", "body"): ids | USAGE_PLACEHOLDERS | {"model", "data"},
        ("embeddings", "item"): _split_names("index embedding"),
        ("embeddings", "too_long"): _split_names("tokens limit"),
        ("embeddings", "too_many"): _split_names("tokens limit"),
        ("embeddings", "other_model", "message"): _split_names("model"),
        ("embeddings", "in_chat", "message"): _split_names("model"),
        ("content_filters", "first_chunk"): ids | {"model", "prompt_filter_results"},
        ("responses", "usage"): USAGE_PLACEHOLDERS,
        ("responses", "body"): RESPONSES_PLACEHOLDERS | USAGE_PLACEHOLDERS,
        ("responses", "reasoning"): _split_names("id summary"),
        ("responses", "message"): _split_names("id status content"),
        ("responses", "function_call"): _split_names("id status arguments call_id name"),
        ("responses", "text"): _split_names("text"),
        ("responses", "refusal"): _split_names("refusal"),
        ("responses", "deleted"): _split_names("id"),
        ("refusal", "headers"): error_names,
        ("refusal", "body"): error_names | {"data"},
        ("refusal", "upstream"): error_names | {"upstream_type"},
        ("error_texts", _ANY_KEY, "message"): ids | ERROR_PLACEHOLDERS,
        ("error_texts", _ANY_KEY, "name"): ids | ERROR_PLACEHOLDERS | {"message"},
        ("error_texts", _ANY_KEY, "data"): error_names,
        ("error_texts", _ANY_KEY, "headers"): error_names,
        ("error_texts", _ANY_KEY, "body"): error_names,
        ("issue_texts", _ANY_KEY, "message"): _split_names("param issue expected received options"),
        ("unsupported_role",): _split_names("index role"),
        ("unknown_model", "message"): _split_names("model"),
        ("retired_model", "message"): _split_names("model"),
        ("rejected_value", "message"): _split_names("detail"),
        ("jobs", "body"): ids | _split_names("model url"),
        ("endpoints", _ANY_KEY, "missing"): _split_names("id"),
        ("endpoints", _ANY_KEY, "headers"): ids | ACCOUNT_PLACEHOLDERS,
        ("endpoints", _ANY_KEY, "item"): ids | ACCOUNT_PLACEHOLDERS | ITEM_PLACEHOLDERS | facts,
        ("endpoints", _ANY_KEY, "query", "include"): ids | ACCOUNT_PLACEHOLDERS | ITEM_PLACEHOLDERS | facts,
        ("endpoints", _ANY_KEY, "body"): ids
        | ACCOUNT_PLACEHOLDERS
        | _split_names("items item limit offset total has_more next_cursor"),
    }


def _values_at(value: Any, pattern: ValuePath, path: ValuePath = ()) -> Iterator[tuple[ValuePath, Any]]:
    """Yield the values at the paths that match a pattern, each with its path."""
    if not pattern:
        yield path, value
    else:
        for key in value if pattern[0] == _ANY_KEY else [key for key in value if key == pattern[0]]:
            yield from _values_at(value[key], pattern[1:], (*path, key))


def _placeholders_in(template: Any, path: ValuePath) -> Iterator[tuple[ValuePath, str]]:
    """Yield the placeholders of a template, each with its path."""
    if isinstance(template, str):
        yield from ((path, name) for name in find_placeholder_names(template))
    elif isinstance(template, dict | list):
        for step, part in template.items() if isinstance(template, dict) else enumerate(template):
            yield from _placeholders_in(part, (*path, step))
