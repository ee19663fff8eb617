"""The warnings about environment variables: mistyped names and carriage returns, but no variable of others."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver.cli.environment import find_variable_warnings
from mockserver.cli.main import main

SETTINGS = ("MOCKSERVER_PORT", "MOCKSERVER_STRICT", "MOCKSERVER_LOG_FORMAT", "MOCKSERVER_ADMIN_TOKEN")


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        ("MOCKSERVER_PROT", "1", "MOCKSERVER_PROT is not a setting, did you mean MOCKSERVER_PORT?"),
        ("MOCKSERVER_STRIKT", "1", "MOCKSERVER_STRIKT is not a setting, did you mean MOCKSERVER_STRICT?"),
        (
            "MOCKSERVER_FORMAT",
            "json",
            "MOCKSERVER_FORMAT is not a setting, did you mean MOCKSERVER_LOG_FORMAT?",
        ),
        ("MOCKSERVER_QUIET", "1", "MOCKSERVER_QUIET is not a setting; `mockserver --help` lists them"),
        ("mockserver_port", "1", "mockserver_port is not a setting, did you mean MOCKSERVER_PORT?"),
        ("MOCK_SERVER_STRICT", "1", "MOCK_SERVER_STRICT is not a setting, did you mean MOCKSERVER_STRICT?"),
        (
            "MOCKSERVER_ADMIN_TOKEN",
            "secret\r",
            r"MOCKSERVER_ADMIN_TOKEN ends in a carriage return (\r): the file that sets it has Windows line ends",
        ),
    ],
)
def test_a_suspicious_variable_is_reported(name: str, value: str, warning: str) -> None:
    assert list(find_variable_warnings({name: value, "PATH": "x"}, SETTINGS)) == [warning]


@pytest.mark.parametrize(
    "name",
    [
        "MOCKSERVER_PORT",
        "MOCKSERVER_URL",  # of the pytest plugin
        "MOCKSERVER_PORT_8402_TCP_ADDR",  # of container links
        "MOCKSERVER_ENV_PATH",
        "MOCKSERVER_NAME",
        "MOCKSERVER_SERVICE_HOST",  # of Kubernetes
        "MOCKSERVER_SERVICE_PORT_HTTP",
        "MOCKSERVER_ADMIN_PORT",  # of its service `mockserver-admin`
        "MOCKSERVER_ADMIN_SERVICE_PORT",
        "MOCKITO_HOME",
        "LLM_MOCK",
    ],
)
def test_variables_of_others_are_not(name: str) -> None:
    assert list(find_variable_warnings({name: "x"}, SETTINGS)) == []


def test_the_commands_print_the_warnings(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    result = CliRunner().invoke(
        main,
        ["explain", "-r", str(tmp_path / "r.json")],
        env={"MOCKSERVER_SEDE": "2", "MOCKSERVER_FIXTURES": f"{tmp_path}/f.yaml\r"},
    )
    assert "mockserver: MOCKSERVER_SEDE is not a setting, did you mean MOCKSERVER_SEED?\n" in result.stderr
    assert r"mockserver: MOCKSERVER_FIXTURES ends in a carriage return (\r)" in result.stderr
    assert r"/f.yaml\r: cannot be read" in result.stderr
