"""Files are written whole or not at all, and a place that cannot be had is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.errors import OutputError
from vlmscope.io import atomic_path, write_json, write_text


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
