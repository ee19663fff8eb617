"""Files that are no fixture files: the start and the watcher report them, and neither waits nor ends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import requests

from mockserver.errors import InputError
from mockserver.fixtures.fixture import FIXTURE
from mockserver.matching import loader
from mockserver.matching.fixture_files import list_fixture_files, stat_fixture_files
from mockserver.matching.fixture_set import FileStats, FixtureSet
from mockserver.matching.loader import load_fixture_set, watch_fixture_files
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import MAX_FILE_BYTES, document_from_value, load_document, parse_yaml
from tests.conftest import StartServer

HELLO = "fixtures: [{name: hello, match: {}, response: Hello.}]\n"


@pytest.fixture(autouse=True)
def poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "POLL_INTERVAL", 0.001)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a fixture file and with things that look like one."""
    (tmp_path / "a.yaml").write_text(HELLO)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "missing.yaml").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.yaml"))
    return tmp_path


def test_only_regular_files_of_a_folder_are_read(folder: Path) -> None:
    assert list_fixture_files(folder) == [folder / "a.yaml"]
    assert load_fixture_set([folder]).names == ("hello",)
    (folder / "link.yaml").symlink_to(folder / "a.yaml")
    assert list_fixture_files(folder) == [folder / "a.yaml", folder / "link.yaml"]


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(HELLO)
    os.truncate(file, 100_000_000)
    with pytest.raises(InputError) as raised:
        load_fixture_set([tmp_path])
    assert str(raised.value) == f"{file}: found more than 16,777,216 bytes; split it into several files"


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(InputError, match=f"found more than {MAX_FILE_BYTES:,} bytes"):
        load_document(Path("/dev/zero"))


# --- the watcher


def _watch(
    paths: tuple[Path, ...],
    load: Callable[[], FixtureSet],
    count: int,
    on_change: Callable[[FixtureSet], None] = lambda _: None,
    after: Callable[[int], None] = lambda _: None,
    loaded: FileStats | None = None,
) -> list[FixtureSet | InputError]:
    """Watch until so many outcomes are reported; `after` runs after each, with their number."""
    outcomes: list[FixtureSet | InputError] = []

    async def watch() -> None:
        enough = asyncio.Event()

        def report(outcome: FixtureSet | InputError) -> None:
            outcomes.append(outcome)
            after(len(outcomes))
            if len(outcomes) == count:
                enough.set()

        stats = loaded or {}
        task = asyncio.create_task(watch_fixture_files(paths, lambda: stats, load, on_change, report))
        await asyncio.wait_for(enough.wait(), 20)
        assert not task.done()
        task.cancel()

    asyncio.run(watch())
    return outcomes


def test_the_watcher_reports_a_large_file_and_goes_on(folder: Path) -> None:
    large = folder / "large.yaml"
    large.touch()
    os.truncate(large, 100_000_000)
    first, second = _watch(
        (folder,), lambda: load_fixture_set([folder]), 2, after=lambda _: large.unlink(True)
    )
    assert str(first) == f"{large}: found more than 16,777,216 bytes; split it into several files"
    assert isinstance(second, FixtureSet)


@pytest.mark.parametrize(
    "error", [RecursionError("too deep"), MemoryError(), ValueError("no"), OSError(24, "files")]
)
def test_no_exception_of_loading_ends_the_watcher(tmp_path: Path, error: Exception) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HELLO)
    errors = [error]

    def edit(number: int) -> None:
        file.write_text(HELLO + "#" * number)

    def load() -> FixtureSet:
        if errors:
            raise errors.pop()
        return load_fixture_set([file])

    first, second = _watch((file,), load, 2, after=edit)
    assert str(first) == f"the fixture files: unexpected {type(error).__name__}: {error}"
    assert isinstance(second, FixtureSet)


def test_no_exception_of_a_listener_ends_the_watcher(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HELLO)
    changes = 0

    def change(_: FixtureSet) -> None:
        nonlocal changes
        changes += 1
        if changes == 1:
            raise ValueError("no")

    def edit_and_fail(number: int) -> None:
        file.write_text(HELLO + "#" * number)
        if number < 4:
            raise OSError("the log is full")

    outcomes = _watch((file,), lambda: load_fixture_set([file]), 4, change, edit_and_fail)
    assert str(outcomes[0]) == "the fixture files: unexpected ValueError: no"
    assert changes >= 2


def test_an_error_of_every_poll_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HELLO)
    real, polls = stat_fixture_files, 0

    def stat(paths: tuple[Path, ...], named_files: Iterable[str] = ()) -> FileStats:
        nonlocal polls
        polls += 1
        if polls <= 5:
            raise OSError("not now")
        return real(paths, named_files)

    monkeypatch.setattr(loader, "stat_fixture_files", stat)
    first, second = _watch((file,), lambda: load_fixture_set([file]), 2)
    assert str(first) == "the fixture files: unexpected OSError: not now"
    assert isinstance(second, FixtureSet)
    assert polls > 5


def test_reload_keeps_the_fixtures_of_the_environment(start_server: StartServer) -> None:
    server = start_server(
        HELLO, fixtures_yaml="fixtures: [{name: first, match: {user: one}, response: One.}]"
    )
    url = f"{server.url}/_mock/fixtures"
    for _ in range(2):
        names = [fixture["name"] for fixture in requests.get(url, timeout=20).json()["fixtures"]]
        assert names == ["first", "hello"]
        assert requests.post(f"{url}/reload", json={}, timeout=20).status_code == 200


# --- integers


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63), 0])
def test_integers_of_64_bits_are_read(number: int) -> None:
    assert parse_yaml(f"a: {number}", "f.yaml").value == {"a": number}
    assert document_from_value({"a": number}, "f").value == {"a": number}


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "0x10000000000000000", "9" * 299]
)
def test_longer_integers_are_mistakes_with_a_position(number: str) -> None:
    with pytest.raises(
        InputError, match=r"^f\.yaml:2:5: found -?[0-9…]+, expected a whole number of at most 64 bits"
    ):
        parse_yaml(f"b: 1\na: [{number}]", "f.yaml")
    with pytest.raises(
        InputError, match=r"^f: a\[0\]: found -?[0-9…]+, expected a whole number of at most 64 bits"
    ):
        document_from_value({"a": [int(number, 0)]}, "f")


@pytest.mark.parametrize(
    "response",
    [
        "{json: {a: [1, 18446744073709551616]}}",
        "{text: a, created: 18446744073709551616}",
        "{text: a, times: 1e300}",
    ],
)
def test_a_fixture_with_a_longer_integer_is_refused(tmp_path: Path, response: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"fixtures:\n- match: {{}}\n  response: {response}\n")
    with pytest.raises(InputError, match=r"a\.yaml:3:[0-9]+: .*expected a whole number of at most 64 bits"):
        load_fixture_set([file])


def test_a_quoted_integer_is_text() -> None:
    assert parse_yaml("a: '18446744073709551616'", "f.yaml").value == {"a": "18446744073709551616"}


def test_a_text_that_json_cannot_hold_is_refused() -> None:
    document = document_from_value({"match": {}, "response": {"json": "\ud800"}}, "call")
    with pytest.raises(InputError, match=r"call: response\.json: found a value that cannot be sent as JSON"):
        read_document(FIXTURE, document)
