"""Skipped tests count as failures in CI: a missing tool must not turn a test off unseen."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def fail_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn the report of a skip into that of a failure where CI=true; an expected failure stays one."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason}; with CI=true nothing may be skipped"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test that is skipped, by mark or by call, as failed in CI."""
    report = yield
    fail_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Count a module that is skipped as failed in CI."""
    report = yield
    fail_skipped(report)
    return report
