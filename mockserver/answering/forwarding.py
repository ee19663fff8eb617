"""The forwarding of requests to the real vendors, as the pipeline uses it; `recording/` implements it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

from starlette.types import Receive, Scope, Send

from mockserver.request.chat_request import ChatRequest
from mockserver.sessions.injection_result import InjectionResult
from mockserver.sessions.journal import Decision, JournalEntry
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Delivery

FORWARDED: Final = Decision(Answer(502, ()), outcome="forwarded")  # until the vendor's answer arrives


class EntrySteps(NamedTuple):
    """The steps of a journal entry: `decide` before the first byte and again with the whole answer, then `close`.

    Both are awaited before the end is sent.
    """

    decide: Callable[[Decision], Awaitable[None]]
    close: Callable[[Delivery], Awaitable[None]]


class RequestForwarder(Protocol):
    """Answers requests with the answers of the real vendors. `on_recorded` receives a message for each recording."""

    on_recorded: Callable[[str], None]

    async def run(self) -> None:
        """Keep the connections to the vendors, and close them when the server stops."""
        ...

    async def takes(self, request: ChatRequest, injected: InjectionResult) -> bool:
        """Return whether a request is to be forwarded, although a fixture may match."""
        ...

    async def forward(
        self,
        entry: JournalEntry,
        request: ChatRequest,
        connection: tuple[Scope, Receive, Send],
        steps: EntrySteps,
    ) -> None:
        """Relay the vendor's answer to the client, and record it."""
        ...
