"""The compiled templates of a vendor's Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.vendors.ids import create_id_factory
from mockserver.vendors.placeholders import JsonTemplate
from mockserver.vendors.responses_spec import DEFAULT_IDS, DEFAULT_VALUES, ResponsesSpec


class ResponsesTemplates:
    """The templates of the response, of its items and of their parts, with the values that are not stated."""

    def __init__(self, spec: ResponsesSpec) -> None:
        self.spec = spec
        patterns = {**DEFAULT_IDS, **spec.ids}
        self.id_factories = {name: create_id_factory(pattern) for name, pattern in patterns.items()}
        self.id_prefix = patterns["response_id"].partition("{")[0]
        self.body = JsonTemplate(spec.body)
        self.usage = JsonTemplate(spec.usage)
        self.reasoning = JsonTemplate(spec.reasoning)
        self.message = JsonTemplate(spec.message)
        self.function_call = JsonTemplate(spec.function_call)
        self.text = JsonTemplate(spec.text)
        self.refusal = JsonTemplate(spec.refusal)
        self.deleted = JsonTemplate(spec.deleted)
        self._defaults = {**DEFAULT_VALUES, "store": spec.store, **spec.defaults}

    def fill_defaults(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that a response repeats from its request, completed by their defaults."""
        merged = {
            name: {**default, **stated.get(name, {})} if name in _MERGED else stated.get(name, default)
            for name, default in self._defaults.items()
        }
        merged["reasoning"] = {name: merged["reasoning"].get(name) for name in _REASONING}
        return merged


_MERGED = ("reasoning", "text")  # whose own fields have defaults
_REASONING = ("effort", "summary")
