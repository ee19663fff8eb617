"""Fixtures of the tests of servers."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing may be logged, but by the tests that say so."""
    with caplog.at_level(logging.WARNING):
        yield
    if "outspoken" not in request.fixturenames:
        assert caplog.records == []


@pytest.fixture
def outspoken() -> None:
    """This test reads the log itself."""
