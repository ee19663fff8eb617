"""An endpoint is filled from what is told of it, for all items or for one."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.vendors.aux_endpoints import AuxEndpoint, AuxEndpointSpec

MODELS = {
    "models": [
        {"id": "one", "aliases": ["One-2024", "first"], "size": 5},
        {"id": "two/deep", "aliases": []},
    ]
}


def lookup(**said: Any) -> AuxEndpoint:
    told = {"paths": ("/models", "/deep/models", "/models/{id}"), "body": {"all": "$items", "one": "$item"}}
    return AuxEndpoint(
        AuxEndpointSpec(**{**told, "list": "models", "item": {"name": "$id", "size": "$size"}, **said})
    )


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("/models", ""),
        ("/deep/models", ""),
        ("/models/one", "one"),
        ("/models/two/deep", "two/deep"),
        ("/models/", None),
        ("/deep/models/one", None),
        ("/model", None),
        ("/v1/models", None),
    ],
)
def test_a_path_asks_for_all_or_for_one(path: str, item: str | None) -> None:
    assert lookup().match_item(path) == item


def test_all_items_are_told_in_their_order_and_what_is_not_known_of_one_is_left_out() -> None:
    assert lookup().fill(MODELS, "") == {"all": [{"name": "one", "size": 5}, {"name": "two/deep"}]}


@pytest.mark.parametrize("name", ["one", "ONE", "one-2024", "first", "FIRST"])
def test_an_item_goes_by_each_of_its_names_in_any_case(name: str) -> None:
    assert lookup().fill(MODELS, name) == {"one": {"name": "one", "size": 5}}


def test_an_item_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="three"):
        lookup().fill(MODELS, "three")


def test_what_is_told_besides_fills_the_whole_and_each_item() -> None:
    told = {**MODELS, "now": "today", "size": 0}
    found = lookup(body={"at": "$now", "all": "$items"}).fill(told, "")
    assert found == {"at": "today", "all": [{"name": "one", "size": 5}, {"name": "two/deep", "size": 0}]}


def test_a_list_of_which_nothing_is_told_is_empty() -> None:
    assert lookup(list="charges").fill(MODELS, "") == {"all": []}


def test_an_endpoint_without_a_list_is_its_form() -> None:
    balance = lookup(paths=("/balance",), list=None, item=None, body={"left": "$balance", "in": "USD"})
    assert balance.fill({"balance": 7}, "") == {"left": 7, "in": "USD"}
