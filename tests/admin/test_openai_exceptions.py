"""The outcome of every answer in the OpenAI SDK, measured with the installed one and reported without it."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest

from mockserver.admin.explain import ExplainInput, dry_run_input
from mockserver.admin.openai_exceptions import (
    FAULT_OUTCOMES,
    STATUS_OUTCOMES,
    SdkOutcome,
    describe_sdk_outcome,
    format_outcome_tables,
)
from mockserver.server import app
from mockserver.settings import Settings
from mockserver.wire.faults import FAULTS
from mockserver.wire.playback import Playback
from tests.conftest import wait_for_entries

if TYPE_CHECKING:
    from mockserver.testing import MockServer

SAID: Any = [{"role": "user", "content": "mock words"}]  # five chunks
WAYS = ((False, ""), (False, "@0"), (True, ""), (True, "@3"))
FAULTY = [(f"{name}{point}", stream) for name in FAULT_OUTCOMES for stream, point in WAYS]
_numbers = itertools.count(1)


class Impatient(openai.OpenAI):
    """The SDK as it is, but for the pauses between its attempts."""

    attempts = 1

    def _calculate_retry_timeout(self, *_: Any, **__: Any) -> float:
        self.attempts += 1
        return 0.0


def met(server: MockServer, headers: dict[str, str], *, stream: bool) -> SdkOutcome:
    """What a caller meets, and how often the server was asked for it."""
    session = f"raises-{next(_numbers)}"
    raised, chunks = None, None
    with Impatient(
        base_url=f"{server.url}/omixa/api/v1",
        api_key="key",
        timeout=0.5 if headers.get("X-Mock-Fault", "").startswith("hang") else 10,
        default_headers={"X-Mock-Session": session, **headers},
    ) as client:
        try:
            answer: Any = client.chat.completions.create(model="o3-mini", messages=SAID, stream=stream)
            if stream:
                chunks = 0
                for chunk in answer:
                    chunks += any(choice.delta.content for choice in chunk.choices)
        except Exception as error:  # noqa: BLE001 which one, is the question
            raised = type(error).__name__
    asked = len(wait_for_entries(server, session, client.attempts))
    assert asked == client.attempts
    return SdkOutcome(raised, asked, None if raised is None and chunks == 5 else chunks)


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
def test_the_sdk_raises_for_a_status_what_the_table_says(server: MockServer, stream: bool) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = pool.map(
            lambda status: met(server, {"X-Mock-Error": str(status)}, stream=stream), STATUS_OUTCOMES
        )
        assert dict(zip(STATUS_OUTCOMES, found, strict=True)) == STATUS_OUTCOMES


def test_the_sdk_raises_for_a_fault_what_the_table_says(server: MockServer) -> None:
    def measured(fault: str, stream: bool) -> SdkOutcome:
        spoken = fault.replace("slow", "slow=20000")
        return met(server, {"X-Mock-Fault": spoken}, stream=stream)

    with ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda each: measured(*each), FAULTY)
        told = (outcome for row in FAULT_OUTCOMES.values() for outcome in row)
        assert dict(zip(FAULTY, found, strict=True)) == dict(zip(FAULTY, told, strict=True))


def test_every_fault_has_been_measured() -> None:
    assert FAULT_OUTCOMES.keys() == FAULTS.keys()


def test_the_tables_of_the_documentation_are_these() -> None:
    page = Path(__file__).parents[2] / "docs" / "sdk-exceptions.md"
    for table in format_outcome_tables():
        assert table in page.read_text(), f"write this into {page.name}:\n\n{table}"


def test_nobody_needs_the_sdk_to_be_told() -> None:
    script = "import sys; from mockserver.admin import explain; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


LINE = app.create_pipeline(Settings(), Playback(), lambda _: None)


def explained(headers: dict[str, str], *, stream: bool, messages: Any = SAID) -> SdkOutcome | None:
    body = {"model": "o3-mini", "messages": messages, "stream": stream}
    return asyncio.run(dry_run_input(LINE, ExplainInput(body=body, headers=headers))).outcome


def test_an_explanation_says_what_the_sdk_does(server: MockServer) -> None:
    both = [
        ({"X-Mock-Error": error, "X-Mock-Fault": fault, "X-Mock-Delay": "20ms"}, stream)
        for error in ("404", "429", "418", "599")
        for fault in ("reset", "reset@5ms", "html", "no_body@5ms", "truncated_json", "wrapped", "comments")
        for stream in (False, True)
    ]
    late = [({"X-Mock-Error": "429", "X-Mock-Fault": f"{fault}@0"}, False) for fault in ("reset", "hang")]
    late += [
        ({"X-Mock-Fault": f"{fault}@end"}, stream)
        for fault in ("reset", "hang", "garbage", "truncated", "malformed_chunk")
        for stream in (False, True)
    ]
    late += [({"X-Mock-Error": "404", "X-Mock-Fault": "close@end"}, False)]
    with ThreadPoolExecutor(16) as pool:
        cases = [*both, *late]
        found = list(pool.map(lambda case: met(server, case[0], stream=case[1]), cases))
    for (headers, stream), outcome in zip(cases, found, strict=True):
        assert explained(headers, stream=stream) == outcome, (headers, stream)


def test_what_nobody_has_measured_is_not_told() -> None:
    assert explained({"X-Mock-Error": "429", "X-Mock-Fault": "reset@0"}, stream=True) is None
    said = [{"role": "user", "content": "mock raw sse"}]
    assert explained({}, stream=True, messages=said) is None


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (SdkOutcome(), "no error"),
        (SdkOutcome(None, 1, 0), "no error"),
        (SdkOutcome("APIStatusError"), "APIStatusError"),
        (SdkOutcome("RateLimitError", 3), "RateLimitError, 3 attempts"),
        (SdkOutcome("APIError", 1, 3), "APIError, after the chunks before it"),
        (SdkOutcome("APIError", 1, 0), "APIError"),
    ],
)
def test_an_outcome_reads_well(outcome: SdkOutcome, text: str) -> None:
    assert describe_sdk_outcome(outcome) == text


def test_a_table_counts_chunks_and_attempts() -> None:
    assert [str(each) for each in (SdkOutcome("A", 3), SdkOutcome("A", 1, 1), SdkOutcome(None, 1, 0))] == [
        "A ×3",
        "1 chunk, A",
        "0 chunks, no error",
    ]
