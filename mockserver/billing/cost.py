"""The cost of an answer: its tokens at the vendor's prices, for the part that was delivered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, cast

from mockserver.embeddings.input_tokens import count_embedding_usage
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.memoize import memoized
from mockserver.rendering.choices import build_render_options, count_response_usage, render_choices
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import NO_CHARGE, Charge
from mockserver.sessions.journal import Decision, JournalEntry
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Answer, Ending, Frame
from mockserver.wire.playback import Delivery


def calculate_entry_cost(entry: JournalEntry) -> Charge:
    """Return the cost of a journal entry, with an account or without; while it is being sent, of the whole answer."""
    decision = entry.decision
    if decision is None or decision.response is None:
        return NO_CHARGE
    cost = _calculate_cost(entry, entry.delivery)
    if entry.delivery is not None:
        entry.memo[_FINAL_COST] = cost
    return cost


def find_entry_cost(entry: JournalEntry) -> Charge | None:
    """Return the cost of a journal entry; None if its bodies were dropped before it was calculated."""
    return calculate_entry_cost(entry) if entry.dropped is None else entry.memo.get(_FINAL_COST)


_FINAL_COST: Final = "final cost"


@memoized
def _calculate_cost(entry: JournalEntry, delivery: Delivery | None) -> Charge:
    request, decision = cast(ChatRequest, entry.request), cast(Decision, entry.decision)
    return calculate_amount_due(request, decision, get_entry_usage(entry), delivery)


@memoized
def get_entry_usage(entry: JournalEntry) -> TokenUsage:
    """Return the tokens of a request that has a response."""
    decision = cast(Decision, entry.decision)
    return decision.usage or count_usage(
        cast(ChatRequest, entry.request_with_body), cast(ResponseSpec, decision.response)
    )


def calculate_amount_due(
    request: ChatRequest, decision: Decision, usage: TokenUsage, delivery: Delivery | None = None
) -> Charge:
    """Return the cost of a request with this answer, for the delivered part of it if a delivery is given."""
    answer, intended = decision.answer, decision.intended_answer
    vendor, cut = request.vendor, request.vendor.profile.billing.cut
    if not is_billed(request, answer):
        return NO_CHARGE
    if cut == "full" or _is_complete(decision, delivery):
        return vendor.charge(usage, request.model)
    if cut == "none":
        return NO_CHARGE
    # Reasoning tokens come before the first chunk, so they are due in full.
    visible = usage.completion - usage.reasoning
    chunks = _count_chunks((intended or answer).frames)
    delivered = min(_count_delivered_chunks(answer, delivery), chunks)
    share = math.ceil(visible * delivered / chunks) if chunks else 0
    return vendor.charge(replace(usage, completion=usage.reasoning + share), request.model)


def is_billed(request: ChatRequest, answer: Answer) -> bool:
    """Return whether the vendor charges for an answer with this status."""
    statuses = request.vendor.profile.billing.statuses
    return answer.status < 400 if statuses is None else answer.status in statuses


def _count_chunks(frames: Iterable[Frame]) -> int:
    return sum(frame.chunk for frame in frames)


def count_usage(request: ChatRequest, response: ResponseSpec) -> TokenUsage:
    """Count the tokens of a request and its response; a raw body and an error have none."""
    if response.raw is not None or response.error is not None:
        return TokenUsage(0, 0)
    if request.route.api == "embeddings":
        return count_embedding_usage(request, response)
    options = build_render_options(request, response)
    return count_response_usage(options, response, render_choices(options, response))


def _is_complete(decision: Decision, delivery: Delivery | None) -> bool:
    """Return whether the intended answer was delivered, or will be delivered, to its end."""
    answer, intended = decision.answer, decision.intended_answer
    if answer.ending is not Ending.FINISH or (delivery is not None and delivery.end_reason != "finished"):
        return False
    return intended is None or _count_delivered_chunks(answer, delivery) >= _count_chunks(intended.frames)


def _count_delivered_chunks(answer: Answer, delivery: Delivery | None) -> int:
    return _count_chunks(answer.frames if delivery is None else answer.frames[: len(delivery.times)])
