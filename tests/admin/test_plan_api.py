"""The plan in the admin API: set, shown, restarted, and removed; and the requests that meet it."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from tests.admin.test_accounts_api import Api
from tests.conftest import StartServer

FIXTURES = """
fixtures: [{match: {}, response: fine}]
plan:
- {at: 1h, for: 1h, error: 503, match: {key: sk-secret-of-a-client}}
- {at: 2h, for: 10h, error: 502, probability: {from: 10%, to: 60%}}
"""


@pytest.fixture(scope="module")
def url(start_server: StartServer) -> str:
    return start_server(FIXTURES).url


@pytest.fixture
def api(url: str) -> Api:
    made = Api(url)
    made.ask("POST", "/reset")
    return made


def states(view: Any) -> list[str]:
    return [step["state"] for step in view["steps"]]


def test_the_plan_shows_where_it_stands(api: Api) -> None:
    view = api.ask("GET", "/plan")
    assert (view["scope"], view["elapsed_s"], states(view)) == ("file", None, ["pending", "pending"])
    assert "sk-secret-of-a-client" not in str(view)
    assert [step["source"].rpartition(":")[2] for step in view["steps"]] == ["4", "5"]
    assert api.chat("any") == 200
    api.ask("POST", "/clock", {"advance": "4h30m"})
    view = api.ask("GET", "/plan")
    assert 4.5 * 3600 <= view["elapsed_s"] < 5 * 3600
    assert states(view) == ["over", "active"]
    assert [step["probability"] for step in view["steps"]] == [0, pytest.approx(0.225, abs=0.02)]
    api.ask("POST", "/clock?session=mine", {"advance": "8h"})
    assert states(api.ask("GET", "/plan?session=mine")) == ["over", "over"]


def test_a_plan_is_set_and_counted_and_begins_with_the_next_request(api: Api) -> None:
    assert api.chat("any") == 200
    api.ask("POST", "/clock", {"advance": "9h"})
    view = api.ask("POST", "/plan", "- {at: 0s, error: 503}")
    assert (view["scope"], view["elapsed_s"], states(view)) == ("shared", None, ["pending"])
    assert [api.chat("any", session) for session in ("one", "two", "two")] == [503, 503, 503]
    shown = {name: api.ask("GET", f"/plan{query}")["steps"][0] for name, query in QUERIES.items()}
    assert {name: (step["evaluated"], step["applied"]) for name, step in shown.items()} == {
        "all": (3, 3),
        "two": (2, 2),
    }
    assert (shown["all"]["id"], shown["all"]["for_s"]) == ("runtime-plan-1", None)
    restarted = api.ask("POST", "/plan")
    assert (restarted["elapsed_s"], restarted["steps"][0]["applied"]) == (None, 0)
    assert api.ask("POST", "/plan", {"plan": []})["steps"] == []
    assert api.chat("any") == 200
    assert len(api.ask("DELETE", "/plan")["steps"]) == 2


QUERIES = {"all": "", "two": "?session=two"}


def test_a_reset_restarts_the_plan_of_the_files_and_one_of_a_session_does_not(api: Api) -> None:
    api.ask("POST", "/plan", [{"at": "0s", "error": 503}])
    assert api.chat("any") == 503
    assert "plan" not in api.ask("POST", "/reset?session=one")["reset"]
    assert api.ask("GET", "/plan")["elapsed_s"] is not None
    assert "all sessions share the plan" in api.why("POST", "/reset?session=one&what=plan")
    api.ask("POST", "/reset?what=plan")
    view = api.ask("GET", "/plan")
    assert (view["scope"], view["elapsed_s"], len(view["steps"])) == ("file", None, 2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"error": 503}], "the key 'at' is missing"),
        ({"plan": 1}, "plan: found the number 1, expected a list"),
        ({"steps": []}, "unknown key 'steps'"),
        ("5", "found the number 5, expected a list"),
    ],
)
def test_a_mistake_changes_nothing(api: Api, body: Any, message: str) -> None:
    assert message in api.why("POST", "/plan", body)
    assert len(api.ask("GET", "/plan")["steps"]) == 2


def test_fixtures_of_the_run_time_have_no_plan(api: Api) -> None:
    assert "POST /_mock/plan" in api.why("POST", "/fixtures", {"plan": [], "fixtures": []})


def test_the_view_conforms_to_the_openapi_document(api: Api) -> None:
    document = api.ask("GET", "/openapi.json")
    schema = {"$ref": "#/components/schemas/PlanView", "components": document["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(api.ask("GET", "/plan"))
    operation = document["paths"]["/_mock/plan"]["post"]
    assert operation["requestBody"]["required"] is False
