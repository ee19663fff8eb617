"""The masking of exchanges before they are written to disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from mockserver.bounded_regex import RegexSearchError, SharedRegexBudget
from mockserver.data_masking.masking_rules import BUILT_IN_RULES, MaskingRules, build_masking_rules
from mockserver.data_masking.value_masker import ValueMasker
from mockserver.masking import find_secret_values, is_secret_header, mask_query
from mockserver.recording.exchange import Exchange
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.masked_answer import mask_answer, mask_bytes
from mockserver.recording.restored_values import restore_values

_REGEX_SECONDS = 5.0  # of the user's expressions in one exchange
_NOTHING = MaskingRules((), (), ())


@dataclass(frozen=True, slots=True)
class MaskedExchange:
    """An exchange without secrets and personal data. `values` are the masked ones.

    `restorable` are the names of those that a replay finds in its request, too.
    """

    exchange: Exchange
    values: frozenset[str]
    restorable: frozenset[str]

    def restore(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return a response to the masked request that gives back the values of a request."""
        return restore_values(response, self.restorable)


class ExchangeMask:
    """The masking of what is written to disk. Secrets of the request's head are masked by any rules."""

    def __init__(self, rules: MaskingRules = BUILT_IN_RULES) -> None:
        self._rules = rules

    @property
    def header(self) -> Mapping[str, Any]:
        """Return the fields of a file that name what is masked in it."""
        return {"masked": list(self._rules.labels)} if self._rules.labels else {}

    def mask(self, exchange: Exchange) -> MaskedExchange:
        """Return the exchange without secrets and personal data.

        Raises NoFixtureError if an expression takes too long.
        """
        masker = ValueMasker(self._rules, _find_secrets(exchange))
        try:
            with SharedRegexBudget(_REGEX_SECONDS):
                body = _mask_request_body(exchange.body, masker)
                restorable = frozenset(masker.values if self._rules.labels else ())
                masker.look_for_known_values()
                answer = mask_answer(exchange.answer, masker)
                values = frozenset(value for name, value in masker.values.items() if value != f"<{name}>")
                headers = tuple(
                    (name, masker.mask_text(value))
                    for name, value in exchange.headers
                    if not is_secret_header(name)
                )
        except RegexSearchError as error:
            raise NoFixtureError(
                f"the exchange is not written because it cannot be masked: {error}"
            ) from None
        masked = replace(
            exchange, headers=headers, query=mask_query(exchange.query), body=body, answer=answer
        )
        return MaskedExchange(masked, values, restorable)


def build_exchange_mask(patterns: tuple[str, ...] = (), *, is_off: bool = False) -> ExchangeMask:
    """Build the mask of all kinds and of a user's regular expressions. Raises ValueError for an invalid one."""
    if is_off:
        return ExchangeMask(_NOTHING)
    return ExchangeMask(
        build_masking_rules((*BUILT_IN_RULES.labels, *patterns)) if patterns else BUILT_IN_RULES
    )


def _find_secrets(exchange: Exchange) -> Iterator[str]:
    """Yield the secrets of the heads of both messages; a header may be repeated."""
    yield from find_secret_values({}, exchange.query)
    for name, value in (*exchange.headers, *exchange.answer.headers):
        yield from find_secret_values({name: value})


def _mask_request_body(body: bytes, masker: ValueMasker) -> bytes:
    try:
        value = orjson.loads(body)
    except ValueError:
        return mask_bytes(body, masker)
    masked = masker.mask_json(value)
    return body if masked == value else orjson.dumps(masked)
