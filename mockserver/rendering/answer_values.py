"""The placeholder values that a body and all chunks have in common."""

from __future__ import annotations

from typing import Any, Final

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.rendering.choices import RenderOptions
from mockserver.vendors.placeholders import pick_stated_value
from mockserver.wire.prerendered import Placeholders

CREATED: Final = "$created"  # the placeholder of the time; cannot be the name of an id


def build_answer_values(
    options: RenderOptions, response: ResponseSpec, placeholders: Placeholders
) -> dict[str, Any]:
    """Return the placeholder values common to the body and all chunks, with placeholders for new ids and the time."""
    vendor = options.vendor
    model = vendor.models[options.model]
    values: dict[str, Any] = {name: placeholders.add_text(name) for name in vendor.profile.ids}
    values["created"] = placeholders.add_number(CREATED) if response.created is None else response.created
    values["model"] = pick_stated_value(response.model, model.snapshot, default=options.model)
    if response.id is not None:
        values["id"] = response.id
    fingerprint = pick_stated_value(response.system_fingerprint, model.fingerprint, default=None)
    if fingerprint is not None:
        values["system_fingerprint"] = fingerprint
    return values
