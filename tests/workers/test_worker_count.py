"""The number of workers: as given, by the cores of the machine, and by the limit of a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockserver.workers.worker_count import count_cores, resolve_worker_count


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("250000 100000", 3), ("50000 100000", 1), ("9900000 100000", 8), ("max 100000", 8), (None, 8)],
)
def test_a_container_has_as_many_cores_as_its_limit_allows(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    if limit is not None:
        (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert count_cores(tmp_path / "cpu.max") == expected


def test_a_system_without_affinity_has_the_cores_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert count_cores(tmp_path / "none") == (os.cpu_count() or 1)


def test_auto_is_one_worker_for_each_core() -> None:
    assert resolve_worker_count("auto") == count_cores()
    assert resolve_worker_count(3) == 3
