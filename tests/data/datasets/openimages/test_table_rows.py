"""Rows of tables: by the names of their columns, whatever stands beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vlmscope.data.datasets.openimages.table_rows import table_rows
from vlmscope.errors import BadSampleError


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_columns_by_name_in_the_order_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '\ufeffb,a,c\r\n1,"x, y",3\r\n\r\n4,5\r\n')
    content = hashlib.sha256()
    assert list(table_rows(path, ("a", "b"), ("c", "d"), content)) == [
        (2, ["x, y", "1", "3", ""]),
        (4, ["5", "4", "", ""]),
    ]
    assert content.hexdigest() == hashlib.sha256(path.read_bytes()[3:]).hexdigest()


def test_a_column_of_several_spellings(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "ImageId\nq\n")
    assert list(table_rows(path, (("ImageID", "ImageId"),))) == [(2, ["q"])]


def test_what_is_lacking_is_named_with_what_is_there(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "x,y\n1,2\n")
    with pytest.raises(BadSampleError, match=r"a.csv has no column a, b; it has: x, y\."):
        list(table_rows(path, ("a", "x", ("b", "c"))))
    with pytest.raises(BadSampleError, match="it has: none"):
        list(table_rows(written(tmp_path / "a.csv", ""), ("a",)))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"Cannot read the table .*none.csv: No such file"):
        list(table_rows(tmp_path / "none.csv", ("a",)))
    (tmp_path / "a.csv").write_bytes(b"a\n\xff\n")
    with pytest.raises(BadSampleError, match="not UTF-8"):
        list(table_rows(tmp_path / "a.csv", ("a",)))
    written(tmp_path / "a.csv", "a\n" + "x" * 200_000 + "\n")
    with pytest.raises(BadSampleError, match="field larger than field limit"):
        list(table_rows(tmp_path / "a.csv", ("a",)))
