"""The commands: what they say, where, and with which exit code."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from mockserver import __version__
from mockserver.cli import main as main_module
from mockserver.cli.healthcheck import wait_until_ready
from mockserver.cli.main import main
from mockserver.cli.output import (
    PROBLEM_FORMATTERS,
)
from mockserver.cli.server_messages import (
    StartReport,
    find_exposure_warning,
    format_banner,
    format_dropped_lines,
    format_reload_message,
    format_start,
    format_warnings,
)
from mockserver.errors import InputError, Problem
from mockserver.fixtures.fault_rules import parse_fault_rule
from mockserver.matching.fixture_files import list_fixture_files
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import (
    load_fixture_document,
    load_server_fixtures,
    locate_shipped_fixtures,
)
from mockserver.schema.yaml_document import load_document, parse_yaml
from mockserver.server import app
from mockserver.server.addresses import bind_socket, format_server_url
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.wire.playback import Playback

GOOD = "fixtures:\n- {name: hello, match: {user: hello}, response: hi}\n"
HIDDEN = GOOD + "- {name: late, match: {user: hello there}, response: hi}\n"
BAD = "fixtures:\n- {name: 'a,%', match: {usr: hello}, response: hi}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"good": GOOD, "hidden": HIDDEN, "bad": BAD}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def run(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


def refused(*args: str, **env: str) -> str:
    result = run(*args, **env)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("mockserver: ")
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("mockserver: ").rstrip("\n")


# --- validate


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        ("good.yaml", 0, "1 fixture, all good\n"),
        (
            "hidden.yaml",
            0,
            (
                "hidden.yaml:3:1: late: this fixture can never be reached: 'hello' (hidden.yaml:2) answers before it"
                " (warning)\n2 fixtures, all good, 1 warning\n"
            ),
        ),
        (
            "bad.yaml",
            1,
            "bad.yaml:2:25: fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?\n1 problem\n",
        ),
    ],
)
def test_validate_says_what_is_wrong(file: str, code: int, said: str) -> None:
    result = run("validate", file)
    assert (result.exit_code, result.stdout, result.stderr) == (code, said, "")


def test_validate_speaks_json_to_programs() -> None:
    told = json.loads(run("validate", "bad.yaml", "--format", "json").stdout)
    assert told == {
        "fixtures": 0,
        "errors": [
            {
                "file": "bad.yaml",
                "line": 2,
                "column": 25,
                "path": "fixtures[0].match.usr",
                "message": "unknown key 'usr', did you mean 'user'?",
            }
        ],
        "warnings": [],
    }
    assert json.loads(run("validate", "hidden.yaml", "--format", "json").stdout)["warnings"][0]["line"] == 3


def test_validate_annotates_a_pull_request(folder: Path) -> None:
    (folder / "a,b:c.yaml").write_text(BAD)
    assert run("validate", "a,b:c.yaml", "hidden.yaml", "--format", "github").stdout == (
        "::error file=a%2Cb%3Ac.yaml,line=2,col=25::"
        "fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?\n"
        "::notice::1 problem\n"
    )
    assert run("validate", "hidden.yaml", "--format", "github").stdout.startswith(
        "::warning file=hidden.yaml,line=3,col=1::late: this fixture can never be reached"
    )


def test_an_annotation_without_a_line_is_for_the_file() -> None:
    problem = Problem("50%\nof it", source="f.yaml")
    assert PROBLEM_FORMATTERS["github"]([problem], [], 0).startswith("::error file=f.yaml::50%25%0Aof it\n")


@pytest.mark.parametrize("paths", [["none.yaml"], ["."], ["bad.yaml", "none.yaml"]])
def test_validate_ends_with_2_where_something_cannot_be_read(folder: Path, paths: list[str]) -> None:
    if paths == ["."]:
        (folder / "sub").mkdir()
        paths = ["sub"]
    said = refused("validate", *paths)
    assert "cannot be read" in said or "with fixtures in this folder" in said


# --- explain


@pytest.mark.parametrize("whole", [False, True])
def test_explain_says_which_fixture_answers(folder: Path, whole: bool) -> None:
    body: Any = {"model": "o1-mini", "messages": [{"role": "user", "content": "hello there"}]}
    (folder / "r.json").write_text(json.dumps({"vendor": "omixa", "body": body} if whole else body))
    said = run("explain", "good.yaml", "-r", "r.json").stdout
    assert "o1-mini, 'hello there'\n\n  answers  2" in said
    assert said.startswith("Omixa" if whole else "AI/ML API")


def test_explain_describes_the_server_that_its_flags_describe(folder: Path) -> None:
    (folder / "r.json").write_text(
        json.dumps({"model": "x", "messages": [{"role": "user", "content": "bye"}]})
    )

    def explained(*flags: str, **env: str) -> str:
        return run("explain", "good.yaml", "-r", "r.json", *flags, **env).stdout.split("answers  ")[1]

    assert explained().startswith("201  a generated reply, since no fixture matched\n")
    assert explained("--strict").startswith("404  no fixture matched\n  openai   NotFoundError")
    assert explained(MOCKSERVER_STRICT="1").startswith("404  no fixture matched\n")
    assert explained("--strict-models").startswith(
        "400  the request is refused\n           model: Invalid enum"
    )
    assert explained("--fault", "error=429").startswith(
        "429  no fixture matched\n           the fault rule flag-fault-1\n"
    )
    assert explained("--known-keys-only").startswith(
        "401  the request is refused\n           no account has this key"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "r.json: cannot be read: No such file or directory"),
        ("[1]", "r.json: found a list, expected a mapping"),
        ('{"body": 3}', "r.json:1:2: body: found the number 3, expected a mapping"),
        ('{"body": {}, "vendr": "x"}', "r.json:1:14: vendr: unknown key 'vendr', did you mean 'vendor'?"),
    ],
)
def test_explain_refuses_what_is_no_request(folder: Path, text: str | None, message: str) -> None:
    if text is not None:
        (folder / "r.json").write_text(text)
    assert message.removeprefix("r.json: ") in refused("explain", "good.yaml", "-r", "r.json")


# --- schema and init

EXAMPLES = (Path(__file__).parents[1] / "fixtures" / "examples.yaml").read_text("utf-8")


def judge() -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(run("schema").stdout)
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.Draft202012Validator(schema)


def test_the_schema_takes_every_shipped_fixture_file() -> None:
    files = list_fixture_files(locate_shipped_fixtures())
    assert files
    for file in files:
        assert [str(error) for error in judge().iter_errors(load_document(file).value)] == []


def test_the_schema_and_the_library_take_every_example() -> None:
    written = parse_yaml(EXAMPLES, "examples.yaml")
    assert [str(error) for error in judge().iter_errors(written.value)] == []
    assert len(load_fixture_document(written).fixtures) > 15


@pytest.mark.parametrize(
    "text",
    [
        "fixtures: [{match: {}, response: {txt: x}}]",
        "fixtures: [{match: {}, response: {text: x, delay: 30}}]",
        "fixtures: [{response: x}]",
        "fixtures: [{match: {}, response: [x]}]",
        "fixture: []",
    ],
)
def test_the_schema_refuses_what_an_editor_should_mark(text: str) -> None:
    assert not judge().is_valid(parse_yaml(text, "f").value)


def test_init_writes_a_file_to_begin_with(folder: Path) -> None:
    result = run("init", "new/mock.yaml")
    assert (result.exit_code, result.stdout) == (
        0,
        "wrote new/mock.yaml and new/mockserver.schema.json\nnext: mockserver new/mock.yaml\n",
    )
    text = (folder / "new/mock.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=./mockserver.schema.json\n")
    assert json.loads((folder / "new/mockserver.schema.json").read_text("utf-8"))
    assert run("validate", "new/mock.yaml").stdout == "5 fixtures, all good\n"
    assert judge().is_valid(parse_yaml(text, "f").value)


def test_init_overwrites_nothing(folder: Path) -> None:
    assert refused("init", "good.yaml") == "good.yaml: exists already and is not changed; choose another file"
    assert (folder / "good.yaml").read_text() == GOOD


def test_init_says_why_it_cannot_write(folder: Path) -> None:
    assert refused("init", "good.yaml/sub/a.yaml").startswith(
        "good.yaml/sub/a.yaml: cannot be written: Not a directory"
    )


# --- flags and the environment


@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        (["--port", "http"], {}, "Invalid value for '--port' (env var: 'MOCKSERVER_PORT'): 'http' is not a valid"),
        (["--port", "70000"], {}, "70000 is not in the range 0<=x<=65535."),
        ([], {"MOCKSERVER_PORT": "http"}, "'http' is not a valid port."),
        ([], {"MOCKSERVER_STRICT": "maybe"}, "'maybe' is not a valid boolean."),
        ([], {"MOCKSERVER_SEED": "x"}, "'x' is not a valid integer."),
        (["--max-body", "0"], {}, "0 is not in the range x>=1."),
        (["--log-format", "xml"], {}, "'xml' is not one of 'text', 'json'."),
        (["--prot", "1"], {}, "No such option '--prot'."),
        (["--host", "256.256.256.256"], {}, "is not an address of this machine"),
        (["--vendor", "none.yaml"], {}, "none.yaml: cannot be read: No such file or directory"),
        (["none.yaml"], {}, "none.yaml: cannot be read: No such file or directory"),
        (["valdate", "good.yaml"], {}, "valdate: no such file or folder, and no command, did you mean 'validate'?"),
        (["bad.yaml"], {}, "bad.yaml:2:25: fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_at_the_start_is_one_clear_line(
    args: list[str], env: dict[str, str], message: str
) -> None:
    said = refused(*args, **env)
    assert message in said
    assert "\n" not in said


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with closing(bind_socket("127.0.0.1", 0)) as sock:
        sock.listen()
        port = sock.getsockname()[1]
        assert f"port {port} is taken on 127.0.0.1" in refused("--port", str(port))


def served(*args: str, **env: str) -> Settings:
    """The settings that `serve` would have served with."""
    found: list[Settings] = []

    def line(settings: Settings, *_: Any) -> Any:
        found.append(settings)
        raise InputError.from_message("enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "create_pipeline", line)
        assert refused(*args, **env) == "enough"
    return found[0]


def test_every_setting_has_a_flag_and_a_variable() -> None:
    flags = (
        "--host ::1 --port 1 --strict --seed 2 --vendor a --vendor b --max-body 3 --no-reload --log-format json "
        "--fixtures-yaml fixtures: --locale de --reply echo --strict-models --tokenizer estimate --no-mock-messages "
        "--tls-port 4 --tls-cert a.pem --tls-key b.pem"
    )
    env = {
        "HOST": "::1", "PORT": "1", "STRICT": "1", "SEED": "2", "VENDOR": f"a{os.pathsep}b", "MAX_BODY": "3",
        "NO_RELOAD": "true", "LOG_FORMAT": "json", "FIXTURES_YAML": "fixtures:", "LOCALE": "de", "REPLY": "echo",
        "STRICT_MODELS": "yes", "TOKENIZER": "estimate", "NO_MOCK_MESSAGES": "1", "TLS_PORT": "4", "TLS_CERT": "a.pem",
        "TLS_KEY": "b.pem",
    }  # fmt: skip
    by_flag = served("good.yaml", *flags.split())
    assert by_flag == served(
        "serve", "good.yaml", **{f"MOCKSERVER_{name}": value for name, value in env.items()}
    )
    assert (by_flag.host, by_flag.port, by_flag.strict, by_flag.reload) == ("::1", 1, True, False)
    assert not by_flag.mock_messages
    assert (by_flag.locale, by_flag.reply, by_flag.strict_models, by_flag.tokenizer) == (
        "de",
        "echo",
        True,
        "estimate",
    )
    assert by_flag.vendors == ("a", "b")
    assert (by_flag.tls_port, by_flag.tls_cert, by_flag.tls_key) == (4, Path("a.pem"), Path("b.pem"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--locale", "de_DD"), "--locale: found the locale 'de_DD', did you mean 'de_DE'?"),
        (
            ("--reply", "ecko"),
            "Invalid value for '--reply' (env var: 'MOCKSERVER_REPLY'): 'ecko' is not one of 'faker', 'echo', 'lorem'.",
        ),
    ],
)
def test_a_setting_that_is_not_known_says_what_was_meant(args: tuple[str, ...], said: str) -> None:
    assert refused(*args) == said


def test_a_flag_goes_before_the_environment_and_that_before_the_default() -> None:
    assert served().port == 8402
    assert served(MOCKSERVER_PORT="1").port == 1
    assert served("--port", "2", MOCKSERVER_PORT="1").port == 2
    assert served() == Settings()


@pytest.mark.parametrize("token", ["", " ", " x", "x ", "x\n", "a\tb", "pässword", "日本", "\x7f"])
def test_a_token_that_no_client_can_send_is_refused(token: str) -> None:
    for arguments, env in ((["--admin-token", token], {}), ([], {"MOCKSERVER_ADMIN_TOKEN": token})):
        message = refused(*arguments, **env)
        assert message.startswith("--admin-token: ")
        assert token.strip() == "" or token.strip() not in message  # it is a secret
        assert "\n" not in message


@pytest.mark.parametrize("token", ["x", "a b", "!~", "sk-" + "x" * 1000])
def test_a_token_that_a_header_can_carry_is_accepted(token: str) -> None:
    assert served("--admin-token", token).admin_token == token
    assert served(MOCKSERVER_ADMIN_TOKEN=token).admin_token == token
    app.create_pipeline(Settings(admin_token=token), Playback(), lambda _: None)


def test_hosts_of_the_admin_api_may_be_given_several_times() -> None:
    assert served("--allowed-host", "a", "--allowed-host", "b").allowed_hosts == ("a", "b")
    assert served(MOCKSERVER_ALLOWED_HOST="a,b").allowed_hosts == ("a", "b")
    assert served(MOCKSERVER_ALLOWED_HOST="").allowed_hosts == ()


@pytest.mark.parametrize(
    ("host", "token", "warned"),
    [
        ("127.0.0.1", None, False),
        ("127.1.2.3", None, False),
        ("::1", None, False),
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("192.0.2.1", None, True),
        ("fe80::1%eth0", None, True),
        ("0.0.0.0", "secret", False),
    ],
)
def test_an_admin_api_that_everyone_can_reach_is_one_line(host: str, token: str | None, warned: bool) -> None:
    report = StartReport((host, 8402), Settings(host=host, admin_token=token))
    warning = "".join(find_exposure_warning(report))
    expected = (
        f"{host} port 8402 can be reached from other machines, and the admin API needs no token: "
        "set --admin-token, or listen on 127.0.0.1"
    )
    assert warning == (expected if warned else "")


@pytest.mark.parametrize("value", ["tcp://10.0.0.1:80", "udp://10.0.0.1:80"])
def test_what_a_container_link_sets_is_ignored(value: str) -> None:
    assert served(MOCKSERVER_PORT=value).port == 8402
    assert served("--port", "5", MOCKSERVER_PORT=value).port == 5


def test_paths_may_come_from_the_environment(folder: Path) -> None:
    assert served(MOCKSERVER_FIXTURES="good.yaml").paths == (Path("good.yaml"),)
    assert served(MOCKSERVER_FIXTURES=f"good.yaml{os.pathsep}hidden.yaml").paths[1] == Path("hidden.yaml")
    assert served("good.yaml", MOCKSERVER_FIXTURES="hidden.yaml").paths == (Path("good.yaml"),)


def test_paths_with_drives_are_separated_as_the_system_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert click.Path.envvar_list_splitter == os.pathsep
    monkeypatch.setattr(click.Path, "envvar_list_splitter", ";")  # its value on Windows
    expected = (Path("C:\\a.yaml"), Path("D:\\b.yaml"))
    assert served(MOCKSERVER_FIXTURES=r"C:\a.yaml;D:\b.yaml").paths == expected
    assert served(MOCKSERVER_VENDOR=r"C:\a.yaml;D:\b.yaml").vendors == tuple(map(str, expected))


def test_an_empty_folder_that_the_environment_names_is_a_volume_without_a_mount(folder: Path) -> None:
    (folder / "mounted").mkdir()
    assert served(MOCKSERVER_FIXTURES="mounted").paths == ()
    assert "with fixtures in this folder" in refused("mounted")


def test_fixtures_may_be_the_environment_itself() -> None:
    text = GOOD.replace("name: hello", "name: first")
    shelf = load_server_fixtures(Settings(fixtures_yaml=text, paths=(Path("hidden.yaml"),)))
    assert shelf.fixtures[0].source == "MOCKSERVER_FIXTURES_YAML:2"
    assert len(shelf) == 3
    assert len(load_server_fixtures(Settings(fixtures_yaml="fixtures: []"))) == 0
    assert "MOCKSERVER_FIXTURES_YAML:2:25: " in refused(MOCKSERVER_FIXTURES_YAML=BAD)
    report = StartReport(("::1", 1), Settings(fixtures_yaml=GOOD))
    assert "(MOCKSERVER_FIXTURES_YAML)" in format_banner(report, app.load_vendors())


def test_the_health_check_asks_the_server_that_the_settings_name() -> None:
    with MockServer() as server:
        port = server.url.rpartition(":")[2]
        assert run("healthcheck", "--port", port).exit_code == 0
        assert run("healthcheck", MOCKSERVER_PORT=port, MOCKSERVER_HOST="0.0.0.0").exit_code == 0
    gone = run("healthcheck", "--port", port)
    assert gone.exit_code == 1
    assert gone.stderr.count("\n") == 1
    assert "--wait" in refused("healthcheck", "--wait", "5")


def test_help_lists_the_flags_of_the_server() -> None:
    text = run("--help").stdout
    assert [one for one in main.commands["serve"].params[1:] if one.opts[0] not in text] == []
    assert "Refuse requests that no fixture matches." in text


def test_help_and_version_are_there() -> None:
    assert run("--version").stdout == f"mockserver, version {__version__}\n"
    for command in ("", *main.commands):
        result = run(*filter(None, [command]), "--help")
        assert result.exit_code == 0
        assert "Usage:" in result.stdout
    assert "MOCKSERVER_PORT" in run("serve", "--help").stdout


# --- words


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 1), "http://127.0.0.1:1"),
        (("0.0.0.0", 1), "http://127.0.0.1:1"),
        (("::", 1), "http://[::1]:1"),
        (("::1", 1), "http://[::1]:1"),
    ],
)
def test_a_url_can_be_pasted(address: tuple[str, int], url: str) -> None:
    assert format_server_url(address) == url


@pytest.mark.parametrize(
    ("certificate", "trust"),
    [(None, "clients must trust http://127.0.0.1:1/_mock/ca.pem"), (Path("own.pem"), "certificate own.pem")],
)
def test_the_greeting_says_what_clients_of_the_tls_port_must_trust(
    certificate: Path | None, trust: str
) -> None:
    settings = Settings(tls_port=2, tls_cert=certificate)
    report = StartReport(("127.0.0.1", 1), settings, tls_url="https://127.0.0.1:2")
    assert f"  TLS         https://127.0.0.1:2  ({trust})\n" in format_banner(report, app.load_vendors())


def test_the_greeting_names_each_vendor_the_fixtures_and_the_keys() -> None:
    settings = Settings(paths=(Path("a.yaml"),), strict=True)
    said = format_banner(StartReport(("127.0.0.1", 8402), settings, 3), app.load_vendors())
    for part in (
        "/aimlapi/v1  (errors 2026-08, answers 2024)\n",
        "/segmind/v1/",
        "/omixa/",
        "3 (a.yaml); other requests are refused",
        "mock-429",
    ):
        assert part in said
    assert "/openai/v1" not in said
    assert "https" not in said
    assert "OpenAI      base_url  http://[::1]:1/openai/v1\n" in format_banner(
        StartReport(("::1", 1), Settings()), app.load_vendors(["openai"])
    )
    assert "(the shipped ones)" in format_banner(StartReport(("::1", 1), Settings(), 3), app.load_vendors())


@pytest.mark.parametrize(
    ("accounts", "known_keys_only", "words_of_it"),
    [
        (0, False, "any key works; one"),
        (2, False, "any key works, 2 accounts; one"),
        (1, True, "1 account, no other key works; one"),
    ],
)
def test_the_greeting_says_which_keys_work(accounts: int, known_keys_only: bool, words_of_it: str) -> None:
    settings = Settings(known_keys_only=known_keys_only)
    assert words_of_it in format_banner(StartReport(("::1", 1), settings, 3, accounts), app.load_vendors())


def create_start_report(log_format: Literal["text", "json"] = "text", rules: int = 2) -> StartReport:
    settings = Settings(log_format=log_format, host="0.0.0.0", strict=True)
    texts = [
        "error=429 times=2 model=o1-*",
        "delay=1s key=sk-secret-key-1234",
        *["fault=reset"] * (rules - 2),
    ]
    parsed = [
        parse_fault_rule(text, f"flag-fault-{number}", "--fault") for number, text in enumerate(texts, 1)
    ]
    return StartReport(("0.0.0.0", 8402), settings, 3, 1, parsed)


def test_the_start_reports_fault_rules_and_an_open_address() -> None:
    text = format_start(create_start_report(), app.load_vendors())
    assert "  address     0.0.0.0:8402, which other machines can reach\n" in text
    assert "  faults      flag-fault-1: model=o1-* error=429 times=2\n" in text
    assert "              flag-fault-2: key=sk-" in text
    assert "secret" not in text
    assert "              and 3 more\n" in format_banner(create_start_report(rules=11), app.load_vendors())
    quiet = format_banner(StartReport(("::1", 1), Settings()), app.load_vendors())
    assert ("address" in quiet, "faults" in quiet) == (False, False)


def test_the_start_is_one_json_line_in_a_json_log() -> None:
    record = json.loads(format_start(create_start_report("json"), app.load_vendors()))
    assert datetime.fromisoformat(record["time"]).tzinfo is not None
    assert (record["event"], record["url"], record["fixtures"], record["strict"]) == (
        "started",
        "http://127.0.0.1:8402",
        3,
        True,
    )
    assert (record["address"], record["faults"][0]) == ("0.0.0.0:8402", "model=o1-* error=429 times=2")
    assert record["vendors"]["aimlapi"] == {"errors": "2026-08", "answers": "2024"}
    assert record["vendors"]["omixa"] == {}
    planned = StartReport(("::1", 1), Settings(), plan_steps=1)
    assert "  plan        1 step from the first request on\n" in format_banner(planned, app.load_vendors())
    (ipv6,) = [StartReport(("::1", 1), Settings(log_format="json"))]
    assert json.loads(format_start(ipv6, app.load_vendors()))["address"] == "[::1]:1"


def test_warnings_are_in_the_format_of_the_log() -> None:
    assert format_warnings(["a\x07", "b"], Settings()) == "mockserver: a\\u0007\nmockserver: b"
    lines = format_warnings(["a\x07", "b"], Settings(log_format="json")).splitlines()
    assert [(json.loads(line)["event"], json.loads(line)["message"]) for line in lines] == [
        ("warning", "a\x07"),
        ("warning", "b"),
    ]


def test_an_edit_is_told_in_the_format_of_the_log() -> None:
    bad = InputError.from_message("x")
    assert format_reload_message(FixtureSet(()), Settings()) == "reloaded 0 fixtures"
    some = FixtureSet((), omitted_files=[Problem("omitted", source="package.json")])
    omitted = "reloaded 0 fixtures, omitted 1 JSON file without fixtures"
    assert format_reload_message(some, Settings()) == omitted
    assert (
        format_reload_message(bad, Settings())
        == "the edit was not applied, the last valid fixtures stay in use"
    )
    record = json.loads(format_reload_message(bad, Settings(log_format="json")))
    assert record.keys() == {"time", "event"}
    assert record["event"] == "the edit was not applied, the last valid fixtures stay in use"


def test_dropped_lines_are_reported_in_the_format_of_the_log() -> None:
    assert format_dropped_lines(1, Settings()) == "1 log line dropped"
    record = json.loads(format_dropped_lines(312, Settings(log_format="json")))
    assert (record.keys(), record["event"]) == ({"time", "event"}, "312 log lines dropped")


def test_nobody_listening_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    main_module._print_output("one")
    assert sys.stdout is None
    main_module._print_output("two")


def test_a_closed_stream_causes_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", closed)
    with pytest.raises(SystemExit, match="0"):
        main(["schema"])
    with pytest.raises(SystemExit, match="2"):
        main(["missing.yaml"])


def test_an_output_that_cannot_be_written_is_one_clear_line(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mockserver", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(),
        )
    assert (done.returncode, done.stderr) == (
        2,
        "mockserver: the output cannot be written: No space left on device\n",
    )


# --- a server of its own


@contextmanager
def process(*args: str, module: bool = True) -> Iterator[subprocess.Popen[str]]:
    command = (
        [sys.executable, "-m", "mockserver"] if module else [str(Path(sys.executable).parent / "mockserver")]
    )
    pipe = subprocess.PIPE
    started = subprocess.Popen([*command, *args], stdout=pipe, stderr=pipe, text=True, env=environment())
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(main_module.__file__).parents[1]), "PYTHONUNBUFFERED": "1"}


def ask(port: int, said: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": said}]}
        connection.request("POST", "/aimlapi/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status


def lines(of: subprocess.Popen[str], until: str) -> str:
    """What it says, up to a line that has this."""
    assert of.stdout is not None
    said = ""
    while not re.search(until, said):
        line = of.stdout.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize("command", [(), ("serve",)])
def test_serve_greets_logs_each_request_and_obeys_sigterm(folder: Path, command: tuple[str, ...]) -> None:
    with process(*command, "good.yaml", "--port", "0", "--strict") as server:
        greeting = lines(server, "seed")
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", greeting)[0])
        assert ask(port, "hello") == 201
        line = lines(server, "aimlapi")
        assert re.search(r"aimlapi  o1-preview  json  201  hello  first \S+  total \S+  attempt 0", line)
        assert ask(port, "nothing") == 404
        assert "'hello' missed on user" in lines(server, "missed")
        (folder / "good.yaml").write_text(BAD)
        assert "the edit was not applied" in lines(server, "edit")
        (folder / "good.yaml").write_text(HIDDEN)
        assert "reloaded 2 fixtures" in lines(server, "reloaded")
        server.send_signal(signal.SIGTERM)
        _, complaints = server.communicate(timeout=20)
    assert server.returncode == 0
    assert complaints == (
        "mockserver: good.yaml:2:25: fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?\n"
    )


def test_serve_says_one_json_line_a_request() -> None:
    with closing(bind_socket("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with process("--port", str(port), "--tls-port", "0", "--log-format", "json", "hidden.yaml") as server:
        wait_until_ready("127.0.0.1", port, wait=20)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request("GET", "/healthz")
            assert json.load(connection.getresponse()) == {"status": "ok"}
        status = ask(port, "hello")
        started = json.loads(lines(server, "started"))
        assert (started["url"], started["fixtures"], started["strict"]) == (
            f"http://127.0.0.1:{port}",
            2,
            False,
        )
        assert re.fullmatch(r"https://127\.0\.0\.1:\d+", started["tls_url"])
        told = json.loads(lines(server, "aimlapi"))
        assert (status, told["status"], told["fixture"], told["attempt"]) == (201, 201, "hello", 0)
        server.send_signal(signal.SIGTERM)
        assert server.communicate(timeout=20) == ("", "")
    assert server.returncode == 0


def test_nothing_heavy_is_imported_at_the_start() -> None:
    heavy = ("jinja2", "faker", "openai", "httpx", "httpx2", "mockserver.recording")
    code = f"import sys, mockserver.cli.main; print([m for m in {heavy} if m in sys.modules])"
    heard = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert heard.stdout == "[]\n"
