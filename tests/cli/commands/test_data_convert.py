"""``data convert context``: what it writes, says and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images of 2 x 3: the left column is of one label, the rest of none."""
    rows = [
        {"file_name": f"2008_{n:06d}.jpg", "image_id": n, "phase": phase, "height": 2, "width": 3}
        for n, phase in enumerate(("train", "val"))
    ]
    annotations = [
        {"image_id": n, "category_id": 284, "segmentation": {"size": [2, 3], "counts": [0, 2, 4]}}
        for n in range(2)
    ]
    content = {"annos_segmentation": annotations, "images": rows}
    (tmp_path / "trainval_merged.json").write_text(json.dumps(content))
    return tmp_path


def test_maps_and_lists_are_written(run: Any, root: Path) -> None:
    done = run("data", "convert", "context", "--root", root)
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["split", "maps"],
        ["train", "1"],
        ["val", "1"],
    ]
    found = np.asarray(Image.open(root / "SegmentationClassContext" / "2008_000001.png"))
    assert found.tolist() == [[37, 0, 0], [37, 0, 0]]
    assert (root / "ImageSets/SegmentationContext/train.txt").read_text() == "2008_000000\n"


def test_elsewhere_and_as_json(run: Any, root: Path, tmp_path: Path) -> None:
    path, out = root / "trainval_merged.json", tmp_path / "out"
    content = json.loads(path.read_text())
    content["annos_segmentation"][0]["category_id"] = "sky"
    path.write_text(json.dumps(content))
    done = run("data", "convert", "context", "--root", path, "-o", out, "--json")
    assert done.code == 1
    said = json.loads(done.out)
    assert said["images"] == {"train": 1, "val": 1}
    [left] = said["skipped"]
    assert left["place"] == "annotation 0" and "got 'sky'" in left["reason"]
    assert "left out: annotation 0: " in done.err
    assert (out / "SegmentationClassContext" / "2008_000000.png").is_file()
    assert not (root / "SegmentationClassContext").exists()


def test_what_cannot_be_converted(refused: Any, tmp_path: Path) -> None:
    refused(["data", "convert", "contxt", "--root", tmp_path], "Unknown set to convert 'contxt'")
    refused(["data", "convert", "context", "--root", tmp_path], "Cannot read the annotations")
