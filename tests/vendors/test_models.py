"""A model that is not to be had is refused as its vendor does it; any other is welcome unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
import requests
from openai import OpenAI

from mockserver.testing import MockServer
from mockserver.validation.zod_issues import format_issues

if TYPE_CHECKING:
    from tests.conftest import StartServer

NAMES = [
    "o1-preview",
    "o1-preview-2024-09-12",
    "o1-mini",
    "o1-mini-2024-09-12",
    "o3-mini",
    "o1",
    "o1-2024-12-17",
]
CHOICE = " | ".join(f"'{name}'" for name in NAMES)
PATHS = {
    "aimlapi": "/aimlapi/v1/chat/completions",
    "omixa": "/omixa/api/v1/chat/completions",
    "segmind": "/segmind/v1/{model}",
}
every_vendor = pytest.mark.parametrize("vendor", PATHS)


def asked(server: MockServer, vendor: str, model: str, key: str = "k") -> requests.Response:
    """A good request for a model."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = server.url + PATHS[vendor].replace("{model}", model)
    return requests.post(url, json=body, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def strict(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []", strict_models=True)


@pytest.fixture(scope="module")
def later(start_server: StartServer) -> MockServer:
    """The second generation of a vendor, where another has retired its model."""
    second = "extends: aimlapi\nenvelope: '2026-01'\nmodels: {o1-preview: {retired: true}}\n"
    return start_server(
        "fixtures: []",
        second,
        "{extends: segmind, models: {o1-preview: {retired: true}}}",
        strict_models=True,
    )


@every_vendor
def test_any_model_is_welcome(server: MockServer, vendor: str) -> None:
    assert asked(server, vendor, "gpt-4o").status_code in (200, 201)


@every_vendor
def test_a_strict_server_takes_what_is_documented(strict: MockServer, vendor: str) -> None:
    for model in strict._pipeline.router.vendors[vendor].models.names:
        assert asked(strict, vendor, model).status_code in (200, 201)


def test_a_snapshot_that_the_vendor_does_not_take_is_refused_by_a_strict_server_alone(
    strict: MockServer, server: MockServer
) -> None:
    snapshot = "o3-mini-2025-01-31"
    assert asked(strict, "aimlapi", snapshot).status_code == 400
    assert asked(server, "aimlapi", snapshot).json()["model"] == snapshot


@pytest.mark.parametrize("model", NAMES)
def test_a_snapshot_is_as_good_as_its_model(strict: MockServer, model: str) -> None:
    assert asked(strict, "aimlapi", model).status_code in (200, 201)


def test_a_strict_server_names_the_models_that_there_are(strict: MockServer) -> None:
    heard = asked(strict, "aimlapi", "gpt-4o")
    words = f"model: Invalid enum value. Expected {CHOICE}, received 'gpt-4o'"
    assert (heard.status_code, format_issues(heard.json()["error"]["data"])) == (400, words)


def test_a_vendor_with_models_in_its_paths_knows_no_such_path(strict: MockServer) -> None:
    heard = asked(strict, "segmind", "gpt-4o")
    assert (heard.status_code, heard.json()) == (404, {"error": "Not Found: Model or endpoint not found"})


def test_a_vendor_that_nobody_saw_do_it_refuses_the_field(strict: MockServer) -> None:
    heard = asked(strict, "omixa", "gpt-4o")
    assert (heard.status_code, heard.json()["error"]["code"]) == (422, "validation_failed")
    assert (
        "Expected 'o1-preview' | 'o1-preview-2024-09-12' | 'codex-mini', received 'gpt-4o'"
        in heard.json()["error"]["message"]
    )


@every_vendor
def test_the_key_is_asked_for_before_the_model(strict: MockServer, vendor: str) -> None:
    assert asked(strict, vendor, "gpt-4o", key="").status_code == 401


def test_an_issue_of_a_later_generation_lists_the_models(later: MockServer) -> None:
    [issue] = asked(later, "aimlapi", "gpt-4o").json()["error"]["data"]
    assert list(issue) == ["received", "code", "options", "path", "message"]
    assert (issue["received"], issue["options"], issue["path"]) == ("gpt-4o", NAMES[2:], ["model"])


def test_an_openai_client_raises_what_belongs_to_the_status(strict: MockServer) -> None:
    for path, error in (
        ("aimlapi/v1", openai.BadRequestError),
        ("omixa/api/v1", openai.UnprocessableEntityError),
    ):
        with (
            OpenAI(base_url=f"{strict.url}/{path}", api_key="k") as client,
            pytest.raises(error) as raised,
        ):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
        assert "gpt-4o" in str(raised.value.body)


@pytest.mark.parametrize("model", NAMES[:2])
def test_a_retired_model_is_refused_under_each_of_its_names(later: MockServer, model: str) -> None:
    heard = asked(later, "aimlapi", model)
    assert (heard.status_code, heard.json()["message"]) == (404, f"Model {model} not found")
    assert heard.json()["error"]["name"] == "NotFoundException"


def test_a_retired_model_is_gone_where_the_vendor_says_so(later: MockServer) -> None:
    heard = asked(later, "segmind", "o1-preview")
    assert (heard.status_code, heard.json()) == (410, {"error": "This model has been retired"})


def test_a_retired_model_leaves_the_list_for_the_feed_of_those(later: MockServer) -> None:
    def read(path: str) -> requests.Response:
        return requests.get(f"{later.url}/aimlapi{path}", timeout=20)

    assert [model["id"] for model in read("/v1/models").json()["data"]] == [
        "openai/o1-mini",
        "openai/o3-mini",
        "openai/o1",
    ]
    assert read("/model/o1-preview").status_code == 404
    feed = read("/v1/models/deprecations")
    assert feed.headers["cache-control"] == "public, max-age=300"
    assert feed.json()["data"] == [
        {
            "id": "openai/o1-preview",
            "aliases": ["o1-preview", "o1-preview-2024-09-12"],
            "status": "withdrawn",
            "deprecated_at": "2025-07-31",
            "shutdown_at": "2025-07-31",
            "replaced_by": None,
            "reason": "unknown",
        }
    ]


def test_a_vendor_of_ones_own_says_how_it_refuses_a_model(start_server: StartServer) -> None:
    fourth = """
extends: omixa
name: omixa
strict_models: true
unknown_model: {kind: forbidden, message: "No $model here."}
retired_model: {kind: gone}
models: {old: {retired: true}, plain: {snapshot: "", fingerprint: ""}}
error_texts: {"429": {message: "", type: "", code: ""}}
"""
    server = start_server("fixtures: []", fourth)
    unknown, old = asked(server, "omixa", "gpt-4o"), asked(server, "omixa", "old")
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (403, "No gpt-4o here.")
    assert (old.status_code, old.json()["error"]["message"]) == (410, "This model has been retired.")
    assert asked(server, "aimlapi", "gpt-4o").status_code == 201
    assert asked(server, "omixa", "plain").json()["model"] == ""
    limited = asked(server, "omixa", "plain", "sk-mock-429")
    assert limited.json()["error"] == {"message": "", "type": "", "code": ""}
