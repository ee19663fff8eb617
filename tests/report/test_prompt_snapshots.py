"""Prompt snapshots: what they mask, how they are kept, and how a difference reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.report.prompt_mask import PromptMask
from mockserver.schema.yaml_document import dump_yaml, parse_yaml
from mockserver.testing import MockServer, Session
from tests.conftest import Client, RunPytest

UUID = "0b5e3c7e-5a0c-4d6c-9d55-0b3c7e5a0c4d"
OTHER = {"id": "", "n": 3, "at": None, "b": [True, "1:23456"]}
MASKED: dict[str, tuple[Any, Any]] = {
    "ids by their key": (
        {"tool_calls": [{"id": "a"}], "messages": [{"tool_call_id": "a"}, {"tool_call_id": "b"}]},
        {
            "tool_calls": [{"id": "<id-1>"}],
            "messages": [{"tool_call_id": "<id-1>"}, {"tool_call_id": "<id-2>"}],
        },
    ),
    "ids in a text": (f"{UUID}, then call_0123456789abc", "<uuid-1>, then <id-1>"),
    "times": (
        "Today is 2026-11-28, since 2026-11-28T10:02:03.5Z; it is 10:02:03, then 10:05 or 2026-11-28 again.",
        "Today is <time-1>, since <time-2>; it is <time-3>, then <time-4> or <time-1> again.",
    ),
    "other values": (OTHER, OTHER),
}


@pytest.mark.parametrize("name", MASKED)
def test_ids_and_times_are_masked(name: str) -> None:
    value, masked = MASKED[name]
    assert PromptMask().apply(value) == masked


@pytest.mark.parametrize(
    "text", ["a\nb", "a\n\n  b\n", " a\nb ", "a\tb\n", "a\r\nb", "\n", "- a\n# b\n", "no"]
)
def test_a_text_of_several_lines_is_written_as_a_block(text: str) -> None:
    written = dump_yaml({"text": text}, blocks=True)
    assert parse_yaml(written, "test").value == {"text": text}
    assert ("|" in written) == (text in ("a\nb", "a\n\n  b\n", "\n", "- a\n# b\n"))


@pytest.fixture
def session(server: MockServer, client: Client) -> Session:
    session = server.session(client.session)
    session.on().reply("Fine.")
    return session


def test_prompts_are_written_and_compared(session: Session, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "prompts.yaml"
    session.fail(503, times=1)
    for _ in range(2):  # two attempts of one call
        client.chat(content="Be brief.\nIt is 10:30.", temperature=0.5)
    with pytest.raises(
        AssertionError, match="has no prompts of 'requests': run `pytest --mockserver-update`"
    ):
        session.assert_prompts(path)
    session.assert_prompts(path, update=True)
    session.assert_prompts(path, "another", update=True)
    session.assert_prompts(path)
    text = path.read_text()
    assert text.startswith("# The requests of tests")
    assert text.count("temperature: 0.5") == 2
    assert "        Be brief.\n        It is <time-1>.\n" in text
    modified = path.stat().st_mtime_ns
    session.assert_prompts(path, update=True)
    assert path.stat().st_mtime_ns == modified


def test_a_changed_prompt_is_a_readable_difference(session: Session, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "prompts.yaml"
    client.chat(content="Be brief.", temperature=0.5)
    session.assert_prompts(path, update=True)
    path.write_text(path.read_text().replace("Be brief.", "Be short.").replace("0.5", "0.7"))
    with pytest.raises(AssertionError) as caught:
        session.assert_prompts(path)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith(
        "the prompts of 'requests' have changed; `pytest --mockserver-update` accepts them:"
    )
    assert [line for line in lines[3:] if line[0] in "+-"] == [
        "-      content: Be short.",
        "-    temperature: 0.7",
        "+      content: Be brief.",
        "+    temperature: 0.5",
    ]


def test_a_file_that_is_no_snapshot_or_cannot_be_written_is_reported(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.yaml"
    path.write_text("- a list\n")
    with pytest.raises(InputError, match=r"prompts\.yaml: expected prompts by the name of their test"):
        session.assert_prompts(path)
    with pytest.raises(InputError, match="cannot be written"):
        session.assert_prompts(path / "below.yaml", update=True)


def test_the_plugin_keeps_prompts_beside_the_test(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    tests = f"""
        import json, urllib.request

        def test_prompts(mockserver):
            mockserver.on().reply("Fine.")
            head = {json.dumps({"authorization": "Bearer key", "content-type": "application/json"})}
            body = json.dumps({{"model": "o1-preview", "messages": [{{"role": "user", "content": "Hi"}}]}}).encode()
            request = urllib.request.Request(mockserver.url + "/v1/chat/completions", body, head)
            urllib.request.urlopen(request).read()
            mockserver.assert_prompts("prompts.yaml")
        """
    run_pytest(tests).assert_outcomes(failed=1)
    run_pytest(tests, "--mockserver-update").assert_outcomes(passed=1)
    assert "test_it.py::test_prompts:\n" in (pytester.path / "prompts.yaml").read_text()
    run_pytest(tests).assert_outcomes(passed=1)
    result = run_pytest(tests, "--mockserver-update", "-n", "2")
    assert "several processes (-n) would write to the same files" in result.stderr.str()
