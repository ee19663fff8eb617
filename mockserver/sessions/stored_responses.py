"""Stored responses of the Responses API, by session, bounded in number and in bytes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import orjson

from mockserver.memoize import fast_dataclass

MAX_RESPONSES: Final = 1_000  # of one session
MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024  # of the responses of one session
_OVERHEAD, _POINTER_SIZE = (
    1_000,
    8,
)  # bytes of a response without its texts, and of one message in its conversation


@fast_dataclass
class StoredResponse:
    """A response as it was sent, with the messages of the conversation up to it.

    `messages` are those of chat completions, with the output as the last one; responses of one conversation share
    them. `own_size` is the size in bytes of the request that it answers.
    """

    id: str
    vendor: str
    messages: tuple[dict[str, Any], ...]
    body: bytes
    own_size: int

    @property
    def size(self) -> int:
        """Return about the bytes that it takes in memory, without the messages of earlier responses."""
        return _OVERHEAD + self.own_size + 2 * len(self.body) + _POINTER_SIZE * len(self.messages)

    def find_item(self, id: str) -> dict[str, Any] | None:  # noqa: A002
        """Return the item of the output with this id, None if there is none."""
        output = orjson.loads(self.body)["output"]
        return next((item for item in output if item.get("id") == id), None)


class ResponseRegistry:
    """The stored responses of all sessions. Beyond the bounds of a session its oldest ones are forgotten."""

    def __init__(self) -> None:
        self._sessions: dict[str, OrderedDict[str, StoredResponse]] = {}
        self._bytes: dict[str, int] = {}

    def add(self, session: str, response: StoredResponse) -> None:
        """Add a response; one with the same id is replaced."""
        self.remove(session, response.id)
        responses = self._sessions.setdefault(session, OrderedDict())
        responses[response.id] = response
        self._bytes[session] = self._bytes.get(session, 0) + response.size
        while self._bytes.get(session, 0) > MAX_RESPONSE_BYTES or len(responses) > MAX_RESPONSES:
            self.remove(session, next(iter(responses)))

    def find(self, session: str, id: str) -> StoredResponse | None:  # noqa: A002
        """Return the response of a session with this id, None if there is none."""
        return self._sessions.get(session, _NONE).get(id)

    def find_item(self, session: str, id: str) -> dict[str, Any] | None:  # noqa: A002
        """Return the output item of a session's responses with this id, None if there is none."""
        stored = (
            one for one in reversed(self._sessions.get(session, _NONE).values()) if id.encode() in one.body
        )
        return next(filter(None, (one.find_item(id) for one in stored)), None)

    def remove(self, session: str, id: str) -> bool:  # noqa: A002
        """Remove a response; return whether there was one."""
        responses = self._sessions.get(session, _NONE)
        response = responses.pop(id, None)
        if response is None:
            return False
        self._bytes[session] -= response.size
        if not responses:
            del self._sessions[session], self._bytes[session]
        return True

    def forget(self, session: str | None) -> None:
        """Forget the responses of a session, or all of them."""
        for name in list(self._sessions) if session is None else (session,):
            self._sessions.pop(name, None)
            self._bytes.pop(name, None)

    def copy(self, session: str) -> ResponseRegistry:
        """Return a registry with the responses of one session."""
        copied = ResponseRegistry()
        for response in self._sessions.get(session, _NONE).values():
            copied.add(session, response)
        return copied


_NONE: Final[OrderedDict[str, StoredResponse]] = OrderedDict()
