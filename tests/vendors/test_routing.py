"""A request goes to the vendor whose prefix, Host or native path it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mockserver.errors import InputError
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor

if TYPE_CHECKING:
    from tests.vendors.conftest import Load

Where = tuple[str, str, bool, str | None] | None


@pytest.fixture(scope="module")
def directory(vendors: dict[str, Vendor]) -> VendorRouter:
    return VendorRouter(vendors.values())


def located(directory: VendorRouter, request: str) -> Where:
    host, method, path = request.split(" ")
    place = directory.locate(host, method, path)
    return None if place is None else (place.vendor.name, place.path, place.is_completion, place.model)


@pytest.mark.parametrize(
    ("request_line", "where"),
    [
        # the prefix
        ("- POST /aimlapi/v1/chat/completions", ("aimlapi", "/v1/chat/completions", True, None)),
        ("- POST /aimlapi/chat/completions", ("aimlapi", "/chat/completions", True, None)),
        ("- POST /aimlapi/v2/chat/completions", ("aimlapi", "/v2/chat/completions", True, None)),
        ("- GET /aimlapi/v1/chat/completions", ("aimlapi", "/v1/chat/completions", True, None)),
        ("- POST /aimlapi/v1/chat/completions/", ("aimlapi", "/v1/chat/completions/", True, None)),
        ("- POST /v1/chat/completions/", ("aimlapi", "/v1/chat/completions/", True, None)),
        ("- POST /aimlapi/v1/chat/completions//", ("aimlapi", "/v1/chat/completions//", False, None)),
        ("- POST /segmind/v1/o1-preview/", ("segmind", "/v1/o1-preview/", False, None)),
        ("- POST /omixa/api/v1/chat/completions/", ("omixa", "/api/v1/chat/completions/", False, None)),
        ("- POST /aimlapi/api/v1/chat/completions", ("aimlapi", "/api/v1/chat/completions", False, None)),
        ("- POST /aimlapi", ("aimlapi", "/", False, None)),
        ("- POST /aimlapi/", ("aimlapi", "/", False, None)),
        ("- POST /segmind/v1/o1-preview", ("segmind", "/v1/o1-preview", True, "o1-preview")),
        ("- GET /segmind/v1/o1-preview", ("segmind", "/v1/o1-preview", True, "o1-preview")),
        ("- POST /segmind/v1/embeddings", ("segmind", "/v1/embeddings", False, None)),
        ("- POST /segmind/v1/get-user-credits", ("segmind", "/v1/get-user-credits", False, None)),
        ("- POST /segmind/v1/a/b", ("segmind", "/v1/a/b", False, None)),
        ("- POST /segmind/v1/", ("segmind", "/v1/", False, None)),
        ("- POST /omixa/api/v1/chat/completions", ("omixa", "/api/v1/chat/completions", True, None)),
        # the Host
        ("api.aimlapi.com POST /v1/chat/completions", ("aimlapi", "/v1/chat/completions", True, None)),
        ("api.aimlapi.com POST /v1/o1-preview", ("aimlapi", "/v1/o1-preview", False, None)),
        ("api.segmind.com POST /v1/o1-preview", ("segmind", "/v1/o1-preview", True, "o1-preview")),
        ("api.segmind.com GET /nowhere", ("segmind", "/nowhere", False, None)),
        ("omixa.cloud POST /api/v1/chat/completions", ("omixa", "/api/v1/chat/completions", True, None)),
        ("www.omixa.cloud GET /", ("omixa", "/", False, None)),
        ("api.aimlapi.com POST /segmind/v1/x", ("segmind", "/v1/x", True, "x")),
        # the native path
        ("- POST /v1/chat/completions", ("aimlapi", "/v1/chat/completions", True, None)),
        ("- GET /v1/chat/completions", ("aimlapi", "/v1/chat/completions", True, None)),
        ("- POST /chat/completions", ("aimlapi", "/chat/completions", True, None)),
        ("- POST /v1/o1-preview", ("segmind", "/v1/o1-preview", True, "o1-preview")),
        ("- GET /v1/o1-preview", ("aimlapi", "/v1/o1-preview", False, None)),
        ("- POST /v1/o1-preview/", ("aimlapi", "/v1/o1-preview/", False, None)),
        *((f"- POST /v1/{name}", ("aimlapi", f"/v1/{name}", False, None)) for name in (
            "models", "chat", "messages", "completions", "images", "audio", "billing",
            "key", "keys", "get-user-credits",
        )),
        ("- POST /v1/responses", ("aimlapi", "/v1/responses", True, None)),
        ("- GET /v2/billing", ("aimlapi", "/v2/billing", False, None)),
        ("- GET /v1", ("aimlapi", "/v1", False, None)),
        ("- POST /api/v1/chat/completions", ("omixa", "/api/v1/chat/completions", True, None)),
        ("- GET /api/v1/models", ("omixa", "/api/v1/models", False, None)),
        ("- GET /v1/get-user-credits", ("segmind", "/v1/get-user-credits", False, None)),
        ("- HEAD /v1/get-user-credits", ("segmind", "/v1/get-user-credits", False, None)),
        ("- POST /models", ("aimlapi", "/models", False, None)),
        ("- GET /v1x", None),
        ("- GET /api", None),
        ("- GET /", None),
        ("- OPTIONS *", None),
    ],
)  # fmt: skip
def test_a_request_is_located(directory: VendorRouter, request_line: str, where: Where) -> None:
    assert located(directory, request_line) == where


def test_of_two_vendors_with_one_host_or_path_the_earlier_wins(
    vendors: dict[str, Vendor], load: Load
) -> None:
    twin = Vendor(load("{extends: aimlapi, name: twin}"))
    directory = VendorRouter([*vendors.values(), twin])
    assert located(directory, "api.aimlapi.com POST /v1/chat/completions") == located(
        directory, "- POST /aimlapi/v1/chat/completions"
    )
    assert located(directory, "- POST /chat/completions") == ("aimlapi", "/chat/completions", True, None)
    assert located(directory, "- POST /twin/chat/completions") == ("twin", "/chat/completions", True, None)


def test_the_longest_owned_path_decides_and_a_slash_owns_everything(
    vendors: dict[str, Vendor], load: Load
) -> None:
    all_else = Vendor(load("{extends: aimlapi, name: rest, paths: {chat: [/x], owns: [/, /v1/deep]}}"))
    directory = VendorRouter([*vendors.values(), all_else])
    assert located(directory, "- GET /v1/deep/down") == ("rest", "/v1/deep/down", False, None)
    assert located(directory, "- GET /v1/up") == ("aimlapi", "/v1/up", False, None)
    assert located(directory, "- GET /anything") == ("rest", "/anything", False, None)


def test_a_name_with_which_a_native_path_begins_is_refused(vendors: dict[str, Vendor], load: Load) -> None:
    twin = Vendor(load("{extends: aimlapi, name: v1}"))
    with pytest.raises(InputError, match="name: found 'v1', the first segment of /v1/chat/completions"):
        VendorRouter([*vendors.values(), twin])
