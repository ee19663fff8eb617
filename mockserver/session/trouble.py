"""Which fault rule strikes a call: rolled after matching, the same for the same seed at any concurrency."""

from __future__ import annotations

import random
from collections.abc import Iterable

from mockserver.call import Call
from mockserver.errors import ApiError
from mockserver.origin import is_session
from mockserver.session.demand import NOTHING, Demand
from mockserver.session.store import ROLLED, STRUCK, Store
from mockserver.shelf.rule import Laid


async def roll(call: Call, rules: Iterable[Laid], store: Store, seed: int) -> Demand:
    """What the first rule that strikes demands; those before it have been rolled, those after it have not.

    A roll depends on the seed, the session, the rule, and how often it has been rolled there: not on time, and
    not on what other sessions do.
    """
    for laid in rules:
        if not laid.meets(call, laid.since + store.clock.elapsed(laid.since, call.session)) or not is_session(
            call.session
        ):
            continue
        times = laid.rule.times
        if times is not None and (await store.counts(call.session, STRUCK)).get(laid.name, 0) >= times:
            continue
        rolled = await store.count(call.session, ROLLED, laid.name)
        chance = random.Random(f"{seed}/{call.session}/{laid.name}/{rolled}")
        if chance.random() < laid.rule.probability:
            await store.count(call.session, STRUCK, laid.name)
            return _demanded(laid, chance)
    return NOTHING


def _demanded(laid: Laid, chance: random.Random) -> Demand:
    rule = laid.rule
    error = None
    if rule.error is not None:
        error = ApiError(rule.error, rule.message, code=rule.code, retry_after=rule.retry_after)
    delay = rule.delay.draw(lambda: chance) if rule.delay else 0.0
    return Demand(error, delay, rule.fault, rule=laid.name)
