"""The tables of docs/sdk-exceptions.md, from the measured outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mockserver.admin.openai_exceptions import OutcomeTable, SdkOutcome

PAGE = Path(__file__).parents[2] / "docs" / "sdk-exceptions.md"
_Row = tuple[SdkOutcome, ...]
_BLOCK = "<!-- {name}: measured -->\n{text}\n<!-- end -->"


def write_outcome_tables(page: Path, table: OutcomeTable) -> None:
    """Replace the tables of the page."""
    text = page.read_text()
    for name, block in format_outcome_tables(table):
        before, mark, rest = text.partition(f"<!-- {name}: measured -->")
        assert mark, name
        text = before + block + rest.partition("<!-- end -->")[2]
    page.write_text(text)


def format_outcome_tables(table: OutcomeTable) -> Iterator[tuple[str, str]]:
    """Yield each block of the page with its name: versions, statuses, faults, and the cells that differ."""
    newest, *older = table.releases
    first = next(iter(table.error_keys))
    versions = ", ".join(table.releases.values())
    yield _block("versions", f"Measured with openai {versions}, through {', '.join(table.error_keys)}.")
    statuses = {
        status: (forms["body"], forms["stream"]) for status, forms in table.statuses[newest][first].items()
    }
    lines = [f"| {' '.join(names)} | {row[0]} |" for row, names in _group(statuses.items()).items()]
    yield _block("statuses", "\n".join(["| status | raises |", "|---|---|", *lines]))
    keyed = next(name for name, has_key in table.error_keys.items() if has_key)
    rows = {fault: _row(table, newest, keyed, fault) for fault in table.faults[newest][keyed]}
    yield _block("faults", _format_faults(rows.items(), table))
    differing = []
    for release in (newest, *older):
        for profile in table.error_keys:
            for fault, row in rows.items():
                found = _row(table, release, profile, fault)
                if found != row:
                    differing.append(((f"{release}", profile), fault, found))
    yield _block("differences", _format_differences(differing, table))


def _row(table: OutcomeTable, release: str, profile: str, fault: str) -> _Row:
    forms = table.faults[release][profile][fault]
    return (*forms["body"][:2], *forms["stream"])


def _group(rows: Iterable[tuple[str, _Row]]) -> dict[_Row, list[str]]:
    groups: dict[_Row, list[str]] = {}
    for name, row in rows:
        groups.setdefault(row, []).append(name)
    return groups


def _format_faults(rows: Iterable[tuple[str, _Row]], table: OutcomeTable) -> str:
    return "\n".join(
        [
            f"| fault | {_format_columns(table)} |",
            "|" + "---|" * (3 + len(table.points)),
            *(
                f"| {' '.join(f'`{name}`' for name in names)} | {' | '.join(_format_row(row, table))} |"
                for row, names in _group(rows).items()
            ),
        ]
    )


def _format_differences(rows: Iterable[tuple[tuple[str, str], str, _Row]], table: OutcomeTable) -> str:
    cells: dict[tuple[str, _Row], dict[str, list[str]]] = {}
    for (release, profile), fault, row in rows:
        cells.setdefault((release, row), {}).setdefault(fault, []).append(profile)
    lines = []
    for (release, row), faults in cells.items():
        profiles = sorted({profile for names in faults.values() for profile in names})
        where = "all" if len(profiles) == len(table.error_keys) else ", ".join(profiles)
        names = " ".join(f"`{fault}`" for fault in faults)
        lines.append(f"| {release} | {where} | {names} | {' | '.join(_format_row(row, table))} |")
    head = f"| SDK | vendor | fault | {_format_columns(table)} |"
    return "\n".join([head, "|" + "---|" * (5 + len(table.points)), *lines])


def _format_columns(table: OutcomeTable) -> str:
    stream = (f"stream `{point}`" if point else "stream" for point in table.points)
    return " | ".join(["body", "body `@0`", *stream])


def _format_row(row: _Row, table: OutcomeTable) -> Iterator[str]:
    for outcome in row:
        is_whole = outcome.exception is None and outcome.chunks == table.chunk_count and not outcome.bare
        yield "no error" if is_whole else str(outcome)


def _block(name: str, text: str) -> tuple[str, str]:
    return name, _BLOCK.format(name=name, text=text)
