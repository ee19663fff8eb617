"""What was found, as a table in docs/performance.md and as a picture beside this file."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment

from tests.benchmarks.scenes import Row
from tests.benchmarks.served import ROOT

PAGE = ROOT / "docs" / "performance.md"
PICTURE = Path(__file__).with_name("results.svg")
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| | measured | goal |", "|---|---|---|"]
    lines += [f"| {row.what} | {row.found} | {row.goal} |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """What it was measured on."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = found[1] if found else platform.machine()
    today = datetime.datetime.now(datetime.UTC).date()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {today}"


def load() -> str:
    """What else the machine was doing."""
    return f"load average {os.getloadavg()[0]:.1f}"


def write(rows: Sequence[Row], before_it: str) -> None:
    """Put the table between the page's marks, and draw the picture. `before_it` says how busy the machine was."""
    text = PAGE.read_text()
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{PAGE} has no place for the table: it stands between {BEGIN} and {END}")
    said = f"{table(rows)}\n\nMeasured on {machine()}, {before_it} before it began."
    PAGE.write_text(f"{before}{BEGIN}\n{said}\n{END}{after}")
    PICTURE.write_text(picture([row for row in rows if row.ratio is not None]))


def picture(rows: Sequence[Row]) -> str:
    """Bars for the medians of the ratios, a line from least to most, a mark where each should be at least."""
    widest = max([1.0, *(row.ratio.high for row in rows if row.ratio)])
    return (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(_SVG)
        .render(
            rows=rows,
            widest=widest,
            left=_LEFT,
            scale=_WIDTH / widest,
            height=_STEP * len(rows) + 40,
            step=_STEP,
        )
    )


_LEFT, _WIDTH, _STEP = 240, 420, 34  # pixels: of the names, of the longest bar, from one bar to the next

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {{ height }}" font-family="sans-serif" font-size="13">
<style>
  text { fill: #1f2328 } .bar { fill: #2f81f7 } .line { stroke: #1f2328 } .grid { stroke: #8c959f55 }
  .goal { stroke: #cf222e; stroke-width: 2 } .small { font-size: 11px }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .line { stroke: #e6edf3 } .goal { stroke: #ff7b72 } }
</style>
{% for part in [0, 0.25, 0.5, 0.75, 1] %}
<line class="grid" x1="{{ left + part * scale }}" x2="{{ left + part * scale }}" y1="4" y2="{{ height - 34 }}"/>
<text class="small" x="{{ left + part * scale }}" y="{{ height - 20 }}" text-anchor="middle">{{ part }}</text>
{% endfor %}
{% for row in rows %}
{% set y = loop.index0 * step + 8 %}
<text x="{{ left - 10 }}" y="{{ y + 15 }}" text-anchor="end">{{ row.what }}</text>
<rect class="bar" x="{{ left }}" y="{{ y }}" width="{{ (row.ratio.median * scale) | round(1) }}" height="20" rx="2"/>
<line class="line" y1="{{ y + 10 }}" y2="{{ y + 10 }}" x1="{{ (left + row.ratio.low * scale) | round(1) }}"
  x2="{{ (left + row.ratio.high * scale) | round(1) }}"/>
{% if row.least %}
<line class="goal" y1="{{ y - 3 }}" y2="{{ y + 23 }}" x1="{{ left + row.least * scale }}"
  x2="{{ left + row.least * scale }}"/>
{% endif %}
<text x="{{ (left + row.ratio.high * scale + 8) | round(1) }}" y="{{ y + 15 }}">
  {{- "%.2f" | format(row.ratio.median) }}</text>
{% endfor %}
<text class="small" x="{{ left }}" y="{{ height - 4 }}">speed beside the bare application (for fixtures: beside ten
of them); red: the goal</text>
</svg>
"""
