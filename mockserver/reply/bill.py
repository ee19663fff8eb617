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


def of(entry: Entry) -> Charge:
    """What a request of the journal costs, with an account or without; an answer under way, if it is heard whole."""
    if entry.charge is not None:
        return entry.charge
    if entry.said is None or entry.answer is None:
        return NOTHING
    charge = due(entry, entry.answer, entry.heard)
    if entry.heard is not None:
        entry.charge = charge
    return charge


def used(entry: Entry) -> Usage:
    """The tokens of a request that is answered, counted once."""
    if entry.used is None:
        entry.used = _tokens(cast(Call, entry.call), cast(Response, entry.said))
    return entry.used


def due(entry: Entry, played: Answer, heard: Heard | None = None) -> Charge:
    """What a request costs whose answer is played so; when it has ended, as far as it was heard."""
    call, raw = cast(Call, entry.call), used(entry)
    vendor, cut = call.vendor, call.vendor.profile.billing.cut
    if not billed(call, played):
        return NOTHING
    if cut == "full" or _whole(entry, played, heard):
        return vendor.charge(raw, call.model)
    if cut == "none":
        return NOTHING
    # A model has thought before it speaks.
    spoken = raw.completion - raw.reasoning
    meant = _chunks((entry.meant or played).frames)
    share = math.ceil(spoken * min(_heard(played, heard), meant) / meant) if meant else 0
    return vendor.charge(replace(raw, completion=raw.reasoning + share), call.model)


def billed(call: Call, answer: Answer) -> bool:
    """Whether an answer of this status is charged at all."""
    statuses = call.vendor.profile.billing.statuses
    return answer.status < 400 if statuses is None else answer.status in statuses


def _chunks(frames: Iterable[Frame]) -> int:
    return sum(frame.chunk for frame in frames)


def _tokens(call: Call, response: Response) -> Usage:
    """The tokens of an answer; of bytes that somebody wrote, and of an error, none are known."""
    if response.raw is not None or response.error is not None:
        return Usage(0, 0)
    known = asked(call, response)
    return usage(known, response, said(known, response))


def _whole(entry: Entry, played: Answer, heard: Heard | None) -> bool:
    """Whether an answer is heard to its end, with all that it was meant to say."""
    if played.ending is not Ending.FINISH or (heard is not None and heard.ended != "finished"):
        return False
    return entry.meant is None or _heard(played, heard) >= _chunks(entry.meant.frames)


def _heard(played: Answer, heard: Heard | None) -> int:
    return _chunks(played.frames if heard is None else played.frames[: len(heard.times)])
