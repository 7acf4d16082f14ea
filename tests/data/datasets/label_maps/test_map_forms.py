"""Every form of a set's maps against the scenes they were rendered from, by tables written down here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.data.datasets import IGNORE, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS, class_of
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.tiny import Scene

IMAGES = 4
BACKGROUND = {"voc21": 0, "context60": 0, "coco-object": 0}
"""Index of the background, where it is a class; else its pixels are ignored."""

COCO_GAPS = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
CITY = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def truth(scene: Scene, name: str, classes: int) -> np.ndarray:
    """What a reader has to find, pixel by pixel; the first row is the border that is ignored."""
    labels = np.full(scene.size, BACKGROUND.get(name, IGNORE))
    first = 1 if name in BACKGROUND else 0
    for item in scene.objects:
        labels[item.mask] = first + class_of(item.colour, item.shape, classes - first)
    labels[0] = IGNORE
    return labels


def check(name: str, root: Path, split: str = "val") -> None:
    data = open_dataset(name, root, split=split)
    assert data.skipped == ()
    scenes = list(scenes_of(split, IMAGES))
    assert len(data.image_ids) == len(scenes)
    for scene, image_id in zip(scenes, data.image_ids, strict=True):
        sample = data.load(image_id)
        assert sample.image.size == scene.size
        assert np.array_equal(sample.labels, truth(scene, name, len(data.words)))


@pytest.mark.parametrize("split", ["val", "train"])
@pytest.mark.parametrize("name", [layout.dataset for layout in MAP_LAYOUTS])
def test_maps_are_those_of_the_scenes(tmp_path: Path, name: str, split: str) -> None:
    make_tiny(name, tmp_path, IMAGES)
    check(name, tmp_path, split)


def rewritten(
    folder: Path, end: str, new_end: str, numbers: Callable[[int], int], kind: type = np.uint8
) -> None:
    """Give every map another ending and other numbers."""
    for path in sorted(folder.rglob(f"*{end}")):
        old = np.asarray(Image.open(path))
        table = {int(value): numbers(int(value)) for value in np.unique(old)}
        new = np.vectorize(table.get)(old).astype(kind)
        path.unlink()
        Image.fromarray(new).save(path.with_name(path.name.removesuffix(end) + new_end))


def raw_of(
    indices: Sequence[int] = tuple(n for n in range(182) if n not in COCO_GAPS),
) -> Mapping[int, int]:
    return dict(enumerate(indices))


def test_coco_stuff_with_train_ids(tmp_path: Path) -> None:
    make_tiny("coco-stuff", tmp_path, IMAGES)
    index = {number: place for place, number in raw_of().items()} | {255: 255}
    rewritten(tmp_path / "annotations", ".png", "_labelTrainIds.png", index.__getitem__)
    check("coco-stuff", tmp_path)
    assert open_dataset("coco-stuff", tmp_path).protocol["maps"] == "*_labelTrainIds.png"


def test_the_published_numbers_of_coco_stuff_name_171_classes() -> None:
    from vlmscope.data.datasets.coco_stuff import RAW_NUMBERS

    assert {index: number for number, index in RAW_NUMBERS.items()} == raw_of()
    assert len(RAW_NUMBERS) == 171 and RAW_NUMBERS[89] == 79 and RAW_NUMBERS[91] == 80


@pytest.mark.parametrize("form", ["train ids", "published"])
def test_coco_object_from_maps_of_stuff(tmp_path: Path, form: str) -> None:
    """Things go one up, stuff is background, 255 stays ignored."""
    make_tiny("coco-object", tmp_path, IMAGES)
    stuff = 100 if form == "train ids" else 120
    raw = raw_of()

    def number(value: int) -> int:
        if value in (0, 255):
            return stuff if value == 0 else 255
        return value - 1 if form == "train ids" else raw[value - 1]

    end = "_labelTrainIds.png" if form == "train ids" else ".png"
    rewritten(tmp_path / "annotations", "_instanceTrainIds.png", end, number)
    check("coco-object", tmp_path)
    assert "background" in open_dataset("coco-object", tmp_path).protocol["maps"]


def test_maps_of_objects_alone_are_none_of_stuff(tmp_path: Path) -> None:
    from vlmscope.errors import BadSampleError

    make_tiny("coco-object", tmp_path, IMAGES)
    with pytest.raises(BadSampleError, match=r"4 of the 4 images .*_labelTrainIds.png"):
        open_dataset("coco-stuff", tmp_path)


def test_cityscapes_with_label_ids(tmp_path: Path) -> None:
    make_tiny("cityscapes", tmp_path, IMAGES)
    ends = ("_gtFine_labelTrainIds.png", "_gtFine_labelIds.png")
    rewritten(tmp_path / "gtFine", *ends, lambda value: 4 if value == 255 else CITY[value])
    check("cityscapes", tmp_path)
    assert open_dataset("cityscapes", tmp_path).protocol["maps"] == "*_labelIds.png"


def test_a_scene_of_cityscapes_without_its_map(tmp_path: Path) -> None:
    from vlmscope.errors import BadSampleError

    make_tiny("cityscapes", tmp_path, IMAGES)
    [*_, last] = sorted((tmp_path / "gtFine/val/tinytown").iterdir())
    last.unlink()
    with pytest.raises(BadSampleError, match=f"There is no label map .*{last.name}"):
        open_dataset("cityscapes", tmp_path)


def test_sixteen_bit_maps_are_read_as_they_are(tmp_path: Path) -> None:
    make_tiny("ade20k", tmp_path, IMAGES)
    folder = tmp_path / "ADEChallengeData2016/annotations/validation"
    rewritten(folder, ".png", ".png", lambda value: value, np.uint16)
    check("ade20k", tmp_path)


@pytest.mark.parametrize("below", ["VOCdevkit", "VOCdevkit/VOC2012"])
def test_a_folder_further_down_will_do(tmp_path: Path, below: str) -> None:
    make_tiny("voc21", tmp_path, IMAGES)
    (tmp_path / "manifest.json").rename(tmp_path / below / "manifest.json")
    check("voc21", tmp_path / below)
