"""The measurement of the table in `mockserver/admin/sdk_outcomes.json`, through every profile and version.

`python -m tests.admin.measure_sdks RELEASE=PYTHON...` runs it; `tests/interop/run measure` makes the virtual
environments and calls it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.admin.openai_exceptions import TABLE_FILE, has_error_key, load_outcome_table
from mockserver.testing import MockServer
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.wire.faults import FAULTS
from tests.admin.outcome_tables import PAGE, write_outcome_tables

CHUNKS = 5
FIXTURES = "fixtures: [{match: {}, response: {text: one two three four five, stream: {chunk: word}}}]"
POINTS = ("", "@0", "@1", "@3", "@5")
STATUSES = (
    400,
    401,
    402,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    413,
    415,
    422,
    429,
    500,
    502,
    503,
    504,
    522,
    524,
)
FORMS = {"body": False, "stream": True}
Cell = tuple[str, dict[str, str], bool]  # the base URL, the headers, whether it is a stream


def write_profiles(folder: Path) -> dict[str, Path]:
    """Write a profile for each version of each listed vendor that OpenAI clients can use, by its key in the table."""
    written = {}
    for shipped in list_shipped_profiles():
        profile = load_profile(shipped)
        for version in profile.versions or [""] if profile.paths.openai and profile.listed else []:
            envelope = f"envelope: '{version}'\n" if version else ""
            path = folder / f"{shipped.stem}-{version or 'only'}.yaml"
            path.write_text(f"extends: {shipped.stem}\nname: {path.stem}\n{envelope}")
            written[f"{shipped.stem}@{version}" if version else shipped.stem] = path
    return written


def list_cells(
    url: str,
    profiles: Mapping[str, Path],
    statuses: Iterable[int] = STATUSES,
    faults: Collection[str] = FAULTS,
) -> Iterator[tuple[tuple[str, ...], Cell]]:
    """Yield the cells of the table, each with the keys that lead to its outcome."""
    for key, path in profiles.items():
        base_url = f"{url}/{path.stem}{load_profile(path).paths.openai}"
        for form, stream in FORMS.items():
            for status in statuses:
                yield (
                    ("statuses", key, str(status), form, ""),
                    (base_url, {"X-Mock-Error": str(status)}, stream),
                )
            for fault in faults:
                for point in POINTS:
                    spoken = fault.replace("slow", "slow=20000") + point
                    yield ("faults", key, fault, form, point), (base_url, {"X-Mock-Fault": spoken}, stream)


def build_table(measured: Mapping[str, Any], keys: list[tuple[str, ...]], forms: Mapping[str, bool]) -> Any:
    """Return the content of the table's file."""
    outcomes: list[Any] = []
    table: dict[str, Any] = {
        "points": POINTS,
        "chunk_count": CHUNKS,
        "releases": {release: result["version"] for release, result in measured.items()},
        "error_keys": forms,
        "outcomes": outcomes,
        "statuses": {},
        "faults": {},
    }
    for release, result in measured.items():
        for (kind, key, name, form, _), outcome in zip(keys, result["outcomes"], strict=True):
            if outcome not in outcomes:
                outcomes.append(outcome)
            cells = table[kind].setdefault(release, {}).setdefault(key, {}).setdefault(name, {})
            if kind == "statuses":
                cells[form] = outcomes.index(outcome)
            else:
                cells.setdefault(form, []).append(outcomes.index(outcome))
    return table


def main(pythons: Mapping[str, str], table_file: Path, page: Path, **chosen: Any) -> None:
    """Measure with each release, and write the table and the page of the documentation."""
    script = Path(__file__).with_name("sdk_measurement.py")
    with tempfile.TemporaryDirectory() as folder:
        profiles = write_profiles(Path(folder))
        with MockServer(fixtures_yaml=FIXTURES, vendors=tuple(profiles.values()), reload=False) as server:
            keys, cells = zip(*list_cells(server.url, profiles, **chosen), strict=True)
            sent = json.dumps(cells)
            measured = {release: _measure(python, script, sent) for release, python in pythons.items()}
        forms = {key: has_error_key(load_profile(path)) for key, path in profiles.items()}
    text = json.dumps(build_table(measured, list(keys), forms), separators=(",", ":"))
    table_file.write_text(text.replace("},", "},\n") + "\n")
    load_outcome_table.cache_clear()
    write_outcome_tables(page, load_outcome_table(table_file))


def _measure(python: str, script: Path, cells: str) -> Any:
    return json.loads(
        subprocess.run([python, script], input=cells, stdout=subprocess.PIPE, text=True, check=True).stdout
    )


if __name__ == "__main__":
    main(dict(argument.split("=", 1) for argument in sys.argv[1:]), TABLE_FILE, PAGE)
