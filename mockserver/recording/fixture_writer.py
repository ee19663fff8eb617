"""The writer of fixtures: a recorded request becomes a fixture that answers it, and no other of its session."""

from __future__ import annotations

from mockserver.recording.match_writer import MatchWriter
from mockserver.recording.response_writer import write_response
from mockserver.request.request_head import find_head_secrets
from mockserver.schema.yaml_document import dump_yaml
from mockserver.sessions.journal import DROPPED_BODY, JournalEntry


class NoFixtureError(Exception):
    """No fixture can answer such a request; the message says why."""


class FixtureWriter:
    """Writes the fixture of one journal entry, after it has been compared with the others of the session.

    Raises NoFixtureError if no fixture can answer the request.
    """

    def __init__(self, entry: JournalEntry) -> None:
        request, decision = entry.request_with_body, entry.decision
        if request is None:
            raise NoFixtureError("no vendor has this path, so no fixture can answer it")
        if not request.route.is_completion:
            raise NoFixtureError("the request is not for a completion, so no fixture can answer it")
        if request.route.is_job:
            raise NoFixtureError("the request submitted a job, whose answer is not its result")
        if entry.dropped:
            raise NoFixtureError(DROPPED_BODY)
        if decision is None:
            raise NoFixtureError("the answer is not decided yet, so there is nothing to write")
        secrets = find_head_secrets(entry.head)
        self._id = entry.id
        self._api = request.route.api
        self._match = MatchWriter(request, secrets)
        self._response = write_response(request, decision, secrets)

    def compare(self, entry: JournalEntry) -> None:
        """Take another entry of the session into account."""
        request = entry.request_with_body
        if entry.id != self._id and not entry.dropped and request is not None and request.route.is_completion:
            self._match.add_other(request)

    def render(self) -> str:
        """Return a fixture file with the fixture, as YAML."""
        match = self._match.write()
        if "raw" in self._response and self._api != "chat":
            match["api"] = self._api  # bytes are for chat completions unless a match says so
        fixture = {"name": self._id, "match": match, "response": self._response}
        return dump_yaml({"fixtures": [fixture]})
