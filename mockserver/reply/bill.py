"""What an answer costs: its tokens at the vendor's prices, as far as it was heard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from mockserver.call import Call
from mockserver.money import NOTHING, Charge
from mockserver.reply.said import asked, said, usage
from mockserver.session.journal import Entry
from mockserver.shelf.response import Response
from mockserver.vendors.vendor import Usage
from mockserver.wire.answer import Answer, Ending, Frame
from mockserver.wire.playback import Heard


def tokens(call: Call, response: Response) -> Usage:
    """The tokens of an answer; of bytes that somebody wrote, and of an error, none are known."""
    if response.raw is not None or response.error is not None:
        return Usage(0, 0)
    known = asked(call, response)
    return usage(known, response, said(known, response))


def of(entry: Entry) -> Charge:
    """What a request of the journal costs, with an account or without; an answer under way, if it is heard whole."""
    if entry.charge is not None:
        return entry.charge
    call, response, answer = entry.call, entry.said, entry.answer
    if call is None or response is None or answer is None:
        return NOTHING
    charge = due(call, response, entry.meant or answer, answer, entry.heard)
    if entry.heard is not None:
        entry.charge = charge
    return charge


def used(entry: Entry) -> Usage:
    """The tokens of a request that was charged."""
    return tokens(cast(Call, entry.call), cast(Response, entry.said))


def due(call: Call, response: Response, meant: Answer, played: Answer, heard: Heard | None = None) -> Charge:
    """What an answer costs that is played so, where it was `meant` otherwise; when it has ended, as far as heard."""
    vendor, billing = call.vendor, call.vendor.profile.billing
    if not billed(call, played):
        return NOTHING
    raw = tokens(call, response)
    said, whole = (
        _chunks(played.frames if heard is None else played.frames[: len(heard.times)]),
        _chunks(meant.frames),
    )
    finished = played.ending is Ending.FINISH and (heard is None or heard.ended == "finished")
    if billing.cut == "full" or (finished and said >= whole):
        return vendor.charge(raw, call.model)
    if billing.cut == "none":
        return NOTHING
    # A model has thought before it speaks.
    spoken = raw.completion - raw.reasoning
    share = math.ceil(spoken * min(said, whole) / whole) if whole else 0
    return vendor.charge(replace(raw, completion=raw.reasoning + share), call.model)


def billed(call: Call, answer: Answer) -> bool:
    """Whether an answer of this status is charged at all."""
    statuses = call.vendor.profile.billing.statuses
    return answer.status < 400 if statuses is None else answer.status in statuses


def _chunks(frames: Iterable[Frame]) -> int:
    return sum(frame.chunk for frame in frames)
