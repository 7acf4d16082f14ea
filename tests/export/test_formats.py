"""Index PNG, COCO and YOLO: what is read back is what was segmented."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentations import blobs, filled, segmentation
from vlmscope.errors import MissingExtraError
from vlmscope.export import coco_annotations, coco_document, index_image, yolo_data, yolo_lines
from vlmscope.types import BACKGROUND
from vlmscope.viz import class_colours


def saved(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    buffer.seek(0)
    return Image.open(buffer)


# index PNG


def test_a_palette_png_holds_indices_and_shows_colours() -> None:
    labels = blobs(4)
    labels[:5] = -1
    indexed = index_image(segmentation(labels))
    assert (indexed.bits, indexed.background) == (8, 255)
    read = saved(indexed.picture)
    assert read.mode == "P"
    values = np.asarray(read)
    np.testing.assert_array_equal(values, np.where(labels < 0, 255, labels))
    shown = np.asarray(read.convert("RGB"))
    np.testing.assert_array_equal(
        shown[labels == 2], class_colours(4)[2][None].repeat((labels == 2).sum(), 0)
    )
    assert (shown[labels < 0] == 0).all()


@pytest.mark.parametrize(
    ("classes", "empty", "bits", "background"),
    [
        (255, True, 8, 255),
        (256, False, 8, None),
        (256, True, 16, BACKGROUND),
        (257, False, 16, BACKGROUND),
        (1000, True, 16, BACKGROUND),
    ],
)
def test_eight_bits_as_long_as_they_last(
    classes: int, empty: bool, bits: int, background: int | None
) -> None:
    labels = np.arange(1024).reshape(32, 32) % classes
    labels[0, 0] = -1 if empty else 0
    names = tuple(f"thing {index}" for index in range(classes))
    indexed = index_image(segmentation(labels, names))
    assert (indexed.bits, indexed.background) == (bits, background)
    values = np.asarray(saved(indexed.picture)).astype(int)
    np.testing.assert_array_equal(values, np.where(labels < 0, background or 0, labels))


# COCO


def test_coco_masks_read_back() -> None:
    tools = pytest.importorskip("pycocotools.mask")
    labels = blobs(3)
    labels[20:30, 20:40] = -1
    found = segmentation(labels, ("dog", "cat", "bus", "sky"))
    annotations = coco_annotations(found)
    assert [each["category_id"] for each in annotations] == [1, 2, 3]
    for index, annotation in enumerate(annotations):
        lengths = json.loads(json.dumps(annotation["segmentation"]))
        mask = tools.decode({**lengths, "counts": lengths["counts"].encode()}).astype(bool)
        np.testing.assert_array_equal(mask, labels == index)
        rows, columns = np.nonzero(mask)
        x, y, width, height = annotation["bbox"]
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
        assert annotation["area"] == mask.sum()
        assert annotation["score"] == pytest.approx(float(found.presence[index]))


def test_a_coco_file_opens_in_pycocotools(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO

    first, second = segmentation(blobs(2), ("dog", "cat")), segmentation(blobs(2, seed=1))
    images = [
        ("sub/a.jpg", first.image_size, coco_annotations(first)),
        ("b.png", second.image_size, coco_annotations(second)),
    ]
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(coco_document(("dog", "cat"), images)))
    coco = COCO(str(path))
    capsys.readouterr()
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == ["dog", "cat"]
    (image,) = [each for each in coco.loadImgs(coco.getImgIds()) if each["file_name"] == "b.png"]
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=image["id"], catIds=[2]))
    np.testing.assert_array_equal(coco.annToMask(annotations[0]).astype(bool), second.mask(1))
    ids = [each["id"] for each in coco.dataset["annotations"]]
    assert ids == [1, 2, 3, 4]


def test_coco_without_pycocotools_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vlmscope\[coco\]'"):
        coco_annotations(segmentation(blobs(2)))


# YOLO


def test_yolo_polygons_draw_the_classes_again() -> None:
    labels = blobs(3, (90, 120))
    labels[30:50, 30:60] = -1
    found = segmentation(labels)
    polygons: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
    for line in yolo_lines(found):
        number, *values = line.split()
        points = np.array(values, dtype=float).reshape(-1, 2)
        assert len(points) >= 3
        assert ((points >= 0) & (points <= 1)).all()
        polygons[int(number)].append(points * [120, 90])
    for index, drawn in polygons.items():
        mask = filled(drawn, (90, 120))
        wanted = labels == index
        assert (mask & wanted).sum() / (mask | wanted).sum() > 0.95


def test_yolo_of_an_empty_image_has_no_line() -> None:
    assert yolo_lines(segmentation(np.full((8, 8), -1), ("dog",))) == []


def test_yolo_data_is_yaml_whatever_the_names() -> None:
    text = yolo_data(['dog: "big"', "café", "- #7"])
    assert text.startswith("# labels/a.txt goes with images/a.jpg")
    assert text.splitlines()[-3:] == ['  0: "dog: \\"big\\""', '  1: "café"', '  2: "- #7"']
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(text)["names"] == {0: 'dog: "big"', 1: "café", 2: "- #7"}
