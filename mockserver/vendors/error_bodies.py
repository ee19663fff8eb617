"""How a vendor says no: which wording a kind or a number has, and what stands in its blanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.errors import STATUS_BY_KIND, ApiError
from mockserver.vendors.placeholders import (
    ABSENT,
    HeaderPairs,
    JsonTemplate,
    PlaceholderValues,
    fill_headers,
    fill_text,
    format_retry_after,
    format_time_after,
    format_timestamp,
)
from mockserver.vendors.profile import OTHER_KIND, ErrorText, VendorProfile
from mockserver.wire.answer import Answer, Frame, get_reason_phrase


class ErrorBodies:
    """The refusals of one profile."""

    def __init__(self, profile: VendorProfile) -> None:
        self._error_texts = profile.errors
        self._content_type = profile.refusal.content_type
        self._body_template = JsonTemplate(profile.refusal.body)
        self._data_templates = {kind: JsonTemplate(wording.data) for kind, wording in profile.errors.items()}
        self._kind_by_status = _first_kind_by_status(profile.errors)

    def error_answer(
        self,
        error: ApiError,
        context: PlaceholderValues,
        common_headers: Callable[[PlaceholderValues, bytes | None], HeaderPairs],
    ) -> Answer:
        """The refusal. `about` fills the blanks that it has not of its own; `headers` gives those of every answer."""
        kind, status = self._kind_and_status(error.kind)
        wording = self._error_texts.get(kind, _DEFAULT_TEXT)
        values = self._placeholder_values(error, kind, status, context)
        if wording.body is None:
            body = orjson.dumps(self._body_template.fill(values))
            own = common_headers(values, body)
        else:
            body = fill_text(wording.body, values).encode()
            own = common_headers(values, None)
        sent = (
            ("content-type", wording.content_type or self._content_type),
            *own,
            *fill_headers(wording.headers, values),
            *format_retry_after(error.retry_after),
            *error.headers,
        )
        return Answer(status, sent, (Frame(body),))

    def _kind_and_status(self, what: str | int) -> tuple[str, int]:
        """The key of the wording for a kind or a number, and the status it is sent with."""
        errors = self._error_texts
        if isinstance(what, int):
            kinds = (str(what), self._kind_by_status.get(what), _KIND_BY_STATUS.get(what))
            return next((kind for kind in kinds if kind in errors), OTHER_KIND), what
        kind = what if what in errors else OTHER_KIND
        return kind, errors.get(kind, _DEFAULT_TEXT).status or STATUS_BY_KIND[what]

    def _placeholder_values(
        self, error: ApiError, kind: str, status: int, context: PlaceholderValues
    ) -> dict[str, Any]:
        wording = self._error_texts.get(kind, _DEFAULT_TEXT)
        now = datetime.now(UTC)
        wait = next((one for one in (error.reset_after, error.retry_after) if one is not None), _DEFAULT_WAIT)
        title = get_reason_phrase(status, _NODE_PHRASES) or "Unknown Error"
        values: dict[str, Any] = {
            **context,
            "status": status,
            "title": title,
            "reason": re.sub(r"\W", "", title),
            "now": format_timestamp(now),
            "reset_at": format_time_after(now, wait),
            "detail": error.detail or ABSENT,
            "shortage": error.shortage or ABSENT,
            "issues": list(error.issues) or ABSENT,
            "type": wording.type,
            "code": error.code or wording.code,
        }
        values["message"] = error.message or fill_text(wording.message, values) or title
        values["name"] = fill_text(wording.name, values) or "Error"
        values["data"] = ABSENT if wording.data is None else self._data_templates[kind].fill(values)
        return values


def _first_kind_by_status(errors: Mapping[str, ErrorText]) -> dict[int, str]:
    """Which kind speaks for a number: the first in the profile that is sent with it."""
    first: dict[int, str] = {}
    for kind, wording in errors.items():
        if kind in STATUS_BY_KIND:
            first.setdefault(wording.status or STATUS_BY_KIND[kind], kind)
    return first


_DEFAULT_TEXT = ErrorText(message="$title")
_DEFAULT_WAIT = 60.0  # seconds until a limit is over, where nobody says
_KIND_BY_STATUS = {status: kind for kind, status in reversed(STATUS_BY_KIND.items())}
# As Node words them, whatever the version of Python; the last two are Cloudflare's.
_NODE_PHRASES = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    522: "Connection Timed Out",
    524: "A Timeout Occurred",
}
