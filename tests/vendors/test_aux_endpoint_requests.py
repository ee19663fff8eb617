"""What clients read besides the chat goes down the same line as all they ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import openai
import pytest
import requests
from openai import OpenAI

from mockserver.sessions.request_record import create_record
from mockserver.testing import MockServer

if TYPE_CHECKING:
    from tests.conftest import MakeClient, ProfileError, StartServer

KEYS = {
    "aimlapi": {"authorization": "Bearer k"},
    "omixa": {"authorization": "Bearer k"},
    "segmind": {"x-api-key": "k"},
}
# One that asks for a key, of each vendor.
READ = {"aimlapi": "/v2/billing", "omixa": "/api/v1/models", "segmind": "/v1/get-user-credits"}
every_vendor = pytest.mark.parametrize("vendor", READ)


def read(server: MockServer, path: str, method: str = "GET", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, server.url + path, headers=named, timeout=20)


def asked(server: MockServer, vendor: str, method: str = "GET", **headers: str) -> requests.Response:
    """A vendor's endpoint, with a key unless told otherwise."""
    return read(server, f"/{vendor}{READ[vendor]}", method, **{**KEYS[vendor], **headers})


# --- lists of models


@pytest.mark.parametrize(
    ("vendor", "models"),
    [
        ("aimlapi/v1", ["openai/o1-preview", "openai/o1-mini", "openai/o3-mini", "openai/o1"]),
        ("omixa/api/v1", ["o1-preview", "codex-mini"]),
    ],
)
def test_an_openai_client_lists_the_models(server: MockServer, vendor: str, models: list[str]) -> None:
    with OpenAI(base_url=f"{server.url}/{vendor}", api_key="k") as client:
        assert [model.id for model in client.models.list()] == models


@pytest.mark.parametrize("vendor", ["aimlapi/v1", "omixa/api/v1"])
def test_an_openai_client_finds_no_single_model_where_the_vendor_has_none(
    server: MockServer, vendor: str
) -> None:
    with (
        OpenAI(base_url=f"{server.url}/{vendor}", api_key="k") as client,
        pytest.raises(openai.NotFoundError),
    ):
        client.models.retrieve("o3-mini")


@pytest.mark.parametrize(
    "path", ["/aimlapi/v1/models", "/aimlapi/models", "/aimlapi/api/v1/models", "/v1/models"]
)
def test_a_catalogue_needs_no_key_and_may_be_kept_for_a_minute(server: MockServer, path: str) -> None:
    heard = read(server, path)
    assert (heard.status_code, heard.headers["cache-control"]) == (200, "public, max-age=60")
    assert heard.json()["object"] == "list"
    assert heard.headers["etag"].startswith('W/"')


def test_a_model_is_told_with_the_keys_of_the_page_and_what_is_known_of_it(server: MockServer) -> None:
    listed = {one["id"].removeprefix("openai/"): one for one in read(server, "/v1/models").json()["data"]}
    assert list(listed["o3-mini"]) == ["id", "info", "type", "aliases", "tags"]
    assert listed["o3-mini"]["info"]["contextLength"] == 200000
    assert listed["o3-mini"]["info"]["docsJson"].endswith("?model=o3-mini&endpoint=openai%2Fchat-completions")
    assert listed["o1-mini"]["aliases"] == ["o1-mini", "o1-mini-2024-09-12"]
    assert listed["o1"]["tags"] == ["playground:chat"]
    assert "url" not in listed["o1-mini"]["info"]


@pytest.mark.parametrize("name", ["openai/o3-mini", "o3-mini", "O3-mini", "o3-mini-2025-01-31"])
def test_one_model_is_found_by_each_of_its_names(server: MockServer, name: str) -> None:
    found = read(server, f"/aimlapi/model/{name}").json()
    assert (found["object"], found["data"]["id"]) == ("model", "openai/o3-mini")


def test_a_model_that_is_not_there_is_the_vendors_404(server: MockServer) -> None:
    heard = read(server, "/aimlapi/model/openai/gpt-4o")
    assert (heard.status_code, heard.json()["message"]) == (404, "Cannot GET /model/openai/gpt-4o")


def test_whoever_has_the_list_already_is_not_sent_it_again(server: MockServer) -> None:
    tag = read(server, "/v1/models").headers["etag"]
    again = read(server, "/v1/models", if_none_match=f'W/"other", {tag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert read(server, "/v1/models", if_none_match='W/"other"').status_code == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("id=o3-mini", ["o3-mini"]),
        ("id=OPENAI/O1,o3-mini-2025-01-31&id=none", ["o3-mini", "o1"]),
        ("tags=playground:chat&id=o1", ["o1"]),
        ("tags=playground:video", []),
        ("capabilities=image_to_video", []),
        ("unknown=1&id=o1", ["o1"]),
    ],
)
def test_the_list_of_models_has_filters(server: MockServer, query: str, names: list[str]) -> None:
    listed = read(server, f"/v1/models?{query}").json()["data"]
    assert [one["id"].removeprefix("openai/") for one in listed] == names


@pytest.mark.parametrize(
    ("query", "sections"),
    [
        ("", []),
        ("include=pricing,nonsense", ["pricing"]),
        ("include=capabilities&include=modalities", ["modalities", "capabilities"]),
        ("include=all", ["pricing", "modalities", "capabilities"]),
    ],
)
def test_sections_of_a_model_are_added_on_request(
    server: MockServer, query: str, sections: list[str]
) -> None:
    [model] = read(server, f"/v1/models?id=o3-mini&{query}").json()["data"]
    assert list(model)[5:] == sections
    if "pricing" in sections:
        assert [unit["price"] for unit in model["pricing"]["units"]] == [1.155, 4.62]


def test_the_id_of_a_listed_model_is_accepted(make_client: MakeClient) -> None:
    reply = make_client().chat(model="openai/o3-mini")
    assert (reply.status, reply.json["model"]) == (200, "o3-mini-2025-01-31")


# --- the line


@every_vendor
def test_an_endpoint_asks_for_a_key(server: MockServer, vendor: str) -> None:
    assert asked(server, vendor).status_code == 200
    assert read(server, f"/{vendor}{READ[vendor]}").status_code == 401


@every_vendor
def test_an_endpoint_may_be_asked_for_its_headers_alone(server: MockServer, vendor: str) -> None:
    heard = asked(server, vendor, "HEAD")
    assert (heard.status_code, heard.content) == (200, b"")
    assert heard.headers["content-length"] == str(len(asked(server, vendor).content))


@pytest.mark.parametrize(
    ("vendor", "status", "allow"), [("aimlapi", 404, None), ("omixa", 405, "GET"), ("segmind", 405, "GET")]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_wrong_verb_is_refused_as_the_vendor_does(
    server: MockServer, vendor: str, status: int, allow: str | None, method: str
) -> None:
    heard = asked(server, vendor, method)
    assert (heard.status_code, heard.headers.get("allow")) == (status, allow)


@every_vendor
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"x_mock_error": "503"}, 503),
        ({"authorization": "Bearer sk-mock-429", "x_api_key": "sk-mock-429"}, 429),
        ({"x_mock_session": "not a name"}, 0),
        ({"x_mock_fault": "no_body", "x_mock_error": "500"}, 500),
    ],
)
def test_an_endpoint_refuses_on_demand(
    server: MockServer, vendor: str, more: dict[str, str], status: int
) -> None:
    heard = asked(server, vendor, **more)
    assert heard.status_code == (status or {"omixa": 422}.get(vendor, 400))
    assert heard.headers["x-mock-request-id"]


def test_a_demand_is_heard_where_no_key_is_asked_for_too(server: MockServer) -> None:
    assert read(server, "/v1/models", authorization="Bearer sk-mock-402").status_code == 402


def test_no_fixture_answers_an_endpoint_unless_it_is_named(start_server: StartServer) -> None:
    server = start_server(
        "fixtures: [{name: all, match: {}, response: {raw: {status: 299, body: '{}'}}}]", strict=True
    )
    assert asked(server, "omixa").json()["object"] == "list"
    assert asked(server, "omixa", x_mock_fixture="all").status_code == 299


def test_a_fault_rule_strikes_an_endpoint(start_server: StartServer) -> None:
    server = start_server("faults: [{match: {vendor: omixa, api: read}, error: 503, times: 1}]")
    assert [asked(server, "omixa").status_code for _ in range(2)] == [503, 200]


def test_the_journal_knows_what_was_read_and_misses_no_fixture(make_client: MakeClient) -> None:
    client = make_client()
    asked(client.server, "segmind", x_mock_session=client.session)
    [entry] = client.wait_for_entries(1)
    assert (entry.head.method, create_record(entry).path, entry.status) == ("GET", READ["segmind"], 200)
    assert (entry.matched, entry.fixture) == (True, "")


# --- a vendor of one's own

FOURTH = """\
extends: aimlapi
name: fourth
title: Fourth
hosts: []
paths: {chat: [/talk], owns: [/talk]}
models:
  o3-mini: {facts: {colour: red}}
endpoints:
  models:
    path: [/catalogue, "/catalogue/{id}"]
    key: required
    headers: {x-at: "on $now", cache-control: no-store}
    item: {called: $id, colour: $colour, in: $prompt_price, out: $completion_price}
    body: {all: $items, one: $item}
  about: {path: /talk/about, key: none, body: [fourth, {since: 1999}]}
"""


@pytest.fixture(scope="module")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """A server that knows a vendor of which no line of code knows."""
    file = tmp_path_factory.mktemp("fourth") / "fourth.yaml"
    file.write_text(FOURTH)
    with MockServer(vendors=(file,)) as running:
        yield running


def test_a_vendor_of_ones_own_says_what_may_be_read_of_it(fourth: MockServer) -> None:
    heard = read(fourth, "/fourth/catalogue", authorization="Bearer k")
    assert heard.json()["all"][2] == {"called": "openai/o3-mini", "colour": "red", "in": 1.155, "out": 4.62}
    assert heard.headers["cache-control"] == "no-store"
    assert heard.headers["x-at"].startswith("on 20")
    one = read(fourth, "/catalogue/o3-mini", authorization="Bearer k").json()
    assert one == {"one": heard.json()["all"][2]}
    assert read(fourth, "/fourth/catalogue").status_code == 401
    assert read(fourth, "/talk/about").json() == ["fourth", {"since": 1999}]
    assert read(fourth, "/fourth/v2/billing", authorization="Bearer k").status_code == 200


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{path: models, body: {}}", "mine.yaml:3:10: endpoints.mine.path: found 'models', expected a path like"),
        ("{path: '/{name}', body: {}}", "mine.yaml:3:10: endpoints.mine.path: found '/{name}', expected a path"),
        ("{path: '/a/{id}', body: {}}", "mine.yaml:3:10: endpoints.mine.path: found {id}, expected a 'list' that"),
        ("{path: /a, list: models, body: {}}", "mine.yaml:3:3: endpoints.mine: found one of 'list' and 'item'"),
        ("{path: /a, list: model, item: {}, body: {}}", "endpoints.mine.list: found text 'model', expected models"),
        ("{path: /a, key: nobody, body: {}}", "endpoints.mine.key: found text 'nobody', expected required or none"),
        ("{path: /a}", "mine.yaml:3:3: endpoints.mine: the key 'body' is missing, expected a value that JSON can hold"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_endpoint_is_told_with_its_place(
    profile_error: ProfileError, written: str, problem: str
) -> None:
    assert problem in profile_error(f"extends: aimlapi\nendpoints:\n  mine: {written}\n")


def test_what_was_read_can_be_asked_again_but_is_no_fixture(server: MockServer) -> None:
    control = f"{server.url}/_mock/requests/{read(server, '/v1/models').headers['x-mock-request-id']}"
    assert requests.post(f"{control}/replay", timeout=20).json()["status"] == 200
    refused = requests.post(f"{control}/fixture", timeout=20)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409,
        "the request is not for a completion, so no fixture can answer it",
    )


@pytest.mark.parametrize(
    "path", ["/omixa/api/v1/usage/requests", "/omixa/api/v1/usage/rollups?period_type=day"]
)
def test_a_body_that_no_page_documents_is_marked(server: MockServer, path: str) -> None:
    response = read(server, path, authorization="Bearer k")
    assert (response.headers["x-mock-invented"], response.json()) == ("body", {"object": "list", "data": []})
    assert "x-mock-invented" in response.headers["access-control-expose-headers"]
    assert "x-mock-invented" not in read(server, "/omixa/api/v1/models", authorization="Bearer k").headers
