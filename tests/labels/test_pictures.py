"""Pictures by their ids, from every kind of source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from label_folders import thing, write_folder, write_pictures
from vlmscope.errors import BadImageError
from vlmscope.labels import LabelFolder
from vlmscope.labels.pictures import SourcePictures, picture_bytes
from vlmscope.labels.sources import Columns, open_source

pytest.importorskip("pyarrow")


def _labels(tmp_path: Path, source: Any, columns: Columns | None = None) -> LabelFolder:
    identity = open_source(str(source), columns or Columns()).identity
    return write_folder(tmp_path / "labels", [thing("a")], kept={"source": identity})


def _read(labels: LabelFolder, name: str, **values: Any) -> bytes:
    return picture_bytes(SourcePictures.of(labels, **values)(name), name)


def test_of_a_folder(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "p", "sub/a.jpg")
    labels = _labels(tmp_path, pictures)
    assert _read(labels, "sub/a.jpg") == (pictures / "sub/a.jpg").read_bytes()
    with pytest.raises(BadImageError, match="There is no image 'b.jpg' in the source"):
        _read(labels, "b.jpg")


def test_of_a_pattern(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "p", "sub/a.jpg")
    labels = _labels(tmp_path, pictures / "*" / "*.jpg")
    assert _read(labels, "sub/a.jpg") == (pictures / "sub/a.jpg").read_bytes()


def test_of_json_lines_with_a_column_of_ids(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "p", "a.jpg")
    (pictures / "list.jsonl").write_text(json.dumps({"file": "a.jpg", "key": 17}) + "\n")
    labels = _labels(tmp_path, pictures / "list.jsonl", Columns("file", "key"))
    assert _read(labels, "17", wanted={"17"}) == (pictures / "a.jpg").read_bytes()


def test_of_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    data = (write_pictures(tmp_path / "p", "a.png") / "a.png").read_bytes()
    (tmp_path / "t").mkdir()
    parquet.write_table(arrow.table({"picture": [b"", data]}), tmp_path / "t" / "x.parquet")
    labels = _labels(tmp_path, tmp_path / "t" / "x.parquet", Columns("picture"))
    assert _read(labels, "x.parquet:1") == data


def test_of_another_place(tmp_path: Path) -> None:
    labels = _labels(tmp_path, write_pictures(tmp_path / "p", "a.jpg"))
    (tmp_path / "p").rename(tmp_path / "q")
    with pytest.raises(BadImageError, match="There is no image, list or folder"):
        _read(labels, "a.jpg")
    assert _read(labels, "a.jpg", source=tmp_path / "q") == (tmp_path / "q/a.jpg").read_bytes()
