"""A request with masked values, as it is compared with the fixtures of a recording and as it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import orjson

from mockserver.bounded_regex import RegexSearchError, note_regex_failure
from mockserver.data_masking.masking_rules import MaskingRules
from mockserver.data_masking.value_masker import ValueMasker
from mockserver.memoize import Memo, fast_dataclass
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import find_head_secrets


@fast_dataclass
class MaskedRequest:
    """A request whose body is masked, with the masked values by their names."""

    request: ChatRequest
    values: Mapping[str, str]


def mask_request(request: ChatRequest, rules: MaskingRules) -> MaskedRequest:
    """Return a request as the fixtures of a recording are compared with it; computed once for each request.

    A regular expression that reaches its time limit is left out and noted, so that the fixtures hardly match.
    """

    def compute() -> MaskedRequest:
        try:
            return _mask_with(request, build_request_masker(request, rules))
        except RegexSearchError as error:
            note_regex_failure("a masked fixture", error)
            return _mask_with(request, build_request_masker(request, rules.without_patterns()))

    return request.lazy_body.derive("masked\n" + "\n".join(rules.labels), None, compute)


def build_request_masker(request: ChatRequest, rules: MaskingRules) -> ValueMasker:
    """Build the masker of a request and its answer, which masks the secrets of the request's head, too."""
    return ValueMasker(rules, find_head_secrets(request.routed_head.head))


def mask_request_body(request: ChatRequest, masker: ValueMasker) -> ChatRequest:
    """Return a request whose body is masked. Raises RegexSearchError."""
    if request.parsed.error:
        return request
    lazy_body = request.lazy_body.unparsed_copy()
    lazy_body.raw = orjson.dumps(masker.mask_json(request.parsed.body))
    return replace(request, lazy_body=lazy_body, raw=lazy_body.raw, memo=Memo())


def _mask_with(request: ChatRequest, masker: ValueMasker) -> MaskedRequest:
    return MaskedRequest(mask_request_body(request, masker), masker.values)
