"""OpenImages' point labels: rows in any order, names from two tables, pictures that lie on their side."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ref_sets import unpublished
from vlmscope.data.datasets import WordList, open_dataset
from vlmscope.data.datasets.openimages.point_rows import PointRows
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.errors import BadSampleError, UnknownNameError

IMAGES = 4
TABLE = "oidv7-val-annotations-point-labels.csv"
ID = "openimages-points"

Rows = list[dict[str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_tiny(ID, tmp_path / "set", IMAGES)
    return tmp_path / "set"


def change(root: Path, edit: Callable[[Rows], Rows | None]) -> None:
    path = root / TABLE
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    edited = edit(rows)
    rows = rows if edited is None else edited
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def found(root: Path, **options: object) -> dict[tuple[str, str], list[tuple[int, int, str]]]:
    data = open_dataset(ID, root, **options)  # type: ignore[arg-type]
    return {
        (image_id, referent.label): [tuple(point) for point in referent.points]
        for image_id in data.image_ids
        for referent in data.load(image_id).referents
    }


def test_points_lie_where_their_scene_says(root: Path) -> None:
    data = open_dataset(ID, root)
    assert data.tasks == ("labelled-points",)
    total = 0
    for scene, image_id in zip(scenes_of("val", IMAGES), data.image_ids, strict=True):
        sample = data.load(image_id)
        assert {r.label for r in sample.referents} == {
            f"{o.colour} {o.shape}" for o in scene.objects
        }
        for referent in sample.referents:
            masks = [o.mask for o in scene.objects if f"{o.colour} {o.shape}" == referent.label]
            mask = np.any(masks, axis=0)
            for x, y, says in referent.points:
                assert mask[y, x] == (says == "yes")
                total += 1
            yes = np.array([point[:2] for point in referent.points if point.says == "yes"])
            box = (*yes.min(axis=0), *(yes.max(axis=0) + 1))
            assert referent.target.box == tuple(float(side) for side in box)
            assert not referent.absent and referent.names == (referent.label,)
    counted = data.protocol["points"]
    assert sum(int(part.split()[0]) for part in counted.split(", ")) == total
    assert "no published figure" in data.protocol["comparable"]


def test_rows_may_stand_in_any_order(root: Path) -> None:
    before = found(root)
    change(root, lambda rows: rows[::2] + rows[1::2])
    after = found(root)
    assert {key: sorted(points) for key, points in before.items()} == {
        key: sorted(points) for key, points in after.items()
    }


def test_a_class_without_a_yes_is_not_measured(root: Path) -> None:
    [first, *_] = found(root)

    def doubt(rows: Rows) -> None:
        image = rows[0]["ImageId"]
        for row in rows:
            if row["ImageId"] == image and row["EstimatedYesNo"] == "yes":
                row["EstimatedYesNo"] = "unsure"

    change(root, doubt)
    assert first[0] not in {image for image, _ in found(unpublished(root))}


def test_names_come_from_the_descriptions_then_from_the_table(root: Path) -> None:
    names = {label for _, label in found(root)}

    def name(rows: Rows) -> None:
        for row in rows:
            row["TextLabel"] = row["Label"].removeprefix("/m/tiny").title()

    change(root, name)
    assert {label for _, label in found(root)} == names
    (root / "oidv7-class-descriptions.csv").unlink()
    assert {label for _, label in found(root)} == {n.replace(" ", "").title() for n in names}
    change(root, lambda rows: [row.update(TextLabel="") for row in rows] and None)
    with pytest.raises(
        BadSampleError, match=r"classes have no name, .*class-descriptions.csv into"
    ):
        open_dataset(ID, root)


def test_two_classes_of_one_name_are_two(root: Path) -> None:
    path = root / "oidv7-class-descriptions.csv"
    with (root / TABLE).open(newline="") as stream:
        ids = sorted({row["Label"] for row in csv.DictReader(stream)})
    path.write_text("LabelName,DisplayName\n" + "".join(f"{each},bat\n" for each in ids))
    data = open_dataset(ID, root)
    assert set(data.words.labels) == {f"bat ({each})" for each in ids}
    assert set(data.words.classes.values()) == {("bat",)}


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_on_its_side_is_turned_with_its_points(root: Path, degrees: int) -> None:
    """Points are places of the stored picture; degrees are counter-clockwise."""
    data = open_dataset(ID, root)
    upright = {image: data.load(image) for image in data.image_ids}
    for image in data.image_ids:
        path = root / "images" / "val" / f"{image}.jpg"
        Image.open(path).rotate(-degrees, expand=True).save(path, quality=100, subsampling=0)

    def lay_down(rows: Rows) -> None:
        for row in rows:
            x, y = float(row["X"]), float(row["Y"])
            stored = {90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[degrees]
            row["X"], row["Y"] = (f"{each:.6f}" for each in stored)

    change(root, lay_down)
    lines = "".join(f"{image},{degrees}.0\n" for image in data.image_ids)
    (root / "validation-images-with-rotation.csv").write_text(f"ImageID,Rotation\n{lines}zz,nan\n")
    turned = open_dataset(ID, root)
    assert turned.protocol["turned"].endswith(f"({IMAGES} images)")
    for image, before in upright.items():
        after = turned.load(image)
        assert after.image.size == before.image.size
        difference = np.abs(after.image.pixels.astype(int) - before.image.pixels)
        assert difference.mean() < 4 and any("Rotation" in note for note in after.image.notes)
        for one, two in zip(before.referents, after.referents, strict=True):
            assert one.points == two.points


def test_exif_turns_points_too_and_comes_before_the_table(root: Path) -> None:
    data = open_dataset(ID, root)
    [image, *_] = data.image_ids
    before = data.load(image)
    path = root / "images" / "val" / f"{image}.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: to be turned by 90 degrees clockwise
    Image.open(path).rotate(90, expand=True).save(path, quality=95, exif=exif)

    def lay_down(rows: Rows) -> None:
        for row in rows:
            if row["ImageId"] == image:
                x, y = float(row["X"]), float(row["Y"])
                row["X"], row["Y"] = f"{y:.6f}", f"{1 - x:.6f}"

    change(root, lay_down)
    (root / "val-image-ids.csv").write_text(f"ImageID,Rotation\n{image},270\n")
    after = open_dataset(ID, root).load(image)
    assert after.image.size == before.image.size
    for one, two in zip(before.referents, after.referents, strict=True):
        assert one.points == two.points


def test_a_rotation_that_is_none(root: Path) -> None:
    (root / "val-image-ids.csv").write_text("ImageID,Rotation\na,90\nb,45\n")
    with pytest.raises(
        BadSampleError, match=r"Line 3 of .*val-image-ids.csv has the Rotation '45'"
    ):
        open_dataset(ID, root)


def test_the_far_edge_is_the_last_pixel(root: Path) -> None:
    change(root, lambda rows: [row.update(X="1", Y="1.0") for row in rows] and None)
    data = open_dataset(ID, root)
    sample = data.load(data.image_ids[0])
    height, width = sample.image.size
    assert {point[:2] for r in sample.referents for point in r.points} == {(width - 1, height - 1)}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("X", "1.2", "shares of the picture's width and height, from 0 to 1"),
        ("Y", "nan", "shares of the picture's width and height, from 0 to 1"),
        ("X", "left", r"Its place is \(left, "),
        ("EstimatedYesNo", "maybe", "'maybe', neither yes, no nor unsure"),
        ("ImageId", "../../etc", "an id is no path"),
        ("Label", "", "neither may be empty"),
    ],
)
def test_a_row_that_is_wrong_is_left_out_and_listed(
    root: Path, column: str, value: str, reason: str
) -> None:
    change(root, lambda rows: rows[3].update({column: value}))
    data = open_dataset(ID, unpublished(root))
    [skipped] = data.skipped
    assert skipped.image_id == "line 5"
    assert re.search(reason, skipped.reason)


def test_thousands_of_wrong_rows_are_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmscope.data.datasets.openimages.point_rows._MOST_SKIPPED", 2)
    change(root, lambda rows: [row.update(X="2") for row in rows[:7]] and None)
    rows = PointRows.read(root / TABLE)
    assert [each.image_id for each in rows.skipped] == ["line 2", "line 3", "further lines"]
    assert rows.skipped[-1].reason == "5 more rows cannot be used."


def test_missing_images(root: Path) -> None:
    [first, *_] = open_dataset(ID, root).image_ids
    (root / "images" / "val" / f"{first}.jpg").unlink()
    with pytest.raises(BadSampleError, match=rf"1 of the 4 images .*{first}.jpg"):
        open_dataset(ID, root)
    data = open_dataset(ID, root, partial=True)
    assert data.protocol["partial"] == "3 of 4 images" and first not in data.image_ids


def test_some_of_the_classes(root: Path) -> None:
    data = open_dataset(ID, root)
    label = data.words.labels[0]
    part = open_dataset(ID, unpublished(root), WordList.plain([label], "one"))
    assert {r.label for i in part.image_ids for r in part.load(i).referents} == {label}
    with pytest.raises(UnknownNameError, match="Unknown class 'zebra'"):
        open_dataset(ID, root, WordList.plain(["zebra"], "one"))


def test_tables_that_are_missing_or_several(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match="has no split 'validation'. It has: val, test, train"):
        open_dataset(ID, root, split="validation")
    with pytest.raises(BadSampleError, match=r"has no oidv7-test-.*; it has: oidv7-"):
        open_dataset(ID, root, split="test")
    with pytest.raises(BadSampleError, match="There is no folder"):
        open_dataset(ID, tmp_path / "none")
    (root / f"copy of {TABLE}").write_bytes((root / TABLE).read_bytes())
    with pytest.raises(BadSampleError, match="has several tables of val"):
        open_dataset(ID, root)
    (root / f"copy of {TABLE}").unlink()
    change(root, lambda rows: [row.update(EstimatedYesNo="no") for row in rows] and None)
    with pytest.raises(BadSampleError, match="No point says yes to anything"):
        open_dataset(ID, root)
