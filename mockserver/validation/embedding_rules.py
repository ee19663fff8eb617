"""The rules for the body of a request for embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from mockserver.embeddings.input_tokens import count_input_tokens, get_native_dimensions
from mockserver.errors import ApiError
from mockserver.request.chat_request import ChatRequest
from mockserver.request.embedding_input import is_token_list
from mockserver.validation.zod_issues import (
    MISSING,
    Issue,
    create_custom_issue,
    create_too_big_issue,
    create_too_small_issue,
    create_type_issue,
    find_field_issues,
)
from mockserver.vendors.embeddings_spec import EmbeddingsSpec
from mockserver.vendors.model_spec import UnavailableSpec
from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules
from mockserver.vendors.placeholders import fill_optional_text

_PATH = ("input",)
_EMPTY_TEXT = "String must contain at least 1 character(s)"


def iter_embedding_issues(request: ChatRequest) -> Iterator[Issue]:
    """Yield the issues of a body, but for its model."""
    body = request.parsed.body
    yield from _iter_input_issues(body.get("input", MISSING), _get_spec(request).max_inputs)
    yield from find_field_issues(_list_fields(get_native_dimensions(request)), body)
    count_input_tokens(
        request
    )  # here, because the issues of a large body are looked for on the worker thread


def _iter_input_issues(source: Any, max_inputs: int) -> Iterator[Issue]:
    if source == "":
        yield create_too_small_issue(1, "string", _EMPTY_TEXT, _PATH)
    elif source == []:
        yield create_too_small_issue(1, "array", "Array must contain at least 1 element(s)", _PATH)
    elif isinstance(source, list):
        if len(source) > max_inputs:
            message = f"Array must contain at most {max_inputs} element(s)"
            yield create_too_big_issue(max_inputs, "array", message, _PATH)
        elif not is_token_list(source):
            yield from _iter_item_issues(source, max_inputs)
    elif not isinstance(source, str):
        yield create_type_issue("string", source, _PATH)


def _iter_item_issues(source: list[Any], max_tokens: int) -> Iterator[Issue]:
    """Yield the issues of a list that must contain texts alone, or lists of tokens alone."""
    of_texts = isinstance(source[0], str)
    for index, one in enumerate(source):
        path = (*_PATH, index)
        if of_texts and one == "":
            yield create_too_small_issue(1, "string", _EMPTY_TEXT, path)
        elif of_texts and not isinstance(one, str):
            yield create_type_issue("string", one, path)
        elif not of_texts and not is_token_list(one):
            yield create_custom_issue("Expected a list of tokens, which are whole numbers", path)
        elif len(one) > max_tokens and not of_texts:
            message = f"Array must contain at most {max_tokens} element(s)"
            yield create_too_big_issue(max_tokens, "array", message, path)


def find_token_limit_error(request: ChatRequest) -> ApiError | None:
    """Return the error of a valid body with too many tokens; None if it has no more than the vendor allows."""
    spec, counts = _get_spec(request), count_input_tokens(request)
    total = sum(counts)
    for tokens, limit, message in (
        (max(counts), spec.max_tokens, spec.too_long),
        (total, spec.max_total_tokens, spec.too_many),
    ):
        if tokens > limit:
            detail = f"input: {tokens} tokens, expected at most {limit}"
            text = fill_optional_text(message, {"tokens": tokens, "limit": limit})
            issues = (create_custom_issue(detail.removeprefix("input: "), _PATH),)
            return ApiError("invalid_request", text, detail=detail, issues=issues).with_cause("body")
    return None


def list_model_names(request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the models that the vendor documents for the api of a request."""
    models = request.vendor.models
    return models.embedding_names if request.route.api == "embeddings" else models.names


def find_wrong_api(request: ChatRequest) -> UnavailableSpec | None:
    """Return the vendor's error for a model that this api does not serve; None if it has none of its own."""
    spec = request.vendor.profile.embeddings
    if spec is None:
        return None
    if request.route.api == "embeddings":
        return spec.other_model
    return spec.in_chat if request.vendor.serves(request.model, "embeddings") else None


def _get_spec(request: ChatRequest) -> EmbeddingsSpec:
    return cast(EmbeddingsSpec, request.vendor.profile.embeddings)  # a profile with their path has it


def _list_fields(dimensions: int) -> ParameterRules:
    return ParameterRules(
        {
            "dimensions": ParameterRule(type=("integer",), minimum=1, maximum=dimensions),
            "encoding_format": ParameterRule(type=("string",), enum=("float", "base64")),
            "user": ParameterRule(type=("string",)),
        }
    )
