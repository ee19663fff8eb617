"""What an endpoint besides the chat answers: its form, filled with what is known of the models and the account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.errors import ApiError
from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import PlaceholderValues, fill_headers, format_timestamp
from mockserver.wire.answer import Answer, Frame


def render_aux_reply(
    request: ChatRequest, endpoint: AuxEndpoint, account_values: PlaceholderValues
) -> Answer:
    """The answer of an endpoint.

    `told` is what its caller's account has to say: it fills the form's blanks by name, and a list of mappings
    under the name of the endpoint's `list` makes its items. `models` needs no telling, it is the profile's.
    Raises ApiError when one item is asked for, and there is none of that name.
    """
    vendor = request.vendor
    values: dict[str, Any] = {name: vendor.new_id(name) for name in vendor.profile.ids}
    values |= {"now": format_timestamp(datetime.now(UTC)), **vendor.models.lists, **account_values}
    try:
        body = orjson.dumps(endpoint.fill(values, request.route.item))
    except LookupError:
        raise ApiError("not_found") from None
    own = (*vendor.headers(values, body), *fill_headers(endpoint.spec.headers, values))
    tag = next((value for name, value in own if name == "etag"), None)
    # RFC 9110, 13.1.2: whoever has this very body already is told so, and no more.
    if tag is not None and tag in request.headers.get("if-none-match", ""):
        return Answer(304, own)
    return Answer(200, (("content-type", vendor.profile.body.content_type), *own), (Frame(body),))
