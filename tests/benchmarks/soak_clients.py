"""The clients of the soak: mixed requests with faults, from clients that read, leave, break off or send garbage."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.wire.faults import FAULTS

SESSIONS = 300
WORKERS = 32  # clients at the same time
_TIMEOUT = 30.0  # seconds until a response counts as missing
_H2C = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
}
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "ages": {"type": "array", "items": {"type": "integer"}}},
    "required": ["name", "ages"],
    "additionalProperties": False,
}
_BROKEN = (asyncio.IncompleteReadError, ConnectionError, ValueError)  # what a fault may do to a reader


class Unexpected(Exception):
    """A response that the soak did not expect."""


def vendor_requests() -> list[tuple[str, str, str]]:
    """Return the chat path, the key header and the model of each vendor."""
    requests = []
    for file in list_shipped_profiles():
        profile = load_profile(file)
        path = profile.paths.chat[0].replace("{model}", profile.sample_model)
        key = profile.keys[0]
        header = f"{key.header}: {key.scheme} {profile.sample_key}".replace(":  ", ": ")
        requests.append((f"/{profile.name}{path}", header, profile.sample_model))
    return requests


class Worker:
    """One client, with a random order of its own, that is the same in every run."""

    def __init__(self, address: tuple[str, int], seed: int, counts: Counter[str]) -> None:
        self._address = address
        self._random = random.Random(seed)
        self._counts = counts
        self._vendors = vendor_requests()
        self._faults = list(FAULTS)
        self._kinds: dict[Callable[[], Awaitable[None]], int] = {
            self.send_canned: 40,
            self.send_generated: 8,
            self.send_flaky: 8,
            self.send_error: 6,
            self.send_fault: 12,
            self.read_stream: 8,
            self.leave_stream: 5,
            self.leave_at_once: 5,
            self.send_half: 3,
            self.send_garbage: 2,
            self.offer_upgrade: 1,
            self.use_admin_api: 2,
        }

    async def run(self, take: Iterator[int]) -> None:
        """Send one request for each number that the iterator still has."""
        kinds, weights = list(self._kinds), list(self._kinds.values())
        for _ in take:
            (kind,) = self._random.choices(kinds, weights)
            async with asyncio.timeout(_TIMEOUT):
                await kind()
            self._counts[kind.__name__] += 1

    # --- requests that are answered

    async def send_canned(self) -> None:
        """Send a request that a fixture matches."""
        await self._exchange(self._chat(self._random.choice(["canned", "template"])), range(200, 202))

    async def send_generated(self) -> None:
        """Send a request that no fixture matches, for a text or for a JSON schema."""
        extra: dict[str, Any] = {}
        if self._random.random() < 0.5:
            schema = {"name": "person", "schema": _SCHEMA, "strict": True}
            extra = {"response_format": {"type": "json_schema", "json_schema": schema}}
        await self._exchange(self._chat(f"something new {self._random.random()}", **extra), range(200, 500))

    async def send_flaky(self) -> None:
        """Send a request with a sequence of responses."""
        await self._exchange(self._chat("flaky"), (200, 201, 429, 503))

    async def send_error(self) -> None:
        """Send a request that asks for an error."""
        status = self._random.choice([400, 401, 402, 404, 429, 500, 502, 503, 504])
        await self._exchange(self._chat("canned", {"X-Mock-Error": str(status)}), (status,))

    async def read_stream(self) -> None:
        """Read a stream to its end."""
        body = await self._exchange(
            self._chat(self._random.choice(["canned", "paced"]), stream=True), (200, 201)
        )
        if body and not body.rstrip().endswith(b"[DONE]"):
            raise Unexpected(f"a stream without its end: {body[-80:]!r}")

    async def offer_upgrade(self) -> None:
        """Send a request as curl --http2 does."""
        await self._exchange(self._chat("canned", _H2C), (200, 201))

    async def use_admin_api(self) -> None:
        """Add a fixture and a fault rule to a session, list, verify, reset."""
        session = self._session()
        for method, path, body in (
            ("POST", "/_mock/fixtures", b"{name: own, match: {user: own}, response: Mine.}"),
            ("POST", "/_mock/faults", b"{error: 429, match: {user: own}, times: 1}"),
            ("GET", "/_mock/requests", b""),
            ("POST", "/_mock/verify", b"{match: {user: own}, count: {min: 0}}"),
            ("GET", "/_mock/fixtures", b""),
            ("POST", "/_mock/reset", b""),
        ):
            head = f"{method} {path}?session={session}&limit=5 HTTP/1.1\r\n"
            head = head.replace("&limit=5", "" if path != "/_mock/requests" else "&limit=5")
            await self._exchange(
                _join(head, {}, body), (*range(200, 300), 409)
            )  # 409: another client was first

    # --- clients and servers that misbehave

    async def send_fault(self) -> None:
        """Send a request with a fault; after a short time the client leaves."""
        name = self._random.choice(self._faults)
        fault = name + self._random.choice(["", "@0", "@1", "@20b", "@5ms"])
        request = self._chat("canned", {"X-Mock-Fault": fault}, stream=self._random.random() < 0.5)
        async with self._connect() as (reader, writer):
            writer.write(request)
            with suppress(TimeoutError, *_BROKEN):
                async with asyncio.timeout(0.05):
                    await _read_response(reader)

    async def leave_stream(self) -> None:
        """Leave a stream after its first bytes."""
        async with self._connect() as (reader, writer):
            writer.write(self._chat("slow", stream=True))
            await reader.read(64)
            self._leave(writer)

    async def leave_at_once(self) -> None:
        """Leave before the response."""
        async with self._connect() as (_, writer):
            writer.write(self._chat(self._random.choice(["canned", "slow"]), stream=True))
            self._leave(writer)

    async def send_half(self) -> None:
        """Send a part of a request and leave."""
        request = self._chat("canned")
        async with self._connect() as (_, writer):
            writer.write(request[: self._random.randrange(len(request))])
            self._leave(writer)

    async def send_garbage(self) -> None:
        """Send what is not HTTP, or not JSON."""
        garbage = self._random.randbytes(100)
        requests = (
            garbage,
            self._chat("canned")[:-40] + b"x" * 40,
            b"GET /%0a%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        async with self._connect() as (reader, writer):
            writer.write(self._random.choice(requests) + b"\r\n\r\n")
            with suppress(TimeoutError, *_BROKEN):
                async with asyncio.timeout(0.05):
                    await reader.read(64)

    # --- the wire

    def _session(self) -> str:
        return f"soak-{self._random.randrange(SESSIONS)}"

    def _chat(self, text: str, headers: dict[str, str] | None = None, **extra: Any) -> bytes:
        """Return a chat request to a random vendor in a random session."""
        path, key, model = self._random.choice(self._vendors)
        body = {"model": model, "messages": [{"role": "user", "content": text}], **extra}
        name, _, value = key.partition(": ")
        fields = {name: value, "Content-Type": "application/json", "X-Mock-Session": self._session()}
        return _join(f"POST {path} HTTP/1.1\r\n", fields | (headers or {}), json.dumps(body).encode())

    async def _exchange(self, request: bytes, expected: range | tuple[int, ...]) -> bytes:
        async with self._connect() as (reader, writer):
            writer.write(request)
            status, body = await _read_response(reader)
        if status not in expected:
            raise Unexpected(f"{status} {body[:300]!r} for {request[:500]!r}")
        return body

    @asynccontextmanager
    async def _connect(self) -> Any:
        reader, writer = await asyncio.open_connection(*self._address, limit=1 << 20)
        try:
            yield reader, writer
        finally:
            # Reset the connection: a million closed ones in TIME_WAIT would use up the ports.
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Close cleanly (FIN) half of the time; the other half is a reset."""
        if self._random.random() < 0.5 and writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()


def _join(head: str, fields: dict[str, str], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}Host: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _read_response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one response with a length or in chunks. Raises one of _BROKEN if it is incomplete."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(maxsplit=2)[1])
    if "transfer-encoding: chunked" not in head:
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        return status, await reader.readexactly(int(length or 0))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return status, body


async def send_requests(address: tuple[str, int], number: int, seed: int) -> Counter[str]:
    """Send so many mixed requests; return their numbers by kind. Raises Unexpected for a wrong response."""
    counts: Counter[str] = Counter()
    take = iter(range(number))
    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(Worker(address, seed * WORKERS + worker, counts).run(take))
    return counts
