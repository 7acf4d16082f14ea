"""What all sets of photographs and label maps have in common: words, targets, and what can be missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ref_sets import unpublished
from vlmscope.data.datasets import IGNORE, WordList, open_dataset
from vlmscope.data.datasets.check import check_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS
from vlmscope.errors import BadImageError, BadSampleError

SETS = [layout.dataset for layout in MAP_LAYOUTS]
IMAGES = 3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_tiny("voc21", tmp_path / "set", IMAGES)
    return tmp_path / "set"


def maps(root: Path) -> list[Path]:
    return sorted((root / "VOCdevkit/VOC2012/SegmentationClass").glob("val_*.png"))


def change(path: Path, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    numbers = np.asarray(Image.open(path)).copy()
    Image.fromarray(edit(numbers)).save(path)


def test_a_list_in_another_order_gives_other_numbers_and_the_same_pixels(root: Path) -> None:
    own = open_dataset("voc21", root)
    labels = list(own.words.labels)[::-1]
    other = open_dataset("voc21", root, WordList.plain(labels, "backwards"))
    for image_id in own.image_ids:
        one, two = own.load(image_id).labels, other.load(image_id).labels
        assert one is not None and two is not None
        kept = one != IGNORE
        assert np.array_equal(kept, two != IGNORE) and kept.any()
        assert np.array_equal(one[kept], 20 - two[kept])


def test_classes_that_are_left_out_are_ignored(root: Path) -> None:
    own = open_dataset("voc21", root)
    part = open_dataset(
        "voc21", root, own.words.only([w for w in own.words.labels if w != "background"])
    )
    without = open_dataset("voc20", root)
    for image_id in own.image_ids:
        one, two = part.load(image_id).labels, without.load(image_id).labels
        assert np.array_equal(one, two)
    assert part.words.background == "" and part.protocol["classes"] == "20 of 21"
    assert part.protocol["ignored pixels"].endswith("; and background")


def test_nobody_points_at_the_background(root: Path) -> None:
    data = open_dataset("voc21", root)
    assert data.words.background == data.protocol["background"] == "background"
    for image_id in data.image_ids:
        sample = data.load(image_id)
        assert sample.labels is not None and (sample.labels == 0).mean() > 0.5
        assert "background" not in [referent.label for referent in sample.referents]


@pytest.mark.parametrize("which", ["map", "image"])
def test_a_missing_file_refuses_the_set_and_partial_goes_on(root: Path, which: str) -> None:
    place = maps(root)[1]
    if which == "image":
        place = root / "VOCdevkit/VOC2012/JPEGImages" / f"{place.stem}.jpg"
    place.unlink()
    with pytest.raises(BadSampleError) as caught:
        open_dataset("voc21", root)
    assert "1 of the 3 images of voc21 val are missing" in str(caught.value)
    assert place.name in str(caught.value) and "--partial" in str(caught.value)
    data = open_dataset("voc21", root, partial=True)
    assert data.protocol["partial"] == "2 of 3 images" and len(data.image_ids) == 2
    [skipped] = data.skipped
    assert skipped.image_id == place.stem and place.name in skipped.reason


def test_a_map_that_does_not_fit_leaves_its_image_out_and_says_why(root: Path) -> None:
    one, two, three = maps(root)
    change(one, lambda numbers: numbers[:, :-1])
    change(two, lambda numbers: np.where(numbers == 0, 21, numbers).astype(np.uint8))
    Image.open(three).convert("RGB").save(three)
    data = open_dataset("voc21", root)
    for path, reason in ((one, "its image is"), (two, "holds 21 in"), (three, "has colours")):
        with pytest.raises(BadSampleError, match=rf"{path.name}.*{reason}"):
            data.load(path.stem)
    checked = check_dataset("voc21", root)
    assert not checked.usable and "cannot be used: The label map" in checked.problem


def test_a_map_of_a_turned_photograph_says_so(root: Path) -> None:
    name = maps(root)[0].stem
    path = root / "VOCdevkit/VOC2012/JPEGImages" / f"{name}.jpg"
    picture = Image.open(path).convert("RGB").crop((0, 0, 90, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)
    with pytest.raises(BadSampleError, match="Of the image: EXIF orientation 6 applied"):
        open_dataset("voc21", root).load(name)


def test_a_photograph_that_cannot_be_read(root: Path) -> None:
    name = maps(root)[0].stem
    (root / "VOCdevkit/VOC2012/JPEGImages" / f"{name}.jpg").write_bytes(b"none")
    with pytest.raises(BadImageError):
        open_dataset("voc21", root).load(name)


def test_another_map_is_another_digest(root: Path) -> None:
    before = open_dataset("voc21", root).digest
    assert open_dataset("voc21", root).digest == before
    change(maps(root)[0], lambda numbers: np.where(numbers == 255, 0, numbers).astype(np.uint8))
    assert open_dataset("voc21", root).digest != before


@pytest.mark.parametrize("name", SETS)
def test_published_counts_are_asserted_where_the_table_gives_them(
    name: str, tmp_path: Path
) -> None:
    make_tiny(name, tmp_path / "set", IMAGES)
    root = unpublished(tmp_path / "set")
    counts = {"voc21": 1449, "voc20": 1449, "context60": 5105, "context59": 5105}
    counts |= {"ade20k": 2000, "cityscapes": 500}
    if name not in counts:  # COCO's: nothing is asserted, the number is stated
        data = open_dataset(name, root)
        assert data.protocol["counts"]["images"] == IMAGES and "partial" not in data.protocol
        return
    with pytest.raises(BadSampleError, match=f"holds 3 images, not {counts[name]:,}: "):
        open_dataset(name, root)
    data = open_dataset(name, root, partial=True)
    assert data.protocol["partial"] == f"3 of {counts[name]:,} images"
    assert open_dataset(name, root, split="train").protocol["counts"]["images"] == IMAGES


@pytest.mark.parametrize(
    ("name", "base", "maps", "listing", "number"),
    [
        ("voc20", "VOC2012", "SegmentationClass", "Segmentation", 1449),
        ("context59", "VOC2010", "SegmentationClassContext", "SegmentationContext", 5104),
        ("context59", "VOC2010", "SegmentationClassContext", "Main", 5105),
    ],
)
def test_a_split_of_the_published_size_is_whole(
    tmp_path: Path, name: str, base: str, maps: str, listing: str, number: int
) -> None:
    """Files are looked up, none is opened."""
    names = [f"2007_{index:06d}" for index in range(number)]
    for folder, end in (("JPEGImages", ".jpg"), (maps, ".png")):
        (tmp_path / base / folder).mkdir(parents=True)
        for each in names:
            (tmp_path / base / folder / f"{each}{end}").touch()
    place = tmp_path / base / "ImageSets" / listing / "val.txt"
    place.parent.mkdir(parents=True)
    place.write_text("\n".join(names))
    data = open_dataset(name, tmp_path)
    assert len(data.image_ids) == number and "partial" not in data.protocol


@pytest.mark.parametrize("name", SETS)
def test_the_wrong_folder_is_refused_with_what_is_looked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadSampleError, match=r"has none of the folders .*--root"):
        open_dataset(name, tmp_path)
    checked = check_dataset(name, tmp_path)
    assert not checked.usable and all(part.count == 0 and part.advice for part in checked.parts)


@pytest.mark.parametrize("name", SETS)
def test_targets_are_masks_of_the_classes(name: str, tmp_path: Path) -> None:
    make_tiny(name, tmp_path / "set", IMAGES)
    data = open_dataset(name, tmp_path / "set", tmp_path / "set" / "words.json")
    assert data.tasks == ("segmentation", "presence", "pointing")
    found = 0
    for image_id in data.image_ids:
        sample = data.load(image_id)
        for referent in sample.referents:
            index = data.words.labels.index(referent.label)
            assert np.array_equal(referent.target.mask, sample.labels == index)
            assert referent.names == data.words.classes[referent.label]
            found += 1
    assert found
