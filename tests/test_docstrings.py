"""The docstrings of the public classes and of the plugin: each shows an example that runs, and lists its errors."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from openai import OpenAI

from mockserver import pytest_plugin
from mockserver.client.account_methods import AccountMethods
from mockserver.client.session_client import Stub
from mockserver.testing import MockServer, Remote, Request, Session
from tests.conftest import RunPytest

EXAMPLE = re.compile(r"^Example::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
QUESTION: Any = {"role": "user", "content": "How is the weather?"}
PUBLIC = [MockServer, Remote, Request, Session, pytest_plugin.mockserver]
ERRORS = {
    MockServer: ["InputError", "TypeError", "RuntimeError"],
    Remote: ["ValueError", "ConnectionError"],
    Request: ["LookupError", "ConnectionError"],
    Session: ["InputError", "TypeError", "ConnectionError", "AssertionError"],
    pytest_plugin.mockserver: ["InputError", "TypeError", "ConnectionError", "AssertionError"],
}
METHODS = [
    Session.on,
    Session.fail,
    Stub.reply,
    Stub.fail,
    AccountMethods.account,
    AccountMethods.assert_spent,
]


def read_example(documented: object) -> str:
    """Return the example in a docstring, as source code."""
    found = EXAMPLE.search(f"{inspect.getdoc(documented)}\n")
    assert found is not None, documented
    return textwrap.dedent(found[1])


@pytest.mark.parametrize("documented", PUBLIC, ids=lambda one: one.__name__)
def test_the_docstring_lists_the_errors(documented: Any) -> None:
    text = inspect.getdoc(documented)
    assert text is not None
    assert [name for name in ERRORS[documented] if name not in text] == []


def test_the_example_of_mockserver_runs() -> None:
    exec(read_example(MockServer), {})


def test_the_example_of_a_session_runs(server: MockServer) -> None:
    exec(read_example(Session), {"session": server.session(), "OpenAI": OpenAI})


def test_the_example_of_a_remote_server_runs(server: MockServer) -> None:
    names: dict[str, Any] = {"Remote": Remote, "OpenAI": OpenAI}
    exec(read_example(Remote).replace("http://127.0.0.1:8402", server.url), names)
    answer = names["client"].chat.completions.create(model="o3-mini", messages=[QUESTION])
    assert answer.choices[0].message.content == "Sunny"


def test_the_example_of_a_request_runs(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    session = server.session()
    client = OpenAI(base_url=f"{session.url}/v1", api_key="any-key")
    client.chat.completions.create(model="o3-mini", messages=[QUESTION])
    exec(read_example(Request), {"session": session})
    assert "'How is the weather?' -> 2" in capsys.readouterr().out


def test_the_example_of_the_fixture_runs(run_pytest: RunPytest) -> None:
    run_pytest(read_example(pytest_plugin.mockserver)).assert_outcomes(passed=1)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__qualname__)
def test_the_examples_of_the_methods_run(server: MockServer, method: Callable[..., Any]) -> None:
    session = server.session()
    if method is AccountMethods.assert_spent:
        # The cost of the example: 9 prompt tokens and 411 completion tokens, twice, for a model with this price.
        usage = {"prompt_tokens": 9, "completion_tokens": 411}
        session.on().reply("Sunny", usage=usage)
        client = OpenAI(base_url=f"{session.url}/v1", api_key="sk-test")
        for _ in range(2):
            client.chat.completions.create(model="o1-preview", messages=[QUESTION])
    exec(read_example(method), {"session": session, "re": re})
