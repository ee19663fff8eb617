"""A request to an endpoint that the vendor has and this server does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from mockserver.vendors.unserved_endpoints import UnservedEndpoints, format_hint_header
from tests.conftest import wait_for_entries

if TYPE_CHECKING:
    from mockserver.testing import MockServer
    from tests.vendors.conftest import Load

CHAT = "this server does not serve it. Chat completions are at"
IMAGES = f"AI/ML API has POST /v1/images/generations; {CHAT} /v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("POST", "/aimlapi/v1/images/generations", IMAGES),
        ("POST", "/v1/images/generations", IMAGES),
        (
            "DELETE",
            "/aimlapi/v1/keys/k1",
            f"AI/ML API has DELETE /v1/keys/{{id}}; {CHAT} /v1/chat/completions",
        ),
        ("HEAD", "/aimlapi/v1/keys", f"AI/ML API has GET /v1/keys; {CHAT} /v1/chat/completions"),
        ("POST", "/segmind/v2/flux/more", None),
        ("GET", "/aimlapi/v1/images/generations", None),
        ("DELETE", "/aimlapi/v1/keys/k1/more", None),
        ("POST", "/omixa/api/v1/images/generations", None),
    ],
)
def test_the_404_has_a_hint_where_the_vendor_has_the_endpoint(
    server: MockServer, method: str, path: str, hint: str | None
) -> None:
    response = requests.request(method, server.url + path, json={}, timeout=20)
    assert (response.status_code, response.headers.get("x-mock-hint")) == (404, hint)
    assert "x-mock-hint" in response.headers["access-control-expose-headers"]


def test_the_body_is_the_vendors_and_the_journal_has_the_hint(server: MockServer) -> None:
    path = "/s/unserved/aimlapi/v1/images/generations"
    body = requests.post(server.url + path, json={}, timeout=20).json()
    assert body["error"] == {"name": "NotFoundException", "message": "Cannot POST /v1/images/generations"}
    [entry] = wait_for_entries(server, "unserved", 1)
    assert entry.reason == IMAGES


def test_a_hint_is_bounded_and_in_ascii(load: Load) -> None:
    profile = load(f"{{extends: omixa, title: Ω{'x' * 300}, unserved: ['POST /a/{{b}}']}}")
    hint = UnservedEndpoints(profile).explain("POST", "/a/c")
    assert hint is not None
    assert format_hint_header(hint) == ("x-mock-hint", "?" + "x" * 199)
