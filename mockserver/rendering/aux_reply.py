"""Responses of auxiliary endpoints, such as lists of models and balances."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.errors import ApiError
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.messages import truncate_text
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import (
    PlaceholderValues,
    fill_headers,
    fill_optional_text,
    format_timestamp,
)
from mockserver.wire.answer import Answer, Frame


def render_aux_reply(
    request: ChatRequest, endpoint: AuxEndpoint, state_values: PlaceholderValues, status: int = 200
) -> Answer:
    """Return the answer of an auxiliary endpoint.

    `state_values` are the placeholder values of the request's account or job; the lists in them, such as
    `charges`, are the items of endpoints with such a `list`. The lists of models come from the profile.
    Raises ApiError if the path names an item that does not exist, or if a query parameter is invalid.
    """
    vendor = request.vendor
    values: dict[str, Any] = {name: vendor.new_id(name) for name in vendor.profile.ids}
    values |= {"now": format_timestamp(datetime.now(UTC)), **vendor.models.lists, **state_values}
    try:
        body = orjson.dumps(endpoint.fill(values, request.route.item, request.routed_head.head.query))
    except LookupError:
        message = fill_optional_text(endpoint.spec.missing, {"id": truncate_text(request.route.item)})
        code = endpoint.spec.missing_code
        raise ApiError("not_found", message, code=code).with_cause("response") from None
    except ValueError as error:
        issue: dict[str, object] = {"code": "custom", "path": [], "message": str(error)}
        raise ApiError("invalid_request", detail=str(error), issues=(issue,)) from None
    headers = (*vendor.headers(values, body), *fill_headers(endpoint.spec.headers, values))
    tag = next((value for name, value in headers if name == "etag"), None)
    # RFC 9110, 13.1.2: the client has the current body already.
    if tag is not None and tag in request.headers.get("if-none-match", ""):
        return Answer(304, headers)
    return Answer(status, (("content-type", vendor.profile.body.content_type), *headers), (Frame(body),))
