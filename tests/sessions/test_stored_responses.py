"""The bounds of stored responses: per session, in number and in bytes."""

from __future__ import annotations

import pytest

from mockserver.sessions import stored_responses
from mockserver.sessions.stored_responses import ResponseRegistry, StoredResponse


def build(id_: int, size: int = 0) -> StoredResponse:
    return StoredResponse(str(id_), "aimlapi", (), b'{"output": []}', size)


def known(registry: ResponseRegistry, session: str = "s") -> list[int]:
    return [number for number in range(10) if registry.find(session, str(number))]


def test_the_oldest_are_forgotten_beyond_the_bounds_of_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_responses, "MAX_RESPONSES", 3)
    monkeypatch.setattr(stored_responses, "MAX_RESPONSE_BYTES", 10_000)
    registry = ResponseRegistry()
    registry.add("other", build(0))
    for number in range(5):
        registry.add("s", build(number))
    assert known(registry) == [2, 3, 4]
    registry.add("s", build(3))  # which is now the newest
    registry.add("s", build(5, 7_000))
    assert known(registry) == [3, 5]
    registry.add("s", build(6, 20_000))  # more than a session may have
    assert known(registry) == []
    assert known(registry, "other") == [0]


def test_a_copy_has_one_session_and_is_independent() -> None:
    registry = ResponseRegistry()
    registry.add("s", build(1))
    registry.add("t", build(2))
    copied = registry.copy("s")
    registry.forget("s")
    assert (known(copied), known(copied, "t"), known(registry), known(registry, "t")) == ([1], [], [], [2])
