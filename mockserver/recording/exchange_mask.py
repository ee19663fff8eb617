"""The masking of exchanges before they are written to disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    masker: ValueMasker

    def restore(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return a response to the masked request that gives back the values of a request."""
        return restore_values(response, self.restorable)

    def mask_value(self, value: Any) -> Any:
        """Return a JSON value in which the same values and others are masked. Raises NoFixtureError as `mask` does."""
        with _limit_expressions():
            return self.masker.mask_json(value)


class ExchangeMask:
    """The masking of what is written to disk. Secrets of the request's head are masked by any rules."""

    def __init__(self, rules: MaskingRules = BUILT_IN_RULES) -> None:
        self._rules = rules

    @property
    def header(self) -> Mapping[str, Any]:
        """Return the fields of a file that name what is masked in it."""
        return {"masked": list(self._rules.labels)} if self._rules.labels else {}

    def mask_fixture(self, definition: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
        """Return a fixture whose texts are masked, and the masked values. Raises NoFixtureError as `mask` does."""
        masker = ValueMasker(self._rules)
        with _limit_expressions():
            match = masker.mask_json(definition["match"])
            restorable = frozenset(masker.values if self._rules.labels else ())
            rest = {
                name: masker.mask_json(value, name) for name, value in definition.items() if name != "match"
            }
        fixture = {**rest, "match": match}
        if "response" in fixture:
            fixture["response"] = restore_values(fixture["response"], restorable)
        else:
            fixture["responses"] = [restore_values(one, restorable) for one in fixture["responses"]]
        return {name: fixture[name] for name in definition}, frozenset(masker.values.values())

    def mask(self, exchange: Exchange) -> MaskedExchange:
        """Return the exchange without secrets and personal data.

        Raises NoFixtureError if an expression takes too long.
        """
        masker = ValueMasker(self._rules, _find_secrets(exchange))
        with _limit_expressions():
            body = _mask_request_body(exchange.body, masker)
            restorable = frozenset(masker.values if self._rules.labels else ())
            masker.look_for_known_values()
            answer = mask_answer(exchange.answer, masker)
            values = frozenset(value for name, value in masker.values.items() if value != f"<{name}>")
            query = masker.mask_text(mask_query(exchange.query))
            headers = tuple(
                (name, masker.mask_text(value))
                for name, value in exchange.headers
                if not is_secret_header(name)
            )
        masked = replace(exchange, headers=headers, query=query, body=body, answer=answer)
        return MaskedExchange(masked, values, restorable, masker)


def build_exchange_mask(patterns: tuple[str, ...] = (), *, is_off: bool = False) -> ExchangeMask:
    """Build the mask of all kinds and of a user's regular expressions. Raises ValueError for an invalid one."""
    if is_off:
        return ExchangeMask(_NOTHING)
    return ExchangeMask(
        build_masking_rules((*BUILT_IN_RULES.labels, *patterns)) if patterns else BUILT_IN_RULES
    )


@contextmanager
def _limit_expressions() -> Iterator[None]:
    """Bound the time of the user's expressions. Raises NoFixtureError where one has no result."""
    try:
        with SharedRegexBudget(_REGEX_SECONDS):
            yield
    except RegexSearchError as error:
        raise NoFixtureError(f"it is not written because it cannot be masked: {error}") from None


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
