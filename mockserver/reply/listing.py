"""What an endpoint besides the chat answers: its form, filled with what is known of the models and the account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from mockserver.call import Call
from mockserver.errors import ApiError
from mockserver.vendors.form import Values
from mockserver.vendors.header import filled, stamp
from mockserver.vendors.lookup import Lookup
from mockserver.wire.answer import Answer, Frame


def render(call: Call, lookup: Lookup, told: Values) -> Answer:
    """The answer of an endpoint.

    `told` is what its caller's account has to say: it fills the form's blanks by name, and a list of mappings
    under the name of the endpoint's `list` makes its items. `models` needs no telling, it is the profile's.
    Raises ApiError when one item is asked for, and there is none of that name.
    """
    vendor = call.vendor
    values: dict[str, Any] = {name: vendor.new_id(name) for name in vendor.profile.ids}
    values |= {"now": stamp(datetime.now(UTC)), **vendor.models.lists, **told}
    try:
        body = orjson.dumps(lookup.fill(values, call.place.item))
    except LookupError:
        raise ApiError("not_found") from None
    own = (*vendor.headers(values, body), *filled(lookup.profile.headers, values))
    tag = next((value for name, value in own if name == "etag"), None)
    # RFC 9110, 13.1.2: whoever has this very body already is told so, and no more.
    if tag is not None and tag in call.headers.get("if-none-match", ""):
        return Answer(304, own)
    return Answer(200, (("content-type", vendor.profile.body.content_type), *own), (Frame(body),))
