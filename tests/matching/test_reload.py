"""An edit is live within a second, a bad one changes nothing, and no request is lost over either."""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mockserver.errors import InputError
from mockserver.matching import loader
from mockserver.matching.fixture_set import FixtureSet
from mockserver.server.addresses import bind_socket
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

PATIENCE = 10  # seconds; an edit takes less than one where the machine has time


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at ten times as often as for users."""
    monkeypatch.setattr(loader, "POLL_INTERVAL", loader.POLL_INTERVAL / 10)


class Running:
    """A server, and what it says of edits."""

    def __init__(
        self, *paths: Path, between: Callable[[], None] = lambda: None, latency: Path | None = None
    ) -> None:
        self.edits: queue.Queue[FixtureSet | InputError] = queue.Queue()
        playback = Playback()
        made = create_pipeline(Settings(paths=paths, latency=latency), playback, lambda _: None)
        between()
        self.server = BackgroundServer(
            create_app(made, self.edits.put), bind_socket("127.0.0.1", 0), playback
        )

    @contextmanager
    def ask(self, stream: bool = False) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(*self.server.address, timeout=PATIENCE)
        body = {"model": "o1-preview", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        connection.request("POST", "/aimlapi/v1/chat/completions", json.dumps(body), headers)
        with closing(connection):
            yield connection.getresponse()

    def text(self) -> str:
        with self.ask() as response:
            text: str = json.load(response)["choices"][0]["message"]["content"]
        return text

    def edited(self) -> FixtureSet | InputError:
        return self.edits.get(timeout=PATIENCE)


@contextmanager
def running(
    *paths: Path, between: Callable[[], None] = lambda: None, latency: Path | None = None
) -> Iterator[Running]:
    one = Running(*paths, between=between, latency=latency)
    one.server.start()
    try:
        yield one
    finally:
        one.server.stop()


def says(text: str, name: str = "a") -> str:
    return f"fixtures:\n- {{name: {name}, match: {{}}, response: {text}}}\n"


def replace(path: Path, text: str) -> None:
    """As editors save: all at once, under another name first."""
    new = path.with_name(".new")
    new.write_text(text)
    new.replace(path)


def test_a_good_edit_is_live_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert (
        loader.POLL_INTERVAL * 3 < 1
    )  # a look that finds the edit, one that finds it finished, and half a look before
    file = tmp_path / "a.yaml"
    file.write_text(says("one"))
    with running(file) as one:
        assert one.text() == "one"
        file.write_text(says("twice"))
        assert isinstance(one.edited(), FixtureSet)
        assert one.text() == "twice"


def test_a_bad_edit_is_told_with_its_place_and_the_last_good_set_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(says("one"))
    with running(file) as one:
        replace(file, "fixtures:\n- {name: a, match: {usr: x}, response: hi}\n")
        assert (
            str(one.edited())
            == f"{file}:2:21: fixtures[0].match.usr: unknown key 'usr', did you mean 'user'?"
        )
        assert one.text() == "one"
        file.unlink()
        assert str(one.edited()) == f"{file}: cannot be read: No such file or directory"
        assert one.text() == "one"
        file.write_text(says("two"))
        assert isinstance(one.edited(), FixtureSet)
        assert one.text() == "two"


def test_the_control_api_tells_what_is_wrong_until_it_is_mended(tmp_path: Path) -> None:
    def problems(one: Running) -> list[dict[str, object]]:
        with closing(http.client.HTTPConnection(*one.server.address, timeout=PATIENCE)) as connection:
            connection.request("GET", "/_mock/fixtures")
            told: list[dict[str, object]] = json.load(connection.getresponse())["problems"]
        return told

    file = tmp_path / "a.yaml"
    file.write_text(says("one"))
    with running(file) as one:
        assert problems(one) == []
        replace(file, "fixtures:\n- {name: a, match: {usr: x}, response: hi}\n")
        one.edited()
        [problem] = problems(one)
        assert (problem["source"], problem["line"], problem["column"]) == (str(file), 2, 21)
        assert (problem["path"], problem["message"]) == (
            "fixtures[0].match.usr",
            "unknown key 'usr', did you mean 'user'?",
        )
        replace(file, says("two"))
        one.edited()
        assert problems(one) == []


def test_files_that_come_to_a_folder_or_leave_it_count(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(says("b", "b"))
    with running(tmp_path) as one:
        (tmp_path / "a.yaml").write_text(says("a"))
        one.edited()
        assert one.text() == "a"
        (tmp_path / "a.yaml").unlink()
        one.edited()
        assert one.text() == "b"


def test_a_configmaps_swap_of_links_counts(tmp_path: Path) -> None:
    # kubelet: fixtures.yaml -> ..data/fixtures.yaml, and ..data -> ..<time>, which is replaced by a rename
    for version in ("one", "two"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "fixtures.yaml").write_text(says(version))
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "fixtures.yaml").symlink_to("..data/fixtures.yaml")
    with running(tmp_path) as one:
        assert one.text() == "one"
        (tmp_path / "..data_tmp").symlink_to("..two")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        one.edited()
        assert one.text() == "two"


def test_an_edit_between_the_reading_and_the_first_look_is_not_missed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(says("one"))
    with running(file, between=lambda: replace(file, says("two"))) as one:
        one.edited()
        assert one.text() == "two"


def test_a_stream_that_runs_finishes_as_it_began(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    slow = "{chunks: [one, {delay: 500ms}, ' end']}"
    file.write_text(says(slow))
    with running(file) as one:
        with one.ask(stream=True) as response:
            begun = response.read1()
            replace(file, says("two"))
            one.edited()
            assert one.text() == "two"
            whole = begun + response.read()
        assert b" end" in whole
        assert whole.endswith(b"data: [DONE]\n\n")


def test_somebody_who_never_stops_editing_does_not_wait_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(says("first"))
    done, tick = threading.Event(), threading.Event()

    def edit() -> None:
        for number in itertools.takewhile(lambda _: not done.is_set(), itertools.count()):
            replace(file, says(f"edit {number}"))
            tick.wait(0.02)

    with running(file) as one:
        editor = threading.Thread(target=edit)
        editor.start()
        try:
            assert isinstance(one.edited(), FixtureSet)
        finally:
            done.set()
            editor.join()


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_edits_lose_no_request(tmp_path: Path, count: int) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(says("old"))
    heard: list[tuple[int, str]] = []
    done = threading.Event()

    def send(to: Running) -> None:
        while not done.is_set():
            with to.ask() as response:
                whole = json.load(response)
                heard.append((response.status, whole["choices"][0]["message"]["content"]))

    with running(file) as one:
        clients = [threading.Thread(target=send, args=(one,)) for _ in range(3)]
        for client in clients:
            client.start()
        for number in range(count):
            replace(file, says("new") if number % 2 else "fixtures: [")
        next(
            edit for edit in iter(one.edited, None) if isinstance(edit, FixtureSet)
        )  # bad ones may be met before it
        done.set()
        for client in clients:
            client.join()
        assert one.text() == "new"
    assert {text for _, text in heard} <= {"old", "new"}
    assert {status // 100 for status, _ in heard} == {2}


@pytest.mark.parametrize("paths", [(), ("a.yaml",)])
def test_nothing_is_watched_where_nothing_can_change(paths: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(says("one"))
    settings = Settings(paths=tuple(tmp_path / path for path in paths), reload=False)
    made = create_app(create_pipeline(settings, Playback(), lambda _: None), lambda _: None)
    assert "create_app" not in repr(made.lifespan.router.lifespan_context)


def test_the_file_of_a_raw_response_is_watched_too(tmp_path: Path) -> None:
    file, body = tmp_path / "a.yaml", tmp_path / "body.json"
    file.write_text("fixtures:\n- {name: a, match: {}, response: {raw: {file: body.json}}}\n")
    body.write_text('{"choices":[{"message":{"content":"one"}}]}')
    with running(file) as one:
        assert one.text() == "one"
        replace(body, '{"choices":[{"message":{"content":"two"}}]}')
        assert isinstance(one.edited(), FixtureSet)
        assert one.text() == "two"
        body.unlink()
        assert "the file 'body.json' cannot be read" in str(one.edited())
        assert one.text() == "two"
        body.write_text('{"choices":[{"message":{"content":"three"}}]}')
        assert isinstance(one.edited(), FixtureSet)
        assert one.text() == "three"
        assert one.edits.empty()


def test_the_latency_file_is_watched_beside_the_shipped_fixtures(tmp_path: Path) -> None:
    file = tmp_path / "latency.yaml"
    file.write_text("latency: [{delay: 1ms}]")
    with running(latency=file) as one:
        replace(file, "latency: [{delay: 2ms}, {model: a, delay: 3ms}]")
        edited = one.edited()
        assert isinstance(edited, FixtureSet)
        assert len(edited.latency_rules) == 2
        assert len(edited) > 20
        replace(file, "latency: [{delay: 2}]")
        assert "latency.yaml:1:12: latency[0].delay: a duration needs a unit" in str(one.edited())
        file.unlink()
        assert "latency.yaml: cannot be read" in str(one.edited())
        file.write_text("latency: []")
        edited = one.edited()
        assert isinstance(edited, FixtureSet)
        assert edited.latency_rules == ()
        assert one.edits.empty()
