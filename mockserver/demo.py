"""A few clients, good and bad at trying again, that call their own server so that the page has something to show.

They are scripted: the same calls with the same waits on every run, over real connections, a few rounds and no more.
Each has a session with fixtures of its own, so that they meet nobody else's, whatever the server serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver import document
from mockserver.chat import Line
from mockserver.session.store import Layer
from mockserver.shelf import library
from mockserver.shelf.matching import Shelf
from mockserver.vendors.vendor import Vendor

ROUNDS = 8  # of the whole script, about a quarter of a minute each
PAUSE = 6.0  # seconds between two rounds


@dataclass(frozen=True, slots=True)
class Scene:
    """What one client does: it asks, and after a failure asks again, after waiting so many seconds each time.

    A wait of None is as long as Retry-After says. `at` is when it begins, in seconds; `vendor` counts from 0.
    """

    session: str
    at: float
    vendor: int
    says: str
    hears: str  # the fixture's responses, in YAML
    waits: tuple[float | None, ...] = ()
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What one attempt came to; status 0: the connection broke."""

    status: int
    retry_after: float
    whole: bool


SCRIPT = (
    Scene(
        "support-bot",
        0.0,
        0,
        "My parcel has not arrived. What can I do?",
        "[{stream: {ttft: 600ms, tps: 14}, text: 'I am sorry to hear that. Could you tell me the number of your order, "
        "please? It is on the receipt that we sent you.'}]",
        stream=True,
    ),
    Scene(
        "checkout",
        0.3,
        1,
        "Is this payment fraudulent? Answer yes or no.",
        "[{error: 429, retry_after: 2s, delay: 120ms}, {text: 'No.', delay: 400ms}]",
        (None,),
    ),
    Scene(
        "crawler",
        0.6,
        0,
        "Summarise this page in one sentence.",
        "[{error: 503, delay: 90ms, times: 7}, {text: A page about trains., delay: 250ms}]",
        (0.03,) * 7,
    ),
    Scene(
        "planner",
        0.9,
        2,
        "Plan three days in Lisbon.",
        "[{error: 500, delay: 200ms}, {error: 502, delay: 150ms}, {error: 500, delay: 220ms}, "
        "{text: 'Alfama, Belém, Sintra.', delay: 500ms}]",
        (0.5, 1.0, 2.0),
    ),
    Scene(
        "impatient",
        1.4,
        0,
        "Translate the menu into French.",
        "[{error: 429, retry_after: 3s, delay: 80ms, times: 3}, {text: Soupe du jour., delay: 300ms}]",
        (0.4, 0.4, 0.4),
    ),
    Scene(
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
    Scene(
        "night-batch",
        3.2,
        2,
        "Classify these 400 tickets.",
        "[{error: 504, delay: 2500ms}, {text: 'Done: 400.', delay: 900ms}]",
        (1.0,),
    ),
    Scene("intern", 4.0, 1, "Why does nothing work?", "[insufficient_credits]"),
    Scene(
        "voice",
        4.4,
        0,
        "Tell me a joke.",
        "[{text: Why did the chicken cross the road? To retry on the other side., "
        "stream: {ttft: 1800ms, tps: 25}, fault: truncated_json@8}]",
        stream=True,
    ),
    Scene(
        "search", 5.0, 1, "Which of these documents mentions Ada?", "[{text: The second one., delay: 180ms}]"
    ),
)


async def play(
    line: Line, address: tuple[str, int], script: Iterable[Scene] = SCRIPT, rounds: int = ROUNDS
) -> None:
    """The whole script, so often. `address` is where the server of this line listens."""
    script = tuple(script)
    for scene in script:
        await line.store.lay(scene.session, Layer(Shelf(_written(scene)), made=1))
    vendors = tuple(line.directory.vendors.values())
    for number in range(rounds):
        await asyncio.sleep(PAUSE if number else 0)
        acting = (_act(scene, vendors[scene.vendor % len(vendors)], address) for scene in script)
        await asyncio.gather(*acting)


def _written(scene: Scene) -> tuple[Any, ...]:
    text = f"{{name: {scene.session}, match: {{}}, then: cycle, responses: {scene.hears}}}"
    return library.added(document.parse(text, "demo"), scene.session).fixtures


async def _act(scene: Scene, vendor: Vendor, address: tuple[str, int]) -> None:
    """The attempts of one scene, until one succeeds or the client gives up."""
    await asyncio.sleep(scene.at)
    reply = await _ask(scene, vendor, address)
    for wait in scene.waits:
        if reply.whole and reply.status < 400:
            return
        await asyncio.sleep(reply.retry_after if wait is None else wait)
        reply = await _ask(scene, vendor, address)


async def _ask(scene: Scene, vendor: Vendor, address: tuple[str, int]) -> Reply:
    """One request on a connection of its own, read to its end."""
    profile = vendor.profile
    key = profile.keys[0]
    path = profile.paths.chat[0].replace("{model}", profile.sample_model)
    body = orjson.dumps(
        {
            "model": profile.sample_model,
            "messages": [{"role": "user", "content": scene.says}],
            "stream": scene.stream,
        }
    )
    head = [
        f"POST /{vendor.name}{path} HTTP/1.1",
        f"host: {address[0]}:{address[1]}",
        f"{key.header}: {key.scheme} {profile.sample_key}".replace(":  ", ": "),
        f"x-mock-session: {scene.session}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    try:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode() + body)
            return _read(await reader.read())
        finally:
            writer.close()
    except OSError:
        return Reply(0, 0.0, whole=False)


def _read(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    # A body in chunks has an end of its own; where that is missing it was cut.
    whole = "transfer-encoding" not in headers or body.endswith(b"0\r\n\r\n")
    return Reply(int(status.split()[1]), float(headers.get("retry-after", 0)), whole)
