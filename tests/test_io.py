"""Files are written whole or not at all, and a place that cannot be had is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmscope.errors import OutputError
from vlmscope.io import (
    atomic_path,
    is_file,
    is_folder,
    is_there,
    parse_json,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [each.name for each in target.parent.iterdir()] == ["a.txt"]


def test_json_is_strict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nan"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["b.txt", "sub/b.txt"])
def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "a.txt").write_text("here")
    with pytest.raises(OutputError, match=r"a\.txt is a file, not a folder"):
        write_text(tmp_path / "a.txt" / below, "text")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path, "text")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1 column 2"),
        ("[1, NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[1e999]", "1e999 is too large"),
        ("1" * 400, "is too large"),
        ("1" * 6000, "is too large"),
        ('{"a": {"b": 1, "b": 1}}', "the key 'b' occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        (r'{"\udc00": 1}', "half of a surrogate pair"),
        ("\ufeff{}", "begins with a byte order mark"),
    ],
)
def test_json_that_python_would_let_pass_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_strict_json_is_read_as_python_reads_it() -> None:
    text = r'{"a": [1, -2.5e3, true, null, "\ud83d\ude00"], "b": {"a": 12345678901234567890}}'
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("name", ["a" * 300, "a/" + "b" * 5000, "a\0b", ""])
def test_a_name_that_no_system_takes_has_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "x"
    assert not is_there(path) and not is_file(path) and not is_folder(path)


def test_names_that_have_something(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("")
    assert is_there(file) and is_file(file) and not is_folder(file)
    assert is_there(tmp_path) and is_folder(tmp_path) and not is_file(tmp_path)
