"""What is asked of the mock for one request: by its `X-Mock-*` headers, or by a key that says so."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from mockserver.errors import STATUS_BY_KIND, ApiError
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import SESSION_HEADER, RoutedHead, is_session_name
from mockserver.schema.durations import parse_duration
from mockserver.schema.messages import did_you_mean, format_alternatives
from mockserver.sessions.store import APPLIED, EVALUATED, SessionStore
from mockserver.wire.faults import Fault, parse_fault

T = TypeVar("T")

ERROR_HEADER = "x-mock-error"
RETRY_AFTER_HEADER = "x-mock-retry-after"
DELAY_HEADER = "x-mock-delay"
FAULT_HEADER = "x-mock-fault"
FIXTURE_HEADER = "x-mock-fixture"
INJECTION_HEADERS = (
    ERROR_HEADER,
    RETRY_AFTER_HEADER,
    DELAY_HEADER,
    FAULT_HEADER,
    FIXTURE_HEADER,
    SESSION_HEADER,
)

_STATUS_PATTERN = "[45][0-9][0-9]"
# sk-mock-402, omx_live_mock-429, SG_mock-timeout
_KEY_PATTERN = re.compile(rf"mock-({'|'.join(STATUS_BY_KIND)}|{_STATUS_PATTERN})(?![0-9a-z_])")


@dataclass(frozen=True, slots=True)
class Injection:
    """An error to be refused with, a delay in seconds, a fault, the name of a fixture; each may be missing.

    `rule` is the fault rule that demands it, where it is not the request itself.
    """

    error: ApiError | None = None
    delay: float = 0.0
    fault: Fault | None = None
    fixture: str | None = None
    rule: str = ""

    def raise_if_error(self) -> None:
        """Raises the error that is demanded, if one is."""
        if self.error is not None:
            raise self.error


NO_INJECTION = Injection()


def parse_injection(request: ChatRequest) -> Injection:
    """The demands of a call. Raises ApiError when a header cannot be understood."""
    if not _has_injection(request.routed_head):
        return NO_INJECTION
    what = _error_in_key(request.api_key)
    stated = _injection_headers(request.routed_head)
    for name in stated:
        if name not in INJECTION_HEADERS:
            raise _invalid_header(
                name, f"found a header that is not known, expected {format_alternatives(INJECTION_HEADERS)}"
            )
    error = _parse_header(_parse_error, stated, ERROR_HEADER)
    after = _parse_header(parse_duration, stated, RETRY_AFTER_HEADER)
    what = what if error is None else error
    if after is not None and what is None:
        raise _invalid_header(
            RETRY_AFTER_HEADER, f"found it without an error to go with; send {ERROR_HEADER} as well"
        )
    return Injection(
        None if what is None else ApiError(what, retry_after=after),
        _parse_header(parse_duration, stated, DELAY_HEADER) or 0.0,
        _parse_header(parse_fault, stated, FAULT_HEADER),
        stated.get(FIXTURE_HEADER),
    )


@memoized
def _has_injection(origin: RoutedHead) -> bool:
    """Whether there is any demand in a head; there mostly is none."""
    return bool(_injection_headers(origin)) or _error_in_key(origin.api_key) is not None


def _injection_headers(origin: RoutedHead) -> dict[str, str]:
    return {name: value for name, value in origin.headers.items() if name[:7] == "x-mock-"}


def _error_in_key(key: str | None) -> str | int | None:
    found = _KEY_PATTERN.search(key or "")
    return None if found is None else _status_or_kind(found[1])


def _parse_error(text: str) -> str | int:
    if text not in STATUS_BY_KIND and not re.fullmatch(_STATUS_PATTERN, text):
        hint = did_you_mean(text, STATUS_BY_KIND) or f": {format_alternatives(STATUS_BY_KIND)}"
        raise ValueError(f"found {text[:80]!r}, expected a number 400 to 599 or a kind{hint}")
    return _status_or_kind(text)


def _status_or_kind(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _parse_header(parse: Callable[[str], T], headers: dict[str, str], name: str) -> T | None:
    if name not in headers:
        return None
    try:
        return parse(headers[name])
    except ValueError as error:
        raise _invalid_header(name, str(error)) from error


def _invalid_header(header: str, message: str) -> ApiError:
    # The mock speaks here, not the vendor: the message must be heard whole.
    return ApiError("invalid_request", f"{header}: {message}")


async def roll_fault_rules(
    request: ChatRequest, rules: Iterable[FaultRule], store: SessionStore, seed: int
) -> Injection:
    """What the first rule that strikes demands; those before it have been rolled, those after it have not.

    A roll depends on the seed, the session, the rule, and how often it has been rolled there: not on time, and
    not on what other sessions do.
    """
    for laid in rules:
        if not laid.applies_to(
            request, laid.active_since + store.clock.elapsed(laid.active_since, request.session)
        ) or not is_session_name(request.session):
            continue
        times = laid.rule.times
        if times is not None and (await store.counters(request.session, APPLIED)).get(laid.name, 0) >= times:
            continue
        rolled = await store.increment(request.session, EVALUATED, laid.name)
        chance = random.Random(f"{seed}/{request.session}/{laid.name}/{rolled}")
        if chance.random() < laid.rule.probability:
            await store.increment(request.session, APPLIED, laid.name)
            return _injection_from_rule(laid, chance)
    return NO_INJECTION


def _injection_from_rule(fault_rule: FaultRule, rng: random.Random) -> Injection:
    rule = fault_rule.rule
    error = None
    if rule.error is not None:
        error = ApiError(rule.error, rule.message, code=rule.code, retry_after=rule.retry_after)
    delay = rule.delay.draw(lambda: rng) if rule.delay else 0.0
    return Injection(error, delay, rule.fault, rule=fault_rule.name)
