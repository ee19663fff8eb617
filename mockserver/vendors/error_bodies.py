"""Error responses of a vendor: the text of each error kind or status, and the values of its placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.errors import STATUS_BY_KIND, ApiError
from mockserver.schema.yaml_document import format_path
from mockserver.vendors.placeholders import (
    ABSENT,
    HeaderPairs,
    JsonTemplate,
    PlaceholderValues,
    fill_headers,
    fill_optional_text,
    fill_text,
    format_retry_after,
    format_time_after,
    format_timestamp,
    format_wait,
    pick_stated_value,
)
from mockserver.vendors.profile import OTHER_KIND, ErrorText, IssueText, VendorProfile
from mockserver.wire.answer import Answer, Frame, get_reason_phrase


class ErrorBodies:
    """The error responses of one profile."""

    def __init__(self, profile: VendorProfile) -> None:
        self._error_texts = profile.error_texts
        self._issue_texts = profile.issue_texts or {}
        self._content_type = profile.refusal.content_type
        self._envelope = profile.refusal
        self._headers = profile.refusal.headers or {}
        self._body_template = JsonTemplate(profile.refusal.body)
        self._upstream_template = JsonTemplate(profile.refusal.upstream)
        self._data_templates = {
            kind: JsonTemplate(error_text.data) for kind, error_text in profile.error_texts.items()
        }
        self._kind_by_status = _first_kind_by_status(profile.error_texts)

    def error_answer(
        self,
        error: ApiError,
        context: PlaceholderValues,
        common_headers: Callable[[PlaceholderValues, bytes | None], HeaderPairs],
    ) -> Answer:
        """Return the answer to an error.

        `context` has the placeholder values that the error itself does not supply; `common_headers` returns the
        headers of every answer for these values and the JSON body (None for a body that is not JSON).
        """
        kind, status = self._kind_and_status(error)
        error_text = self._error_texts.get(kind, _DEFAULT_TEXT)
        values = self._placeholder_values(error, kind, status, context)
        if error_text.body is None:
            body = orjson.dumps(self._body_template.fill(values))
            headers = common_headers(values, body)
        else:
            body = fill_text(error_text.body, values).encode()
            headers = common_headers(values, None)
        all_headers = (
            ("content-type", pick_stated_value(error_text.content_type, default=self._content_type)),
            *(header for header in headers if header[0] not in self._headers),
            *fill_headers(self._headers, values),
            *fill_headers(error_text.headers, values),
            *format_retry_after(error.retry_after),
            *error.headers,
        )
        return Answer(status, all_headers, (Frame(body),))

    def error_message(self, error: ApiError, context: PlaceholderValues) -> str:
        """Return the message of an error; `context` as for `error_answer`."""
        kind, status = self._kind_and_status(error)
        return str(self._placeholder_values(error, kind, status, context)["message"])

    def _kind_and_status(self, error: ApiError) -> tuple[str, int]:
        """Return the key in `error_texts` and the status for the kind or status of an error."""
        errors, requested = self._error_texts, error.kind
        if isinstance(requested, int):
            kinds = (str(requested), self._kind_by_status.get(requested), _KIND_BY_STATUS.get(requested))
            return next((kind for kind in kinds if kind in errors), OTHER_KIND), requested
        kind = requested if requested in errors else OTHER_KIND
        return kind, error.status or errors.get(kind, _DEFAULT_TEXT).status or STATUS_BY_KIND[requested]

    def _placeholder_values(
        self, error: ApiError, kind: str, status: int, context: PlaceholderValues
    ) -> dict[str, Any]:
        error_text = self._error_texts.get(kind, _DEFAULT_TEXT)
        now = datetime.now(UTC)
        retry_after = None if error.retry_after is None else error.retry_after.seconds
        wait = pick_stated_value(error.reset_after, retry_after, default=_DEFAULT_WAIT)
        title = get_reason_phrase(status, _NODE_PHRASES) or "Unknown Error"
        values: dict[str, Any] = {
            **context,
            "status": status,
            "title": title,
            "reason": re.sub(r"\W", "", title),
            "now": format_timestamp(now),
            "reset_at": format_time_after(now, wait),
            "reset_after": format_wait(wait),
            "detail": error.detail or ABSENT,
            "shortage": error.shortage or ABSENT,
            "issues": list(error.issues) or ABSENT,
            "type": error_text.type,
            "param": None,
            "code": pick_stated_value(error.code, error_text.code, default=None),
        }
        values["message"] = pick_stated_value(
            error.message, fill_optional_text(error_text.message, values), default=title
        )
        if self._issue_texts and error.issues and error.message is None and kind == "invalid_request":
            values |= _describe_issue(self._issue_texts, error.issues[0])
        if error.upstream_status is not None:
            upstream = self._format_upstream_error(error.upstream_status, status, values)
            values["message"] = f"{error.upstream_status} {upstream}"
        values["name"] = pick_stated_value(fill_optional_text(error_text.name, values), default="Error")
        values["data"] = ABSENT if error_text.data is None else self._data_templates[kind].fill(values)
        return values

    def _format_upstream_error(self, upstream_status: int, status: int, values: PlaceholderValues) -> str:
        """Return an upstream error as the message of an error with this status carries it: as JSON or as text."""
        if self._envelope.upstream is None or status in self._envelope.upstream_text:
            return str(values["message"])
        error_type = _UPSTREAM_TYPES.get(upstream_status, "api_error")
        return orjson.dumps(self._upstream_template.fill({**values, "upstream_type": error_type})).decode()


def _first_kind_by_status(errors: Mapping[str, ErrorText]) -> dict[int, str]:
    """Return the kind that represents each status: the first in the profile that has it."""
    first: dict[int, str] = {}
    for kind, error_text in errors.items():
        if kind in STATUS_BY_KIND:
            first.setdefault(error_text.status or STATUS_BY_KIND[kind], kind)
    return first


def _describe_issue(texts: Mapping[str, IssueText], issue: Mapping[str, Any]) -> dict[str, Any]:
    """Return the placeholder values of an invalid body: those of its first issue."""
    issue = _simplify_issue(issue)
    code, param = issue["code"], format_path(issue["path"])
    # Zod has one code for a missing value and one of the wrong type.
    key = "required" if issue.get("received") == "undefined" else code
    text = texts.get(param.partition("[")[0]) or texts.get(key) or texts.get(OTHER_KIND)
    if text is None:
        return {"param": param or None}
    options = ", ".join(f"'{option}'" for option in issue.get("options", ()))
    values = {**issue, "param": param, "issue": issue["message"], "options": options}
    return {"param": param or None, "message": fill_text(text.message, values), "code": text.code}


def _simplify_issue(issue: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the issue of a value that may have several types as one issue: what is wrong inside it, or its type."""
    if "unionErrors" not in issue:
        return issue
    alternatives = [error["issues"][0] for error in issue["unionErrors"]]
    inner = next((one for one in alternatives if one["path"] != issue["path"] or "expected" not in one), None)
    if inner is not None:
        return _simplify_issue(inner)
    return {**alternatives[0], "expected": " or ".join(one["expected"] for one in alternatives)}


_DEFAULT_TEXT = ErrorText(message="$title")
_UPSTREAM_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_DEFAULT_WAIT = 60.0  # seconds until a limit resets, if the error states none
_KIND_BY_STATUS = {status: kind for kind, status in reversed(STATUS_BY_KIND.items())}
# Node's reason phrases, independent of the Python version.
_NODE_PHRASES = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}
