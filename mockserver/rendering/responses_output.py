"""A choice in the form of the Responses API: the items of the output, and the response around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.rendering.answer_values import build_answer_values
from mockserver.rendering.choices import RenderedChoice, RenderOptions, count_response_usage
from mockserver.vendors.placeholders import PlaceholderValues
from mockserver.vendors.responses_templates import ResponsesTemplates
from mockserver.wire.prerendered import Placeholders

JsonObject = dict[str, Any]

_INCOMPLETE_REASONS: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class OutputPart:
    """One part of an item that is streamed: `kind` is text, refusal, summary or arguments."""

    kind: str
    text: str
    empty: JsonObject | None = None  # as its first event shows it, None for arguments
    whole: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One item of the output: as it is when it is added, and when it is complete."""

    added: JsonObject
    whole: JsonObject
    parts: tuple[OutputPart, ...]


class ResponsesOutput:
    """The output of one choice, with the response around it."""

    def __init__(
        self,
        options: RenderOptions,
        response: ResponseSpec,
        choice: RenderedChoice,
        placeholders: Placeholders,
        balance_values: PlaceholderValues,
    ) -> None:
        vendor, templates = options.vendor, options.vendor.responses
        self._body = templates.body
        values = build_answer_values(options, response, placeholders)
        if response.id is None or not response.id.startswith(
            templates.id_prefix
        ):  # that of a chat completion
            values["id"] = placeholders.add_text("response_id")
        usage = count_response_usage(options, response, (choice,))
        values |= {
            **vendor.usage_values(usage, options.model),
            **vendor.rate_limit_values(usage),
            **balance_values,
        }
        self.values: PlaceholderValues = {
            **values,
            **templates.fill_defaults(orjson.loads(options.echo or b"{}")),
            "usage": {} if response.has_empty_usage else templates.usage.fill(values),
            "output_text": choice.content or "",
        }
        reason = _INCOMPLETE_REASONS.get(choice.finish_reason)
        self.status = "completed" if reason is None else "incomplete"
        self._details = reason and {"reason": reason}
        has_reasoning = vendor.models[options.model].reasoning or choice.reasoning is not None
        build = _ItemBuilder(templates, placeholders, self.status)
        self.items = tuple(build.items(choice, has_reasoning=has_reasoning))

    def fill_body(self) -> JsonObject:
        """Return the complete response."""
        output = [item.whole for item in self.items]
        return self._fill(status=self.status, incomplete_details=self._details, output=output)

    def fill_start(self) -> JsonObject:
        """Return the response as the first events of a stream show it."""
        empty = {"usage": None, "output_text": ""}
        return self._fill(status="in_progress", incomplete_details=None, output=[], **empty)

    def _fill(self, **changes: Any) -> JsonObject:
        filled: JsonObject = self._body.fill({**self.values, **changes})
        return filled


class _ItemBuilder:
    """The builder of the items of one output."""

    def __init__(self, templates: ResponsesTemplates, placeholders: Placeholders, status: str) -> None:
        self._templates = templates
        self._new_id = placeholders.add_text
        self._status = status

    def items(self, choice: RenderedChoice, *, has_reasoning: bool) -> Iterator[OutputItem]:
        """Yield the items in their order: reasoning, message, function calls."""
        if has_reasoning:
            yield self._build_reasoning(choice.reasoning or "")
        # A response whose tokens were used up by its reasoning has no message.
        has_text = choice.content or (choice.content == "" and choice.finish_reason != "length")
        if has_text or choice.refusal is not None:
            yield self._build_message(choice.content if has_text else None, choice.refusal)
        for call in choice.tool_calls:
            yield self._build_function_call(call)

    def _build_reasoning(self, text: str) -> OutputItem:
        fill, id_ = self._templates.reasoning.fill, self._new_id("reasoning_id")
        empty, whole = ({"type": "summary_text", "text": one} for one in ("", text))
        parts = (OutputPart("summary", text, empty, whole),) if text else ()
        return OutputItem(
            fill({"id": id_, "summary": []}),
            fill({"id": id_, "summary": [whole] if text else []}),
            parts,
        )

    def _build_message(self, text: str | None, refusal: str | None) -> OutputItem:
        templates, values = self._templates, {"id": self._new_id("message_id")}
        parts = tuple(
            OutputPart(kind, stated, template.fill({kind: ""}), template.fill({kind: stated}))
            for kind, stated, template in (
                ("text", text, templates.text),
                ("refusal", refusal, templates.refusal),
            )
            if stated is not None
        )
        whole = [part.whole for part in parts]
        return OutputItem(
            templates.message.fill({**values, "status": "in_progress", "content": []}),
            templates.message.fill({**values, "status": self._status, "content": whole}),
            parts,
        )

    def _build_function_call(self, call: JsonObject) -> OutputItem:
        function = call["function"]
        values = {"id": self._new_id("function_call_id"), "call_id": call["id"], "name": function["name"]}
        fill, arguments = self._templates.function_call.fill, function["arguments"]
        return OutputItem(
            fill({**values, "status": "in_progress", "arguments": ""}),
            fill({**values, "status": "completed", "arguments": arguments}),
            (OutputPart("arguments", arguments),),
        )
