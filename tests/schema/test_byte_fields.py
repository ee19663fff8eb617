"""Tests of bytes in documents: base64, and files that cannot lead out of the document's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.schema import byte_fields
from mockserver.schema.byte_fields import Base64Field, FileField
from mockserver.schema.field_types import FieldType, read_document
from mockserver.schema.object_types import create_json_schema
from mockserver.schema.yaml_document import load_document, parse_yaml

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a file of every byte; a secret file is beside it."""
    folder = tmp_path / "served"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "every.bin").write_bytes(EVERY_BYTE)
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def read_file(folder: Path, name: str) -> Any:
    (folder / "document.yaml").write_text(f"{name}\n")
    return read_document(FileField(), load_document(folder / "document.yaml"))


@pytest.mark.parametrize("text", ["AAEC/w==", '"AAEC\\n /w== "', "|\n AAE\n C/w=="])
def test_base64_is_decoded(text: str) -> None:
    assert read_document(Base64Field(), parse_yaml(text, "here")) == b"\x00\x01\x02\xff"


@pytest.mark.parametrize("text", ["AAE", "A===", "ä", "AA-_", "AAEC/w==AA"])
def test_invalid_base64_is_reported(text: str) -> None:
    with pytest.raises(InputError, match=rf"here:1:1: found '{text}', expected base64: ."):
        read_document(Base64Field(), parse_yaml(text, "here"))


@pytest.mark.parametrize(
    ("field", "expected"), [(Base64Field(), "base64 text"), (FileField(), "the path of a file")]
)
def test_another_type_is_reported(field: FieldType, expected: str) -> None:
    with pytest.raises(InputError, match=f"found the number 1, expected {expected}"):
        read_document(field, parse_yaml("1", "here"))


@pytest.mark.parametrize("name", ["inner/every.bin", "./inner/../inner/every.bin"])
def test_a_file_is_read_from_the_folder_of_the_document(folder: Path, name: str) -> None:
    assert read_file(folder, name) == EVERY_BYTE


def test_links_inside_the_folder_are_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "..data").symlink_to("inner")  # as in a mounted ConfigMap
    (folder / "every.bin").symlink_to("..data/every.bin")
    assert read_file(folder, "every.bin") == EVERY_BYTE
    (tmp_path / "link").symlink_to(folder)
    assert read_file(tmp_path / "link", "every.bin") == EVERY_BYTE


@pytest.mark.parametrize("name", ["../secret", "inner/../../secret", "link", "linked/secret", "{absolute}"])
def test_a_path_cannot_leave_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    name = name.replace("{absolute}", str(tmp_path / "secret"))
    with pytest.raises(InputError, match=r"cannot be read: it is outside the folder of this file$"):
        read_file(folder, name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "No such file or directory"),
        ("inner", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("loop", "Too many levels of symbolic links"),
        ('"\\0"', "embedded null"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(folder: Path, name: str, reason: str) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=rf"document\.yaml:1:1: the file '.*' cannot be read: .*{reason}"):
        read_file(folder, name)


def test_the_size_of_a_file_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_fields, "MAX_FILE_SIZE", 256)
    assert read_file(folder, "inner/every.bin") == EVERY_BYTE
    monkeypatch.setattr(byte_fields, "MAX_FILE_SIZE", 255)
    with pytest.raises(InputError, match="it has more than 255 bytes"):
        read_file(folder, "inner/every.bin")


def test_a_text_that_is_no_file_cannot_name_one() -> None:
    with pytest.raises(InputError, match="found a file, which only a fixture file can name; write base64"):
        read_document(FileField(), parse_yaml("pyproject.toml", "here"))


def test_the_schemas_are_strings() -> None:
    assert create_json_schema(Base64Field())["contentEncoding"] == "base64"
    assert create_json_schema(FileField())["type"] == "string"
