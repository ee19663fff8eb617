"""A real Chromium on the web UI of a real server; errors and warnings in its console fail the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest


def lacking(what: str, environ: Mapping[str, str] = os.environ) -> None:
    """Skip the web UI's tests if a tool is missing; in CI, fail them."""
    if environ.get("CI"):
        pytest.fail(f"the web UI's tests need {what}")
    pytest.skip(f"the web UI's tests need {what}", allow_module_level=True)


if find_spec("playwright") is None:  # pragma: no cover
    lacking("playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright  # noqa: E402

__all__ = ["PHONE", "WIDE", "Browser", "Page", "browser", "chromium", "lacking", "window"]

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WIDE, PHONE = (1440, 900), (390, 844)
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium(which: Callable[[str], str | None] = shutil.which) -> str:
    """Return the path of the system's Chromium."""
    found = next(filter(None, map(which, NAMES)), None)
    if found is None:
        lacking("Chromium: apt-get install chromium")
    return str(found)


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a browser for all tests; each test opens its own window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        yield running
        running.close()


@contextmanager
def window(running: Browser, size: tuple[int, int] = WIDE, scheme: Any = "light") -> Iterator[Page]:
    """Yield a window; fail if its console has an error or a warning."""
    width, height = size
    context = running.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(10_000)
    page = context.new_page()
    messages: list[ConsoleMessage] = []
    broken: list[Error] = []
    page.on("console", lambda message: messages.append(message))  # noqa: PLW0108 playwright reads its signature
    page.on("pageerror", lambda error: broken.append(error))  # noqa: PLW0108 as above
    yield page
    context.close()
    assert broken == []
    # The browser reports every error status as a failure to load, also those that the UI expects.
    complaints = [one.text for one in messages if one.type in ("error", "warning")]
    assert [text for text in complaints if "Failed to load resource" not in text] == []
