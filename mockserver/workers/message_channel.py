"""The messages between the supervisor and a worker: JSON objects, each after its length, over a socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Self

import orjson

Message = dict[str, Any]
_LENGTH_BYTES = 4


def encode_message(**fields: Any) -> bytes:
    """Return a message with its length before it."""
    data = orjson.dumps(fields)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


class MessageChannel:
    """One end of a connected pair of sockets. When a process ends, the other end of its channel reads the end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, sock: socket.socket) -> Self:
        """Return a channel over a socket, which it closes at its end."""
        return cls(*await asyncio.open_unix_connection(sock=sock))

    async def read(self) -> Message | None:
        """Return the next message; None if the other process has closed its end."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            message: Message = orjson.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return message

    def send(self, **fields: Any) -> None:
        """Send a message; one that the other process cannot receive any more is lost."""
        self._writer.write(encode_message(**fields))

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
