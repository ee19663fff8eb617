"""Counters belong to their fixture or fault rule: every load computes the same keys, whatever is around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.matching.loader import load_fixture_set
from mockserver.server.app import create_pipeline
from mockserver.settings import Settings
from mockserver.wire.playback import Playback
from tests.conftest import MakeClient, StartServer

ALPHA = "- {match: {user: alpha}, responses: [{error: 429}, done]}"
BETA = "- {match: {user: beta}, response: {text: x, times: 1}}"


def list_keys(*items: str, section: str = "fixtures") -> list[str]:
    loaded = load_fixture_set((), f"{section}:\n" + "\n".join(items))
    return [one.counter_key for one in (loaded.fixtures if section == "fixtures" else loaded.rules)]


def test_neighbours_and_the_response_do_not_change_a_key() -> None:
    [alpha] = list_keys(ALPHA)
    assert list_keys(BETA, ALPHA)[1] == alpha
    assert list_keys(ALPHA.replace("done", "finished"), BETA)[0] == alpha
    assert list_keys("- {match: {user: {contains: alpha}}, response: x}") == [alpha]  # the same match


def test_another_match_has_another_key() -> None:
    [alpha] = list_keys(ALPHA)
    assert alpha not in list_keys(
        BETA, ALPHA.replace("alpha", "alphas"), "- {match: {system: alpha}, response: x}"
    )


def test_fixtures_with_equal_matches_are_numbered() -> None:
    first, second, named = list_keys(ALPHA, ALPHA, ALPHA.replace("{match", "{name: a, match"))
    assert (first[:-1], first[-1], second[-1], named) == (second[:-1], "1", "2", "a")
    assert list_keys(ALPHA.replace("{match", "{name: a, match"), ALPHA)[1] == second


def test_the_order_of_fields_and_the_process_do_not_change_a_key() -> None:
    items = [
        "- {match: {user: a, tools: [x, y], body: {n: {gte: 2}}, key: k}, response: x}",
        "- {match: {key: k, body: {n: {gte: 2}}, tools: [x, y], user: a}, response: x}",
    ]
    [first], [second] = list_keys(items[0]), list_keys(items[1])
    assert first == second == "match:7c2484907a9889bf#1"  # a replica computes the same


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ("{error: 429, times: 3, probability: 10%, match: {model: o1}}", True),
        ("{error: 429, match: {model: o3}}", False),
        ("{error: 500, match: {model: o1}}", False),
        ("{error: 429, delay: 1s, match: {model: o1}}", False),
        ("{error: 429, fault: reset, match: {model: o1}}", False),
    ],
)
def test_the_key_of_a_rule_has_its_match_and_effect(changed: str, same: bool) -> None:
    [key] = list_keys("- {error: 429, match: {model: o1}}", section="faults")
    assert (list_keys("- {delay: 1s}", f"- {changed}", section="faults")[1] == key) is same


def test_rules_of_flags_and_files_are_counted_apart(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("faults: [{error: 429}, {error: 429}]")
    settings = Settings(paths=(tmp_path / "f.yaml",), faults=("error=429",))
    pipeline = create_pipeline(settings, Playback(), lambda _: None)
    assert len({rule.counter_key for rule in (*pipeline.fixtures.rules, *pipeline.fault_rules)}) == 3


def test_an_unchanged_rule_is_in_force_since_its_first_load() -> None:
    before = load_fixture_set((), "faults: [{error: 429, for: 1m}, {error: 500, for: 1m}]")
    after = load_fixture_set((), "faults: [{delay: 1s}, {error: 500, for: 2m}, {error: 429, for: 1m}]")
    kept = after.keep_start_times(before).rules
    assert [rule.active_since for rule in kept] == [
        after.rules[0].active_since,
        after.rules[1].active_since,  # its time was edited, and begins again
        before.rules[0].active_since,
    ]


def test_a_reload_keeps_the_counters_of_what_was_not_edited(
    start_server: StartServer, make_client: MakeClient
) -> None:
    file_text = f"fixtures:\n{ALPHA}\nfaults:\n- {{error: 500, times: 1, match: {{user: gamma}}}}\n"
    server = start_server(file_text)
    client, file = make_client(server), server.settings.paths[0]
    assert [client.chat(content=text).status for text in ("alpha", "gamma")] == [429, 500]
    file.write_text(
        f"fixtures:\n{BETA}\n{ALPHA}\nfaults:\n- {{delay: 1ms, match: {{user: zeta}}}}\n"
        + file_text.split("faults:\n")[1]
    )
    client.connection.request("POST", "/_mock/fixtures/reload")
    assert client.connection.getresponse().read()
    assert [client.chat(content=text).status for text in ("alpha", "beta", "gamma")] == [201, 201, 201]
