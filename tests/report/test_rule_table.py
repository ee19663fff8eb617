"""The table of rules in the documentation has the numbers of the code."""

from __future__ import annotations

from pathlib import Path

from mockserver.report.rule_table import REPORT_RULES

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def test_the_table_of_rules_is_that_of_the_code() -> None:
    rows = [f"| `{one.name}` | {one.severity} | {one.condition} | {one.advice} |" for one in REPORT_RULES]
    found = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert found == rows
