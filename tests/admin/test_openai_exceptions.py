"""The outcome of every answer in the OpenAI SDK, measured with the installed one and reported without it."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from mockserver.admin.explain import ExplainInput, dry_run_input
from mockserver.admin.openai_exceptions import (
    SdkOutcome,
    describe_sdk_outcome,
    describe_sdk_outcomes,
    load_outcome_table,
)
from mockserver.admin.received_chunks import count_received_chunks, has_bare_event
from mockserver.server import app
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.vendors.profile import load_profile
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.faults import FAULTS
from mockserver.wire.playback import Playback
from tests.admin.measure_sdks import (
    CHUNKS,
    FIXTURES,
    FORMS,
    POINTS,
    STATUSES,
    list_cells,
    main,
    write_profiles,
)
from tests.admin.outcome_tables import PAGE, format_outcome_tables, write_outcome_tables
from tests.admin.sdk_measurement import measure_outcome

TABLE = load_outcome_table()
INSTALLED = openai.__version__.partition(".")[0]
COMPARED = 40  # cells, chosen by seed
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_profiles(tmp_path_factory.mktemp("profiles"))


@pytest.fixture(scope="module")
def measured(profiles: dict[str, Path]) -> Iterator[MockServer]:
    with MockServer(fixtures_yaml=FIXTURES, vendors=tuple(profiles.values()), reload=False) as server:
        yield server


def test_a_sample_of_the_cells_is_as_measured(measured: MockServer, profiles: dict[str, Path]) -> None:
    cells = [cell for cell in list_cells(measured.url, profiles) if "hang" not in cell[0]]
    chosen = random.Random(7).sample(cells, COMPARED)
    with ThreadPoolExecutor(8) as pool:
        outcomes = pool.map(
            lambda cell: measure_outcome(cell[1][0], cell[1][1], stream=cell[1][2], retries=0), chosen
        )
    for ((kind, key, name, form, point), _), outcome in zip(chosen, outcomes, strict=True):
        cell: Any = getattr(TABLE, kind)[INSTALLED][key][name][form]
        expected = cell if kind == "statuses" else cell[TABLE.points.index(point)]
        assert SdkOutcome(*outcome) == replace(expected, attempts=1), (key, name, form, point)


def test_each_status_fault_profile_and_release_has_been_measured(profiles: dict[str, Path]) -> None:
    assert (TABLE.points, TABLE.chunk_count) == (POINTS, CHUNKS)
    assert TABLE.error_keys.keys() == profiles.keys()
    assert list(TABLE.releases) == ["3", "2", "1"]
    for release, profile in itertools.product(TABLE.releases, profiles):
        assert TABLE.faults[release][profile].keys() == FAULTS.keys()
        assert TABLE.statuses[release][profile].keys() == set(map(str, STATUSES))


def test_a_status_raises_the_same_for_each_profile_release_and_form() -> None:
    rows = [
        {(status, outcome) for status, forms in statuses.items() for outcome in forms.values()}
        for profiles in TABLE.statuses.values()
        for statuses in profiles.values()
    ]
    assert all(row == rows[0] for row in rows)
    assert len(rows[0]) == len(STATUSES)


def test_the_tables_of_the_documentation_are_these(tmp_path: Path) -> None:
    blocks = dict(format_outcome_tables(TABLE))
    assert list(blocks) == ["versions", "statuses", "faults", "differences"]
    for block in blocks.values():
        assert block in PAGE.read_text(), f"write this into {PAGE.name}:\n\n{block}"
    copy = empty_page(tmp_path)
    write_outcome_tables(copy, TABLE)
    assert copy.read_text() == PAGE.read_text()


def empty_page(folder: Path) -> Path:
    """Return a copy of the page without its tables."""
    copy = folder / PAGE.name
    text = re.sub(r"measured -->.*?<!-- end", "measured -->\n<!-- end", PAGE.read_text(), flags=re.DOTALL)
    copy.write_text(text)
    return copy


@pytest.mark.slow
def test_a_measurement_writes_the_table_and_the_page(tmp_path: Path) -> None:
    file, page = tmp_path / "table.json", empty_page(tmp_path)
    main({INSTALLED: sys.executable}, file, page, statuses=(404,), faults=("error_event",))
    table = load_outcome_table(file)
    assert table.releases == {INSTALLED: openai.__version__}
    for profile, rows in table.faults[INSTALLED].items():
        known = TABLE.faults[INSTALLED][profile]
        assert rows == {"error_event": known["error_event"]}
    assert "| 404 | NotFoundError |" in page.read_text()


def test_nobody_needs_the_sdk_to_be_told() -> None:
    script = "import sys; from mockserver.admin import explain; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- explanations

WORDS = FIXTURES.replace(
    "fixtures: [", "fixtures: [{match: {user: raw}, response: {raw: {sse: ['data: {}']}}}, "
)


@pytest.fixture(scope="module")
def explained(profiles: dict[str, Path]) -> Any:
    """Return a function that explains a request to a measured profile."""
    settings = Settings(fixtures_yaml=WORDS, vendors=tuple(profiles.values()))
    pipeline = app.create_pipeline(settings, Playback(), lambda _: None)

    def explain(vendor: str, headers: dict[str, str], *, stream: bool, words: str = "words") -> Any:
        body = {"model": "o3-mini", "messages": [{"role": "user", "content": words}], "stream": stream}
        request = ExplainInput(body=body, vendor=vendor, headers=headers)
        return asyncio.run(dry_run_input(pipeline, request)).outcomes

    return explain


@pytest.mark.slow
def test_an_explanation_has_what_was_measured(explained: Any, profiles: dict[str, Path]) -> None:
    for key, fault, (form, stream), point in itertools.product(profiles, FAULTS, FORMS.items(), POINTS):
        spoken = fault.replace("slow", "slow=20000") + point
        found = explained(profiles[key].stem, {"X-Mock-Fault": spoken}, stream=stream)
        for release in TABLE.releases:
            expected = TABLE.faults[release][key][fault][form][POINTS.index(point)]
            if expected.exception is None and expected.chunks == CHUNKS and not expected.bare:
                expected = replace(expected, chunks=None)
            assert found[release] == expected, (release, key, spoken, form)


def test_a_vendor_that_was_not_measured_is_like_one_with_the_same_errors(
    measured: MockServer, profiles: dict[str, Path]
) -> None:
    shipped = {name: vendor.profile for name, vendor in app.load_vendors().vendors.items()}
    assert TABLE.choose_profile(shipped["aimlapi"]) == "aimlapi@2026-08"
    assert TABLE.choose_profile(shipped["segmind"]) == next(k for k, v in TABLE.error_keys.items() if v)
    own = load_profile(profiles["aimlapi@2024"])
    assert TABLE.choose_profile(own) == "aimlapi@2024"


BOTH = [
    ({"X-Mock-Error": error, "X-Mock-Fault": fault}, stream)
    for error in ("404", "429")
    for fault in ("reset", "html", "no_body@5ms", "truncated_json", "comments", "reset@5ms")
    for stream in (False, True)
] + [
    ({"X-Mock-Error": "418"}, True),
    ({"X-Mock-Error": "599"}, False),
    ({"X-Mock-Fault": "reset@end"}, False),
    ({"X-Mock-Fault": "reset@finish"}, True),
    ({"X-Mock-Fault": "close@2", "X-Mock-Delay": "5ms"}, True),
    ({"X-Mock-Fault": "not_json@300b"}, True),
]


def test_an_explanation_says_what_the_sdk_does(explained: Any, measured: MockServer) -> None:
    def heard(case: tuple[dict[str, str], bool]) -> SdkOutcome:
        headers, stream = case
        session = {"X-Mock-Session": f"raises-{next(_numbers)}", "X-Mock-Delay": "10ms"}
        return SdkOutcome(
            *measure_outcome(f"{measured.url}/omixa/api/v1", session | headers, stream=stream, retries=0)
        )

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(heard, BOTH))
    for (headers, stream), outcome in zip(BOTH, outcomes, strict=True):
        told = explained("omixa", {"X-Mock-Delay": "10ms"} | headers, stream=stream)[INSTALLED]
        assert told.exception == outcome.exception, (headers, stream)
        assert told.chunks in (outcome.chunks, None), (headers, stream)


def test_what_nobody_has_measured_is_not_told(explained: Any) -> None:
    assert explained("omixa", {"X-Mock-Error": "429", "X-Mock-Fault": "reset@0"}, stream=True) == {}
    assert explained("omixa", {}, stream=True, words="raw") == {}
    assert explained("segmind", {}, stream=True) == {}


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (SdkOutcome(), "no error"),
        (SdkOutcome(None, 1, 0), "no error"),
        (SdkOutcome(None, 1, 2, bare=True), "no error, an object without choices"),
        (SdkOutcome("APIStatusError"), "APIStatusError"),
        (SdkOutcome("RateLimitError", 3), "RateLimitError, 3 attempts"),
        (SdkOutcome("APIError", 1, 3), "APIError, after 3 chunks"),
        (SdkOutcome("APIError", 1, 1), "APIError, after 1 chunk"),
        (SdkOutcome("APIError", 1, 0), "APIError"),
    ],
)
def test_an_outcome_reads_well(outcome: SdkOutcome, text: str) -> None:
    assert describe_sdk_outcome(outcome) == text
    assert describe_sdk_outcomes({"3": outcome, "2": outcome}) == text


def test_releases_that_differ_are_named_together() -> None:
    plain = SdkOutcome("ReadError")
    outcomes = {"3": SdkOutcome("APIConnectionError"), "2": plain, "1": plain}
    assert describe_sdk_outcomes(outcomes) == "APIConnectionError; SDK 2 and 1: ReadError"


# --- what arrives


def stream_of(*events: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    frames = [
        Frame(b"data: " + (one if isinstance(one, bytes) else orjson.dumps(one)) + b"\n\n") for one in events
    ]
    return Answer(200, headers, tuple(frames), streamed=True)


CONTENT = {"choices": [{"delta": {"content": "Hi"}}]}


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ((CONTENT, CONTENT), 2),
        ((CONTENT, {"choices": [{"delta": {}}]}, {"choices": []}), 1),
        ((CONTENT, b"[DONE]", CONTENT), 1),
        ((CONTENT, b"<html>", CONTENT), 1),
        ((CONTENT, [], CONTENT), 1),
        ((CONTENT, {"error": {"message": "no"}}, CONTENT), 1),
        ((CONTENT, {"message": "no"}), 1),
    ],
)
def test_the_chunks_that_arrive_are_counted(events: tuple[Any, ...], count: int) -> None:
    assert count_received_chunks(stream_of(*events)) == count


def test_comments_and_bodies_that_cannot_be_decoded_have_no_chunks() -> None:
    assert count_received_chunks(Answer(200, (), (Frame(b": ping\r\n\r\ndata: {}\n\n"),), streamed=True)) == 0
    assert count_received_chunks(stream_of(CONTENT, headers=(("content-encoding", "gzip"),))) == 0


def test_an_event_without_choices_is_found_in_a_stream_alone() -> None:
    assert has_bare_event(stream_of(CONTENT, {"message": "no"}))
    assert not has_bare_event(stream_of(CONTENT))
    assert not has_bare_event(replace(stream_of({"message": "no"}), streamed=False))
