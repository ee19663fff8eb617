"""The requests of the demo's clients, sent over connections of their own as any client does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson

from mockserver.masking import join_scheme
from mockserver.request.request_head import SESSION_HEADER
from mockserver.server.demo_clients import ScriptedCall, ScriptedClient, get_call_vendor
from mockserver.vendors.vendor import Vendor

Wait = Callable[[str, float], Awaitable[None]]  # waits so many seconds in a session

READ_TIMEOUT = 15.0  # seconds for one attempt
LONGEST_WAIT = 60.0  # seconds; a client gives up if Retry-After asks for more
REFUSALS = (402, 403, 406)  # statuses for an empty account


async def wait_seconds(_: str, seconds: float) -> None:
    """Wait, in whatever session."""
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt; status 0 means that the connection broke, or that the response was not HTTP."""

    status: int
    retry_after: float = 0.0
    complete: bool = False


class ClientRun:
    """One run through the script of a client. `number` is that of the round; equal numbers have equal delays."""

    def __init__(
        self,
        client: ScriptedClient,
        vendors: Sequence[Vendor],
        address: tuple[str, int],
        number: int,
        wait: Wait,
    ) -> None:
        self._client = client
        self._vendors = vendors
        self._address = address
        self._wait = wait
        self._random = random.Random(f"{client.session}/{number}")

    async def run(self) -> None:
        """Make all calls, one after the other."""
        for call in self._client.calls:
            for number in range(1, call.repeats + 1):
                await self._wait(self._client.session, call.pause)
                prompt = call.prompt if call.repeats == 1 else f"{call.prompt} {number}"
                result = await self._make_call(call, prompt)
                if result.status in REFUSALS and self._client.stops_at_refusal:
                    break

    async def _make_call(self, call: ScriptedCall, prompt: str) -> AttemptResult:
        """Make the attempts of one call, until one succeeds or the client gives up."""
        result = await self._send(call, prompt)
        for delay in call.retry_delays:
            if (result.complete and result.status < 400) or result.retry_after > LONGEST_WAIT:
                break
            seconds = result.retry_after if delay is None else delay * self._draw_factor()
            await self._wait(self._client.session, seconds)
            result = await self._send(call, prompt)
        return result

    def _draw_factor(self) -> float:
        return 1 + self._random.uniform(-1, 1) * self._client.jitter

    async def _send(self, call: ScriptedCall, prompt: str) -> AttemptResult:
        """Send one request on its own connection and read the response to its end."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                reader, writer = await asyncio.open_connection(*self._address)
                try:
                    writer.write(self._encode_request(call, prompt))
                    return parse_response(await reader.read())
                finally:
                    writer.close()
        except OSError:  # also the timeout
            return AttemptResult(0)

    def _encode_request(self, call: ScriptedCall, prompt: str) -> bytes:
        vendor = get_call_vendor(call, self._vendors)
        profile = vendor.profile
        header = profile.keys[0]
        key = self._client.account_key(vendor) if call.uses_account else profile.sample_key
        path = profile.paths.chat[0].replace("{model}", profile.sample_model)
        messages = [{"role": "user", "content": prompt}]
        body = orjson.dumps({"model": profile.sample_model, "messages": messages, "stream": call.stream})
        head = [
            f"POST /{vendor.name}{path} HTTP/1.1",
            f"host: {self._address[0]}:{self._address[1]}",
            f"{header.header}: {join_scheme(header.scheme, key)}",
            f"{SESSION_HEADER}: {self._client.session}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        return "\r\n".join([*head, "", ""]).encode() + body


def parse_response(response: bytes) -> AttemptResult:
    """Return the result of a response; a fault may have damaged it anywhere."""
    head, _, body = response.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = status_line.partition(" ")
    if not version.startswith("HTTP/") or not status[:3].isdecimal():
        return AttemptResult(0)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    retry_after = headers.get("retry-after", "")
    # A chunked body is complete only if its last chunk has arrived.
    complete = "transfer-encoding" not in headers or body.endswith(b"0\r\n\r\n")
    return AttemptResult(int(status[:3]), float(retry_after) if retry_after.isdecimal() else 0.0, complete)
