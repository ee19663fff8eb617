"""How a vendor says no: which wording a kind or a number has, and what stands in its blanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.errors import KINDS, ApiError
from mockserver.vendors.form import ABSENT, Form, Values, text
from mockserver.vendors.header import Headers, filled, in_utc, retry, stamp
from mockserver.vendors.profile import OTHER, Profile, Wording
from mockserver.wire.answer import Answer, Frame, phrase


class Refusals:
    """The refusals of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._errors = profile.errors
        self._content_type = profile.refusal.content_type
        self._body = Form(profile.refusal.body)
        self._data = {kind: Form(wording.data) for kind, wording in profile.errors.items()}
        self._statuses = _first_of_each_status(profile.errors)

    def answer(
        self, error: ApiError, about: Values, headers: Callable[[Values, bytes | None], Headers]
    ) -> Answer:
        """The refusal. `about` fills the blanks that it has not of its own; `headers` gives those of every answer."""
        kind, status = self._worded(error.what)
        wording = self._errors.get(kind, _WORDLESS)
        values = self._blanks(error, kind, status, about)
        if wording.body is None:
            body = orjson.dumps(self._body.fill(values))
            own = headers(values, body)
        else:
            body = text(wording.body, values).encode()
            own = headers(values, None)
        sent = (
            ("content-type", wording.content_type or self._content_type),
            *own,
            *filled(wording.headers, values),
            *retry(error.retry_after),
            *error.headers,
        )
        return Answer(status, sent, (Frame(body),))

    def _worded(self, what: str | int) -> tuple[str, int]:
        """The key of the wording for a kind or a number, and the status it is sent with."""
        errors = self._errors
        if isinstance(what, int):
            kinds = (str(what), self._statuses.get(what), _GENERAL.get(what))
            return next((kind for kind in kinds if kind in errors), OTHER), what
        kind = what if what in errors else OTHER
        return kind, errors.get(kind, _WORDLESS).status or KINDS[what]

    def _blanks(self, error: ApiError, kind: str, status: int, about: Values) -> dict[str, Any]:
        wording = self._errors.get(kind, _WORDLESS)
        now = datetime.now(UTC)
        wait = next((one for one in (error.reset, error.retry_after) if one is not None), _WINDOW)
        title = phrase(status, _PHRASES) or "Unknown Error"
        values: dict[str, Any] = {
            **about,
            "status": status,
            "title": title,
            "reason": re.sub(r"\W", "", title),
            "now": stamp(now),
            "reset_at": in_utc(now, wait),
            "detail": error.detail or ABSENT,
            "shortage": error.shortage or ABSENT,
            "issues": list(error.issues) or ABSENT,
            "type": wording.type,
            "code": error.code or wording.code,
        }
        values["message"] = error.message or text(wording.message, values) or title
        values["name"] = text(wording.name, values) or "Error"
        values["data"] = ABSENT if wording.data is None else self._data[kind].fill(values)
        return values


def _first_of_each_status(errors: Mapping[str, Wording]) -> dict[int, str]:
    """Which kind speaks for a number: the first in the profile that is sent with it."""
    first: dict[int, str] = {}
    for kind, wording in errors.items():
        if kind in KINDS:
            first.setdefault(wording.status or KINDS[kind], kind)
    return first


_WORDLESS = Wording(message="$title")
_WINDOW = 60.0  # seconds until a limit is over, where nobody says
_GENERAL = {status: kind for kind, status in reversed(KINDS.items())}
# As Node words them, whatever the version of Python; the last two are Cloudflare's.
_PHRASES = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    522: "Connection Timed Out",
    524: "A Timeout Occurred",
}
