"""What an answer costs: its tokens at the vendor's prices, as far as it was heard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.rendering.choices import build_render_options, count_response_usage, render_choices
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import NO_CHARGE, Charge
from mockserver.sessions.journal import JournalEntry
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Answer, Ending, Frame
from mockserver.wire.playback import Delivery


def calculate_entry_cost(entry: JournalEntry) -> Charge:
    """What a request of the journal costs, with an account or without; an answer under way, if it is heard whole."""
    if entry.charge is not None:
        return entry.charge
    if entry.response is None or entry.answer is None:
        return NO_CHARGE
    charge = calculate_amount_due(entry, entry.answer, entry.delivery)
    if entry.delivery is not None:
        entry.charge = charge
    return charge


def get_entry_usage(entry: JournalEntry) -> TokenUsage:
    """The tokens of a request that is answered, counted once."""
    if entry.usage is None:
        entry.usage = _count_entry_usage(
            cast(ChatRequest, entry.request_with_body), cast(ResponseSpec, entry.response)
        )
    return entry.usage


def calculate_amount_due(entry: JournalEntry, answer: Answer, delivery: Delivery | None = None) -> Charge:
    """What a request costs whose answer is played so; when it has ended, as far as it was heard."""
    call, raw = cast(ChatRequest, entry.request_with_body), get_entry_usage(entry)
    vendor, cut = call.vendor, call.vendor.profile.billing.cut
    if not is_billed(call, answer):
        return NO_CHARGE
    if cut == "full" or _is_complete(entry, answer, delivery):
        return vendor.charge(raw, call.model)
    if cut == "none":
        return NO_CHARGE
    # A model has thought before it speaks.
    spoken = raw.completion - raw.reasoning
    meant = _count_chunks((entry.intended_answer or answer).frames)
    share = math.ceil(spoken * min(_count_delivered_chunks(answer, delivery), meant) / meant) if meant else 0
    return vendor.charge(replace(raw, completion=raw.reasoning + share), call.model)


def is_billed(request: ChatRequest, answer: Answer) -> bool:
    """Whether an answer of this status is charged at all."""
    statuses = request.vendor.profile.billing.statuses
    return answer.status < 400 if statuses is None else answer.status in statuses


def _count_chunks(frames: Iterable[Frame]) -> int:
    return sum(frame.chunk for frame in frames)


def _count_entry_usage(request: ChatRequest, response: ResponseSpec) -> TokenUsage:
    """The tokens of an answer; of bytes that somebody wrote, and of an error, none are known."""
    if response.raw is not None or response.error is not None:
        return TokenUsage(0, 0)
    known = build_render_options(request, response)
    return count_response_usage(known, response, render_choices(known, response))


def _is_complete(entry: JournalEntry, answer: Answer, delivery: Delivery | None) -> bool:
    """Whether an answer is heard to its end, with all that it was meant to say."""
    if answer.ending is not Ending.FINISH or (delivery is not None and delivery.end_reason != "finished"):
        return False
    return entry.intended_answer is None or _count_delivered_chunks(answer, delivery) >= _count_chunks(
        entry.intended_answer.frames
    )


def _count_delivered_chunks(answer: Answer, delivery: Delivery | None) -> int:
    return _count_chunks(answer.frames if delivery is None else answer.frames[: len(delivery.times)])
