"""From paths to a shelf: which files are read, what their fixtures are called, what is remembered of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.errors import InputError
from mockserver.matching import loader

ONE = "fixtures:\n- {match: {}, response: hi}\n"


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ONE)


def test_a_folder_is_read_in_sorted_order_without_what_is_hidden(tmp_path: Path) -> None:
    put(tmp_path, "b.yaml", "a.yml", "sub/c.yaml", ".hidden.yaml", "..data/d.yaml", "e.json")
    assert loader.load_fixture_set([tmp_path]).names == ("a#1", "b#1", "c#1")


def test_files_of_one_name_keep_their_unnamed_fixtures_apart(tmp_path: Path) -> None:
    put(tmp_path, "x/a.yaml", "y/a.yaml", "b.yaml")
    assert loader.load_fixture_set([tmp_path]).names == ("b#1", f"{tmp_path}/x/a#1", f"{tmp_path}/y/a#1")


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    assert loader.load_fixture_set([tmp_path / "a.yaml", tmp_path]).names == ("a#1",)


def test_an_empty_file_has_no_fixtures(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nothing yet\n")
    assert len(loader.load_fixture_set([tmp_path])) == 0


def test_without_a_path_the_shipped_fixtures_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(loader.load_fixture_set(())) > 0
    put(tmp_path, "shipped/mine.yaml")
    monkeypatch.setattr(loader, "_PACKAGE_FOLDER", tmp_path)
    assert loader.load_fixture_set(()).names == ("mine#1",)


def test_what_cannot_be_read_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    paths = [tmp_path / name for name in ("empty", "none.yaml", "loop.yaml")]
    with pytest.raises(InputError) as caught:
        loader.load_fixture_set(paths)
    assert [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems] == [
        "empty: found no .yaml or .yml file in this folder",
        "none.yaml: cannot be read: No such file or directory",
        "loop.yaml: cannot be read: Too many levels of symbolic links",
    ]


def test_a_shelf_remembers_what_its_files_were(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    assert loader.stat_fixture_files([tmp_path]).keys() == {str(tmp_path / "a.yaml")}
    (tmp_path / "gone.yaml").unlink()
    assert loader.load_fixture_set([tmp_path]).file_stats == loader.stat_fixture_files([tmp_path])
