"""What is asked of the mock for one request: by its `X-Mock-*` headers, or by a key that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mockserver import duration
from mockserver.call import Call
from mockserver.errors import KINDS, ApiError
from mockserver.notes import noted
from mockserver.origin import SESSION, Origin
from mockserver.shape import choice, meant
from mockserver.wire import faults
from mockserver.wire.faults import Fault

T = TypeVar("T")

ERROR = "x-mock-error"
RETRY_AFTER = "x-mock-retry-after"
DELAY = "x-mock-delay"
FAULT = "x-mock-fault"
FIXTURE = "x-mock-fixture"
HEADERS = (ERROR, RETRY_AFTER, DELAY, FAULT, FIXTURE, SESSION)

_STATUS = "[45][0-9][0-9]"
# sk-mock-402, omx_live_mock-429, SG_mock-timeout
_IN_KEY = re.compile(rf"mock-({'|'.join(KINDS)}|{_STATUS})(?![0-9a-z_])")


@dataclass(frozen=True, slots=True)
class Demand:
    """An error to be refused with, a delay in seconds, a fault, the name of a fixture; each may be missing.

    `rule` is the fault rule that demands it, where it is not the request itself.
    """

    error: ApiError | None = None
    delay: float = 0.0
    fault: Fault | None = None
    fixture: str | None = None
    rule: str = ""

    def strike(self) -> None:
        """Raises the error that is demanded, if one is."""
        if self.error is not None:
            raise self.error


NOTHING = Demand()


def read(call: Call) -> Demand:
    """The demands of a call. Raises ApiError when a header cannot be understood."""
    if not _asks(call.origin):
        return NOTHING
    what = _in_key(call.key)
    stated = _stated(call.origin)
    for name in stated:
        if name not in HEADERS:
            raise _unclear(name, f"found a header that is not known, expected {choice(HEADERS)}")
    error = _read(_what, stated, ERROR)
    after = _read(duration.seconds, stated, RETRY_AFTER)
    what = what if error is None else error
    if after is not None and what is None:
        raise _unclear(RETRY_AFTER, f"found it without an error to go with; send {ERROR} as well")
    return Demand(
        None if what is None else ApiError(what, retry_after=after),
        _read(duration.seconds, stated, DELAY) or 0.0,
        _read(faults.parse, stated, FAULT),
        stated.get(FIXTURE),
    )


@noted
def _asks(origin: Origin) -> bool:
    """Whether there is any demand in a head; there mostly is none."""
    return bool(_stated(origin)) or _in_key(origin.key) is not None


def _stated(origin: Origin) -> dict[str, str]:
    return {name: value for name, value in origin.headers.items() if name[:7] == "x-mock-"}


def _in_key(key: str | None) -> str | int | None:
    found = _IN_KEY.search(key or "")
    return None if found is None else _number_or_kind(found[1])


def _what(word: str) -> str | int:
    if word not in KINDS and not re.fullmatch(_STATUS, word):
        expected = f"a number 400 to 599 or a kind{meant(word, KINDS) or f': {choice(KINDS)}'}"
        raise ValueError(f"found {word[:80]!r}, expected {expected}")
    return _number_or_kind(word)


def _number_or_kind(word: str) -> str | int:
    return int(word) if word.isdecimal() else word


def _read(parse: Callable[[str], T], stated: dict[str, str], name: str) -> T | None:
    if name not in stated:
        return None
    try:
        return parse(stated[name])
    except ValueError as error:
        raise _unclear(name, str(error)) from error


def _unclear(header: str, message: str) -> ApiError:
    # The mock speaks here, not the vendor: the message must be heard whole.
    return ApiError("invalid_request", f"{header}: {message}")
