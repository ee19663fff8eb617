"""The latency of each answer: from the latency rules of files, then from the profile of the vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from mockserver.fixtures.latency_rules import LatencyRuleSpec
from mockserver.fixtures.predicates import build_glob
from mockserver.fixtures.response_spec import ResponseSpec, StreamPacing
from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.latency_spec import LatencySpec, merge_latency
from mockserver.vendors.vendor import Vendor


class LatencyTable:
    """The latency rules in order of precedence; the first that matches is used, completed by the vendor's profile.

    The latency of an answer depends on its vendor, its model and whether it is a stream, so that rendered answers with
    equal options have equal latencies.
    """

    def __init__(self, rules: Iterable[LatencyRuleSpec]) -> None:
        self._rules = [
            (
                _build_matcher(rule.vendor),
                _build_matcher(rule.model),
                rule.stream,
                LatencySpec(delay=rule.delay, ttft=rule.ttft, gap=rule.gap),
            )
            for rule in rules
        ]

    def find(self, request: ChatRequest, response: ResponseSpec) -> LatencySpec | None:
        """Return the latency of an answer; None if nothing states it, and for an error, which no model generates."""
        if response.error is not None:
            return None
        vendor, model, stream = request.vendor, request.model, request.stream
        matching = (
            latency
            for matches_vendor, matches_model, streamed, latency in self._rules
            if matches_vendor(vendor.name) and matches_model(model) and streamed in (None, stream)
        )
        return merge_latency(next(matching, None), vendor.latency(model))


def create_latency_table(rules: Iterable[LatencyRuleSpec], vendors: Iterable[Vendor]) -> LatencyTable | None:
    """Return the table of the rules and profiles, None if none of them states a latency."""
    rules = tuple(rules)
    return LatencyTable(rules) if rules or any(vendor.has_latency for vendor in vendors) else None


def apply_latency(response: ResponseSpec, latency: LatencySpec) -> ResponseSpec:
    """Return a response with the delays that it does not state itself."""
    pacing = StreamPacing(ttft=latency.ttft, gap=latency.gap)
    return replace(
        response,
        delay=response.delay or latency.delay,
        stream=(response.stream or StreamPacing()).with_defaults(pacing),
    )


def _build_matcher(pattern: str | None) -> Callable[[str], bool]:
    return (lambda _: True) if pattern is None else build_glob(pattern).holds
