"""From paths to a shelf: which files are read, what their fixtures are called, what is remembered of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.errors import InputError
from mockserver.matching import fixture_files, loader
from mockserver.matching.shadowing import lint_fixtures

ONE = "fixtures:\n- {match: {}, response: hi}\n"


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ONE)


def test_a_folder_is_read_in_sorted_order_without_what_is_hidden(tmp_path: Path) -> None:
    put(tmp_path, "b.yaml", "a.yml", "sub/c.yaml", ".hidden.yaml", "..data/d.yaml", "e.txt")
    assert loader.load_fixture_set([tmp_path]).names == ("a#1", "b#1", "c#1")


def test_files_of_one_name_keep_their_unnamed_fixtures_apart(tmp_path: Path) -> None:
    put(tmp_path, "x/a.yaml", "y/a.yaml", "b.yaml")
    assert loader.load_fixture_set([tmp_path]).names == ("b#1", f"{tmp_path}/x/a#1", f"{tmp_path}/y/a#1")


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    assert loader.load_fixture_set([tmp_path / "a.yaml", tmp_path]).names == ("a#1",)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path, "served/a.yaml", "served/sub/b.yaml", "elsewhere/deep/c.yaml", "elsewhere/d.yaml")
    served = tmp_path / "served"
    for link, target in {"away": "../elsewhere", "alias": "sub", "sub/up": "..", "sub/self": "."}.items():
        (served / link).symlink_to(target)
    (tmp_path / "elsewhere/back").symlink_to(served)
    (served / "loop").symlink_to("loop")
    (served / "nowhere").symlink_to("missing")
    assert fixture_files.list_fixture_files(served) == [
        served / name for name in ("a.yaml", "away/d.yaml", "away/deep/c.yaml", "sub/b.yaml")
    ]
    assert loader.load_fixture_set([served, tmp_path / "elsewhere"]).names == ("a#1", "d#1", "c#1", "b#1")


def test_a_new_version_of_a_mounted_config_map_is_an_edit(tmp_path: Path) -> None:
    put(tmp_path, "..v1/a.yaml", "..v1/sub/b.yaml", "..v2/a.yaml", "..v2/sub/b.yaml")
    for link, target in {
        "..data": "..v1",
        "..new": "..v2",
        "a.yaml": "..data/a.yaml",
        "sub": "..data/sub",
    }.items():
        (tmp_path / link).symlink_to(target)
    before = fixture_files.stat_fixture_files([tmp_path])
    assert list(before) == [str(tmp_path / "a.yaml"), str(tmp_path / "sub/b.yaml")]
    assert loader.load_fixture_set([tmp_path]).names == ("a#1", "b#1")
    (tmp_path / "..new").replace(tmp_path / "..data")
    after = fixture_files.stat_fixture_files([tmp_path])
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_a_folder_with_too_many_subfolders_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixture_files, "_MAX_FOLDERS", 2)
    put(tmp_path, "a/b/c.yaml", "d/e.yaml")
    with pytest.raises(InputError, match="found more than 2 folders, links included; name a smaller one"):
        loader.load_fixture_set([tmp_path])
    assert loader.load_fixture_set([tmp_path / "a"]).names == ("c#1",)


OTHER_JSON: dict[str, str | bytes] = {
    "package.json": '{"name": "x", "version": "1"}',
    "list.json": '[{"match": {}, "response": "x"}]',
    "comments.json": '// not JSON\n{"compilerOptions": {}}',
    "empty.json": "",
    "utf16.json": '{"fixtures": []}'.encode("utf-16"),
}


def test_json_files_with_fixtures_are_served_and_others_are_reported(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", "sub/b.yaml")
    (tmp_path / "c.json").write_text('{"fixtures": [{"match": {}, "response": "hi"}]}')
    (tmp_path / "d.json").write_text('{"accounts": [{"key": "k"}], "faults": []}')
    (tmp_path / "mockserver.schema.json").write_text('{"title": "mockserver fixtures"}')
    for name, content in OTHER_JSON.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = loader.load_fixture_set([tmp_path])
    assert (found.names, list(found.accounts)) == (("a#1", "c#1", "b#1"), ["k"])
    told = {Path(problem.source).name: problem.message for problem in found.omitted_files}
    assert told.pop("utf16.json") == "omitted: found the byte 0xff, expected UTF-8 text"
    assert told == dict.fromkeys(
        ("package.json", "list.json", "comments.json", "empty.json"),
        "omitted: none of its keys is fixtures, faults or accounts",
    )
    assert str(next(lint_fixtures(found, []))).startswith(f"{tmp_path}/comments.json: omitted: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"fixtures": [{"match": {}, "response": "hi"},]', "a.json:2:1: did not find expected ',' or '}'"),
        ('{"fixtures": [{"match": {}}]}', "a.json:1:15: fixtures[0]: it has no response"),
        (
            '{"name": "x"}',
            "found no .yaml, .yml or .json file with fixtures in this folder; a.json is omitted: none",
        ),
    ],
)
def test_a_json_file_with_a_mistake_is_no_other_file(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError) as caught:
        loader.load_fixture_set([tmp_path])
    assert problem in str(caught.value)


def test_a_json_file_that_is_named_is_a_fixture_file(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    with pytest.raises(InputError, match="unknown key 'name'"):
        loader.load_fixture_set([tmp_path / "package.json"])


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
        "empty: found no .yaml, .yml or .json file with fixtures in this folder",
        "none.yaml: cannot be read: No such file or directory",
        "loop.yaml: cannot be read: Too many levels of symbolic links",
    ]


def test_a_shelf_remembers_what_its_files_were(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    assert fixture_files.stat_fixture_files([tmp_path]).keys() == {str(tmp_path / "a.yaml")}
    (tmp_path / "gone.yaml").unlink()
    assert loader.load_fixture_set([tmp_path]).file_stats == fixture_files.stat_fixture_files([tmp_path])
