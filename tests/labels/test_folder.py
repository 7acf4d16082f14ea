"""A folder of labels is read part by part, and says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vlmscope.errors import OutputError
from vlmscope.labels import FIELDS, FORMAT, LabelFolder
from vlmscope.labels.schema import arrow_schema

parquet = pytest.importorskip("pyarrow.parquet")
arrow = pytest.importorskip("pyarrow")

_BLANK: dict[str, Any] = {
    **{field.name: None for field in FIELDS},
    "warnings": [],
    "method": "gem",
    "model": "tiny-clip",
    "version": "0",
    "seconds": 0.5,
}


def _row(name: str, **values: Any) -> dict[str, Any]:
    return {**_BLANK, "id": name, **values}


def _folder(place: Path, *parts: list[dict[str, Any]], job: Any = None) -> Path:
    (place / "parts").mkdir(parents=True)
    (place / "job.json").write_text(json.dumps({"format": FORMAT} if job is None else job))
    for number, rows in enumerate(parts):
        table = arrow.Table.from_pylist(rows, schema=arrow_schema())
        parquet.write_table(table, place / "parts" / f"{number}.parquet")
    return place


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    mask = {"size": [3, 4], "counts": "52:"}
    rows = [_row("a", phrase="x", box=[0.5, 1.0, 2.0, 3.0], mask=mask, picture_hash=2**64 - 1)]
    assert list(LabelFolder.open(_folder(tmp_path / "o", rows)).rows()) == rows


def test_rows_of_an_image_come_together(tmp_path: Path) -> None:
    first = [_row("a", phrase="x"), _row("a", phrase="y"), _row("b", error="BadImageError")]
    folder = LabelFolder.open(_folder(tmp_path / "o", first, [_row("c", phrase="x")]))
    counts = [(name, len(rows)) for name, rows in folder.images(["id", "phrase"])]
    assert counts == [("a", 2), ("b", 1), ("c", 1)]
    assert len(folder) == 4


def test_a_folder_of_something_else_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no job.json"):
        LabelFolder.open(tmp_path)


@pytest.mark.parametrize("job", [{}, [], {"format": "vlmscope-labels/9"}])
def test_another_format_is_said(tmp_path: Path, job: Any) -> None:
    with pytest.raises(OutputError, match="reads 'vlmscope-labels/1'"):
        LabelFolder.open(_folder(tmp_path / "o", job=job))


def test_a_torn_part_is_said(tmp_path: Path) -> None:
    place = _folder(tmp_path / "o", [_row("a")])
    part = place / "parts" / "0.parquet"
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(OutputError, match=r"Cannot read .*0\.parquet"):
        list(LabelFolder.open(place).rows())


def test_a_column_that_a_part_lacks_is_said(tmp_path: Path) -> None:
    folder = LabelFolder.open(_folder(tmp_path / "o", [_row("a")]))
    with pytest.raises(OutputError, match="no column 'colour'"):
        list(folder.rows(["id", "colour"]))


def test_a_part_that_is_being_written_does_not_count(tmp_path: Path) -> None:
    place = _folder(tmp_path / "o", [_row("a")])
    (place / "parts" / ".0-ab.parquet").write_bytes(b"PAR1")
    assert len(LabelFolder.open(place)) == 1
