"""Parquet rows: in any order, a few in memory, and what is wrong with a file in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ref_sets import picture_bytes, write_parquet
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of, shards
from vlmscope.errors import BadImageError, BadSampleError


def two_files(tmp_path: Path) -> list[Path]:
    first = [{"id": n, "text": f"row {n}"} for n in range(11)]
    second = [{"id": n, "text": f"row {n}"} for n in range(11, 18)]
    return [
        write_parquet(tmp_path / "val-00000-of-00002.parquet", first),
        write_parquet(tmp_path / "val-00001-of-00002.parquet", second),
    ]


def test_rows_come_in_order_and_by_their_place(tmp_path: Path) -> None:
    rows = ParquetRows(two_files(tmp_path), ("id", "text"))
    scanned = list(rows.scan(("id",)))
    assert [row["id"] for _, row in scanned] == list(range(18)) and len(rows) == 18
    for index in np.random.default_rng(0).permutation(18):
        place, row = scanned[index]
        assert rows.row(place, ("text", "id")) == {"text": f"row {row['id']}", "id": row["id"]}


def test_a_row_that_is_not_there_is_refused(tmp_path: Path) -> None:
    rows = ParquetRows(two_files(tmp_path), ("id",))
    with pytest.raises(BadSampleError, match="has 11 rows, row 11 is not among them"):
        rows.row(Place(0, 11), ("id",))


def test_other_columns_are_named_and_can_be_mapped(tmp_path: Path) -> None:
    files = two_files(tmp_path)
    with pytest.raises(
        BadSampleError, match=r"no column 'texts'. It has: id, text. .*--map texts=text"
    ):
        ParquetRows(files, ("id", "texts"))
    rows = ParquetRows(files, ("id", "texts"), {"texts": "text"})
    assert rows.row(Place(1, 0), ("texts",)) == {"texts": "row 11"}
    with pytest.raises(BadSampleError, match="names columns that are not read: 'caption'"):
        ParquetRows(files, ("id",), {"caption": "text"})


def test_files_that_are_no_parquet_are_refused(tmp_path: Path) -> None:
    pointer = tmp_path / "val.parquet"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BadSampleError, match="Cannot read the Parquet file .*pointer of Git LFS"):
        ParquetRows([pointer], ())
    [whole, _] = two_files(tmp_path / "cut")
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(BadSampleError, match="Cannot read the Parquet file"):
        ParquetRows([whole], ())


def test_damage_inside_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "val.parquet", [{"b": bytes(range(256)) * 40}] * 3)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    rows = ParquetRows([path], ("b",))
    with pytest.raises(BadSampleError, match="is damaged"):
        rows.row(Place(0, 0), ("b",))


def test_the_files_of_a_split(tmp_path: Path) -> None:
    files = two_files(tmp_path / "data")
    write_parquet(tmp_path / "data" / "testA-00000-of-00001.parquet", [{"id": 1}])
    assert shards(tmp_path, "val") == files
    assert [path.name for path in shards(tmp_path, "testA")] == ["testA-00000-of-00001.parquet"]
    assert shards(files[0], "whatever") == [files[0]]
    with pytest.raises(
        BadSampleError, match="no Parquet file of the split 'test' in .*Found: test"
    ):
        shards(tmp_path, "test")
    files[0].unlink()
    with pytest.raises(BadSampleError, match="Of the 2 files of the split 1 are missing, .* 00000"):
        shards(tmp_path, "val")


def test_two_versions_of_a_split_are_refused(tmp_path: Path) -> None:
    two_files(tmp_path)
    write_parquet(tmp_path / "val-00000-of-00001.parquet", [{"id": 1}])
    with pytest.raises(BadSampleError, match="are of two versions of a split"):
        shards(tmp_path, "val")


def test_pictures_in_cells() -> None:
    data = picture_bytes(12, 20)
    assert picture_of({"bytes": data, "path": "a.png"}, "image 1").size == (12, 20)
    assert picture_of(data, "image 1").name == "image 1"
    for cell in (None, {"bytes": None, "path": "a.png"}, "a.png", b""):
        with pytest.raises(BadImageError, match="image 1 has no picture inside"):
            picture_of(cell, "image 1")


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Pictures of a megabyte, eight in a row group: all are read, no more than a group is held."""
    rng = np.random.default_rng(0)
    peaks = {}
    for count in (24, 96):
        rows = [{"id": n, "image": {"bytes": rng.bytes(1 << 20)}} for n in range(count)]
        path = write_parquet(tmp_path / f"val{count}.parquet", rows, group=8)
        del rows
        pool = pa.default_memory_pool()
        pool.release_unused()
        before, peaks[count] = pa.total_allocated_bytes(), 0
        read = ParquetRows([path], ("id", "image"))
        for place in range(count):
            assert len(read.row(Place(0, place), ("image",))["image"]["bytes"]) == 1 << 20
            peaks[count] = max(peaks[count], pa.total_allocated_bytes() - before)
    assert peaks[96] < 30 << 20
    assert peaks[96] < 1.2 * peaks[24]
