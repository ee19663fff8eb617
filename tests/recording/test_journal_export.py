"""An exported journal contains no secrets, and an import of it answers the same requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click.testing
import orjson
import pytest

from mockserver.cli import main as cli
from mockserver.recording.exchange_mask import ExchangeMask
from mockserver.recording.journal_export import export_har, export_json_lines
from mockserver.report.journal_file import load_journal_file
from mockserver.schema.yaml_document import load_document
from mockserver.testing import MockServer
from tests.conftest import Client, StartServer

FIXTURES = """
fixtures:
- {match: {user: Stream}, response: {chunks: [To ja, ne@x, ".de"]}}
- {match: {user: fail}, response: {error: 429, retry_after: 2s, message: No jane@x.de}}
- {match: {user: page}, response: {raw: {headers: {content-type: text/html}, body: "<p>jane@x.de"}}}
- {match: {}, response: Hello jane@x.de}
"""


@pytest.fixture(scope="module")
def serving(start_server: StartServer) -> MockServer:
    server = start_server(FIXTURES, strict=True)
    client = Client(server, "exported")
    for text in ("I am jane@x.de", "fail, jane@x.de", "page"):
        client.chat(content=text, headers={"X-Api-Token": "hunter2-hunter2"})
    client.chat(content="Stream to jane@x.de", stream=True)
    client.connection.request("POST", "/s/exported/nowhere/jane@x.de?a=1", body=b"no JSON, jane@x.de")
    client.connection.getresponse().read()
    client.connection.close()
    return server


def run(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli.main, arguments)


def test_json_lines_are_masked_and_read_again(serving: MockServer, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    result = run("export", "--url", serving.url, "--session", "exported", "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, f"wrote {path}\n")
    text = path.read_text()
    assert "jane" not in text
    assert "hunter2" not in text
    failed = orjson.loads(text.splitlines()[1])
    assert failed["status"] == 429
    assert failed["request"]["headers"]["x-api-token"].startswith("hun… (key-")
    attempts, incomplete = load_journal_file(path)
    assert (len(attempts), incomplete) == (5, "")
    result = run("import", str(path), "--to", str(tmp_path / "fixtures"))
    assert result.exit_code == 1
    assert result.stderr == f"mockserver: {path}: line 5: no vendor has its path\n"
    assert "imported 4 requests of" in result.stdout
    document: Any = load_document(tmp_path / "fixtures" / "journal.yaml").value
    first, refused, _, streamed = (one["response"] for one in document["fixtures"])
    assert first["text"] == "Hello {{ mask['email-1'] }}"
    assert (refused["error"], refused["retry_after"]) == (429, "2s")
    assert "".join(streamed["chunks"]) == "To {{ mask['email-1'] }}"


def test_an_archive_is_masked_and_read_again(serving: MockServer, tmp_path: Path) -> None:
    result = run("export", "--url", serving.url, "--format", "har")
    assert "jane" not in result.stdout
    log = orjson.loads(result.stdout)["log"]
    first, last = log["entries"][0], log["entries"][-1]
    assert (first["request"]["method"], first["response"]["statusText"]) == ("POST", "Created")
    assert first["request"]["url"] == f"{serving.url}/aimlapi/v1/chat/completions"
    assert last["request"]["queryString"] == [{"name": "a", "value": "1"}]
    (tmp_path / "journal.har").write_text(result.stdout)
    result = run("import", str(tmp_path / "journal.har"), "--to", str(tmp_path / "fixtures"))
    assert (result.exit_code, "imported 4 requests" in result.stdout) == (1, True)


def make_detail(**changes: Any) -> dict[str, Any]:
    detail = {
        "vendor": "aimlapi", "method": "POST", "path": "/v1/chat/completions", "arrived": "2026-01-01T00:00:00+00:00",
        "request": {"headers": {}, "query": "x=1", "body": {"a": "jane@x.de"}},
        "response": {"status": 299, "headers": {}, "body": "Hi jane@x.de", "events": None},
    }  # fmt: skip
    return detail | changes


def test_requests_without_an_answer_are_exported() -> None:
    details = [
        make_detail(response=None),
        make_detail(response={"status": 200, "headers": {}}),
        make_detail(response={"status": 200, "headers": {}, "events": [
            {"at_ms": 1.0, "data": ": comment"}, {"at_ms": None, "data": '{"type": "x", "delta": "jane@x.de"}'}]}),
    ]  # fmt: skip
    lines = [orjson.loads(line) for line in export_json_lines(details, ExchangeMask())]
    assert lines[0]["response"] is None
    assert lines[1]["response"]["body"] is None
    assert [one["data"] for one in lines[2]["response"]["events"]] == [
        ": comment",
        '{"type":"x","delta":"<email-1>"}',
    ]
    (entry,) = orjson.loads(export_har([make_detail()], ExchangeMask(), "http://x"))["log"]["entries"]
    assert entry["request"]["url"] == "http://x/aimlapi/v1/chat/completions?x=1"
    assert (entry["response"]["statusText"], entry["response"]["content"]["text"]) == ("", "Hi <email-1>")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("export", "--url", "http://127.0.0.1:9"), "no mockserver answers"),
        (("export", "--mask", "x*"), "matches an empty text"),
        (("import", "missing.json", "--to", "x"), "missing.json: cannot be read"),
        (("import", "missing.json", "--to", "x", "--default-vendor", "opnai"), "did you mean 'openai'"),
        (("import", "missing.json", "--to", "x", "--upstream", "x"), "expected VENDOR=URL"),
    ],
)
def test_what_cannot_be_done_is_one_error(arguments: tuple[str, ...], problem: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_is_imported_into_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text('{"fixtures": [{"match": {"userMessage": "hi"}, "response": {"content": "Hi"}}]}')
    (tmp_path / "file").write_text("")
    result = run("import", str(source), "--to", str(tmp_path / "file" / "x"))
    assert "cannot be written" in result.stderr
    empty = tmp_path / "b.json"
    empty.write_text('{"interactions": []}')
    assert run("import", str(empty), "--to", str(tmp_path / "out")).stdout == f"imported nothing of {empty}\n"


def test_an_import_and_the_fixtures_of_its_folder_have_different_names(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        source = tmp_path / name
        source.write_text('{"fixtures": [{"match": {"userMessage": "hi"}, "response": {"content": "Hi"}}]}')
        assert run("import", str(source), "--to", str(tmp_path / "out")).exit_code == 0
    names = [load_document(tmp_path / "out" / f"{one}.yaml").value["fixtures"][0]["name"] for one in "ab"]  # type: ignore[index]
    assert names == ["hi", "hi 2"]


def test_a_request_that_is_evicted_meanwhile_is_left_out(
    serving: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"requests": [{"number": 1, "id": "evicted"}]}
    monkeypatch.setattr("mockserver.client.control_client.ControlClient.get", lambda *_: rows)
    assert run("export", "--url", serving.url).stdout == "\n"


def test_equal_requests_of_several_cassettes_are_one_fixture(tmp_path: Path) -> None:
    request = {
        "method": "POST",
        "uri": "https://api.openai.com/v1/chat/completions",
        "headers": {},
        "body": '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}',
    }
    for name in ("a.yaml", "b.yaml"):
        answer = {"choices": [{"message": {"role": "assistant", "content": name}, "finish_reason": "stop"}]}
        body = {"string": orjson.dumps(answer).decode()}
        response = {"status": {"code": 200}, "headers": {}, "body": body}
        (tmp_path / name).write_bytes(
            orjson.dumps({"interactions": [{"request": request, "response": response}], "version": 1})
        )
    sources = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    result = run("import", *map(str, sources), "--to", str(tmp_path / "out"))
    assert result.stdout.splitlines() == [
        f"imported 1 request of {sources[0]} to {tmp_path / 'out' / 'a.yaml'}",
        f"added 1 request of {sources[1]} to the fixtures of equal requests of other files",
    ]
    [file] = (tmp_path / "out").iterdir()
    document: Any = load_document(file).value
    assert [one["text"] for one in document["fixtures"][0]["responses"]] == ["a.yaml", "b.yaml"]
