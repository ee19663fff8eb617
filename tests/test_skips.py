"""In CI a skipped test fails, however it is skipped."""

from __future__ import annotations

import pytest

from tests.conftest import RunPytest

SKIPPED = """
    import pytest

    @pytest.mark.skip(reason="by mark")
    def test_marked():
        pass

    def test_called():
        pytest.skip("by call")

    @pytest.mark.xfail
    def test_expected_to_fail():
        assert False

    def test_passes():
        pass
"""
MODULE = """
    import pytest

    pytest.skip("the whole module", allow_module_level=True)
"""


@pytest.fixture
def hooked(run_pytest: RunPytest, pytester: pytest.Pytester) -> RunPytest:
    """A run of pytest that has the hooks of our own conftest."""
    pytester.makeconftest("from tests.skips import pytest_make_collect_report, pytest_runtest_makereport")
    return run_pytest


def test_in_ci_a_skipped_test_fails(hooked: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = hooked(SKIPPED)
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*by mark; with CI=true nothing may be skipped", "*by call; with CI=true*"])


def test_in_ci_a_skipped_module_fails(hooked: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = hooked(MODULE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the whole module; with CI=true nothing may be skipped"])


@pytest.mark.parametrize("ci", ["", "false"])
def test_elsewhere_it_is_skipped(hooked: RunPytest, monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("CI", ci)
    hooked(SKIPPED).assert_outcomes(passed=1, skipped=2, xfailed=1)
    hooked(MODULE).assert_outcomes(skipped=1)
