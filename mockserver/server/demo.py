"""Scripted demo clients, with good and bad retry policies, that give the web UI something to show.

Every run makes the same requests with the same waits, over real connections, for a fixed number of rounds. Each client
has a session with its own fixtures, so that it is independent of the fixtures that the server serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.masking import join_scheme
from mockserver.matching import loader
from mockserver.matching.fixture_set import FixtureSet
from mockserver.pipeline import ChatPipeline
from mockserver.request.request_head import SESSION_HEADER
from mockserver.schema.yaml_document import parse_yaml
from mockserver.sessions.store import Overlay
from mockserver.vendors.vendor import Vendor

ROUNDS = 8  # repetitions of the whole script, about 15 seconds each
ROUND_PAUSE = 6.0  # seconds between two rounds


@dataclass(frozen=True, slots=True)
class Scenario:
    """The script of one client: a request, and after a failure one retry after each of the delays in seconds.

    A delay of None means that of the Retry-After header. `start_at` is in seconds; `vendor_index` counts from 0.
    """

    session: str
    start_at: float
    vendor_index: int
    prompt: str
    responses_yaml: str  # the fixture's responses, in YAML
    retry_delays: tuple[float | None, ...] = ()
    stream: bool = False


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt; status 0 means that the connection broke."""

    status: int
    retry_after: float
    complete: bool


SCENARIOS = (
    Scenario(
        "support-bot",
        0.0,
        0,
        "My parcel has not arrived. What can I do?",
        "[{stream: {ttft: 600ms, tps: 14}, text: 'I am sorry to hear that. Could you tell me the number of your order, "
        "please? It is on the receipt that we sent you.'}]",
        stream=True,
    ),
    Scenario(
        "checkout",
        0.3,
        1,
        "Is this payment fraudulent? Answer yes or no.",
        "[{error: 429, retry_after: 2s, delay: 120ms}, {text: 'No.', delay: 400ms}]",
        (None,),
    ),
    Scenario(
        "crawler",
        0.6,
        0,
        "Summarise this page in one sentence.",
        "[{error: 503, delay: 90ms, times: 7}, {text: A page about trains., delay: 250ms}]",
        (0.03,) * 7,
    ),
    Scenario(
        "planner",
        0.9,
        2,
        "Plan three days in Lisbon.",
        "[{error: 500, delay: 200ms}, {error: 502, delay: 150ms}, {error: 500, delay: 220ms}, "
        "{text: 'Alfama, Belém, Sintra.', delay: 500ms}]",
        (0.5, 1.0, 2.0),
    ),
    Scenario(
        "impatient",
        1.4,
        0,
        "Translate the menu into French.",
        "[{error: 429, retry_after: 3s, delay: 80ms, times: 3}, {text: Soupe du jour., delay: 300ms}]",
        (0.4, 0.4, 0.4),
    ),
    Scenario(
        "reader",
        2.0,
        1,
        "Read me the news of today.",
        "[{text: Good morning. Here is what has happened in the world since you went to bed last night., "
        "stream: {ttft: 300ms, tps: 12}, fault: reset@9}, {text: Good morning. Here is what has happened in the "
        "world since you went to bed., stream: {ttft: 250ms, tps: 16}}]",
        (0.8,),
        stream=True,
    ),
    Scenario(
        "night-batch",
        3.2,
        2,
        "Classify these 400 tickets.",
        "[{error: 504, delay: 2500ms}, {text: 'Done: 400.', delay: 900ms}]",
        (1.0,),
    ),
    Scenario("intern", 4.0, 1, "Why does nothing work?", "[insufficient_credits]"),
    Scenario(
        "voice",
        4.4,
        0,
        "Tell me a joke.",
        "[{text: Why did the chicken cross the road? To retry on the other side., "
        "stream: {ttft: 1800ms, tps: 25}, fault: truncated_json@8}]",
        stream=True,
    ),
    Scenario(
        "search", 5.0, 1, "Which of these documents mentions Ada?", "[{text: The second one., delay: 180ms}]"
    ),
)


async def run_demo(
    pipeline: ChatPipeline,
    address: tuple[str, int],
    scenarios: Iterable[Scenario] = SCENARIOS,
    rounds: int = ROUNDS,
) -> None:
    """Run the whole script `rounds` times. `address` is where the server of this pipeline listens."""
    scenarios = tuple(scenarios)
    for scenario in scenarios:
        await pipeline.store.set_overlay(
            scenario.session, Overlay(FixtureSet(_scenario_fixtures(scenario)), fixtures_added=1)
        )
    vendors = tuple(pipeline.router.listed_vendors.values())
    for number in range(rounds):
        await asyncio.sleep(ROUND_PAUSE if number else 0)
        clients = (
            _run_scenario(scenario, vendors[scenario.vendor_index % len(vendors)], address)
            for scenario in scenarios
        )
        await asyncio.gather(*clients)


def _scenario_fixtures(scenario: Scenario) -> tuple[Any, ...]:
    text = f"{{name: {scenario.session}, match: {{}}, then: cycle, responses: {scenario.responses_yaml}}}"
    return loader.load_runtime_document(parse_yaml(text, "demo"), scenario.session).fixtures


async def _run_scenario(scenario: Scenario, vendor: Vendor, address: tuple[str, int]) -> None:
    """Make the attempts of one scenario, until one succeeds or the client gives up."""
    await asyncio.sleep(scenario.start_at)
    result = await _send_attempt(scenario, vendor, address)
    for delay in scenario.retry_delays:
        if result.complete and result.status < 400:
            return
        await asyncio.sleep(result.retry_after if delay is None else delay)
        result = await _send_attempt(scenario, vendor, address)


async def _send_attempt(scenario: Scenario, vendor: Vendor, address: tuple[str, int]) -> AttemptResult:
    """Send one request on its own connection and read the response to its end."""
    profile = vendor.profile
    key = profile.keys[0]
    path = profile.paths.chat[0].replace("{model}", profile.sample_model)
    body = orjson.dumps(
        {
            "model": profile.sample_model,
            "messages": [{"role": "user", "content": scenario.prompt}],
            "stream": scenario.stream,
        }
    )
    head = [
        f"POST /{vendor.name}{path} HTTP/1.1",
        f"host: {address[0]}:{address[1]}",
        f"{key.header}: {join_scheme(key.scheme, profile.sample_key)}",
        f"{SESSION_HEADER}: {scenario.session}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    try:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode() + body)
            return _parse_response(await reader.read())
        finally:
            writer.close()
    except OSError:
        return AttemptResult(0, 0.0, complete=False)


def _parse_response(response: bytes) -> AttemptResult:
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    # A chunked body is complete only if its last chunk has arrived.
    complete = "transfer-encoding" not in headers or body.endswith(b"0\r\n\r\n")
    return AttemptResult(int(status.split()[1]), float(headers.get("retry-after", 0)), complete)
