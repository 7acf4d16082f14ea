"""Scenes as the sets of semantic segmentation have their photographs and label maps.

Colours with shapes stand for the first classes of a set; ``words.json`` says which for which, so that
``--words`` asks for what the pictures show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.data.datasets.coco_stuff import RAW_NUMBERS
from vlmscope.data.datasets.counts import Counts
from vlmscope.data.datasets.label_maps.class_words import vocabulary
from vlmscope.data.tiny_sets.scenes import scenes_of
from vlmscope.io import atomic_path, write_text
from vlmscope.tiny import Scene
from vlmscope.tiny.world.words import COLOURS, SHAPES

__all__ = ["MAP_LAYOUTS", "WORDS", "MapLayout", "class_of"]

WORDS = "words.json"
"""File in the folder of a rendered set: what its classes look like."""

SPLITS = ("val", "train")
BACKGROUND = -1
_BORDER = 255


@dataclass(frozen=True)
class MapLayout:
    """How one set lays out its files.

    Attributes:
        dataset: id of the set.
        image, truth: places of a photograph and of its map, with ``{split}`` and ``{name}``.
        names: names of the splits in those places.
        listing: place of the list of a split, with ``{split}``; ``""``: there is none.
        number: index of a class, or :data:`BACKGROUND` -> number in the maps.
        palette: whether maps have colours for a viewer.
        stem: name of the picture of a split and a number.
    """

    dataset: str
    image: str
    truth: str
    number: Callable[[int], int]
    listing: str = ""
    names: Mapping[str, str] | None = None
    palette: bool = False
    stem: Callable[[str, int], str] = lambda split, number: f"{split}_{number:06d}"

    def write(self, folder: Path, images: int) -> dict[str, Counts]:
        """Write a folder with so many images of each split; what each holds."""
        classes = self._classes()
        counts = {}
        for split in SPLITS:
            name = (self.names or {}).get(split, split)
            stems = []
            for number, scene in enumerate(scenes_of(split, images)):
                stems.append(self.stem(split, number))
                self._write(folder, scene, name, stems[-1], len(classes))
            if self.listing:
                lines = "".join(f"{stem}\n" for stem in stems)
                write_text(folder / self.listing.format(split=split), lines)
            counts[split] = Counts(len(stems), 0, 0)
        self._write_words(folder, classes)
        return counts

    def _classes(self) -> Sequence[str]:
        words = vocabulary(self.dataset, "plain")
        return [label for label in words.labels if label != words.background]

    def _write(self, folder: Path, scene: Scene, split: str, stem: str, classes: int) -> None:
        picture = Image.fromarray(scene.image)
        with atomic_path(folder / self.image.format(split=split, name=stem)) as place:
            picture.save(place, quality=95) if place.suffix == ".jpg" else picture.save(place)
        numbers = np.full(scene.size, self.number(BACKGROUND), dtype=np.uint8)
        for item in scene.objects:
            numbers[item.mask] = self.number(class_of(item.colour, item.shape, classes))
        numbers[0] = _BORDER  # a row that counts for nothing
        drawn = Image.fromarray(numbers)
        if self.palette:
            drawn = drawn.convert("P")
            drawn.putpalette(_colours())
        with atomic_path(folder / self.truth.format(split=split, name=stem)) as place:
            drawn.save(place, "PNG")

    def _write_words(self, folder: Path, classes: Sequence[str]) -> None:
        background = vocabulary(self.dataset, "plain").background
        looks: dict[str, list[str]] = {background: ["background"]} if background else {}
        for colour in COLOURS:
            for shape in SHAPES:
                label = classes[class_of(colour, shape, len(classes))]
                looks.setdefault(label, []).append(f"{colour} {shape}")
        content = {
            "name": f"what stands for {self.dataset}",
            "version": "1",
            **({"background": background} if background else {}),
            "classes": looks,
        }
        write_text(folder / WORDS, json.dumps(content, indent=1) + "\n")


def class_of(colour: str, shape: str, classes: int) -> int:
    """The class that a colour with a shape stands for."""
    return (COLOURS.index(colour) * len(SHAPES) + SHAPES.index(shape)) % classes


def _from_one(index: int) -> int:
    return index + 1


def _from_zero(index: int) -> int:
    return _BORDER if index == BACKGROUND else index


def _city(split: str, number: int) -> str:
    return f"tinytown_{number:06d}_{0 if split == 'val' else 1:06d}"


def _coco(split: str, number: int) -> str:
    return f"{2 * number + (split == 'train'):012d}"


def _raw(index: int) -> int:
    return _BORDER if index == BACKGROUND else _RAW[index]


def _colours() -> list[int]:
    """A palette in which neighbouring numbers look different."""
    rng: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8)
    return rng.tolist()


_RAW = {index: number for number, index in RAW_NUMBERS.items()}
_VOC = ("VOCdevkit/VOC2012/JPEGImages/{name}.jpg", "VOCdevkit/VOC2012/SegmentationClass/{name}.png")
_VOC_LIST = "VOCdevkit/VOC2012/ImageSets/Segmentation/{split}.txt"
_CONTEXT = ("VOC2010/JPEGImages/{name}.jpg", "VOC2010/SegmentationClassContext/{name}.png")
_CONTEXT_LIST = "VOC2010/ImageSets/SegmentationContext/{split}.txt"
_COCO = ("images/{split}2017/{name}.jpg", "annotations/{split}2017/{name}")

MAP_LAYOUTS: Sequence[MapLayout] = (
    MapLayout("voc21", *_VOC, _from_one, _VOC_LIST, palette=True),
    MapLayout("voc20", *_VOC, _from_one, _VOC_LIST, palette=True),
    MapLayout("context60", *_CONTEXT, _from_one, _CONTEXT_LIST),
    MapLayout("context59", *_CONTEXT, _from_one, _CONTEXT_LIST),
    MapLayout(
        "ade20k",
        "ADEChallengeData2016/images/{split}/{name}.jpg",
        "ADEChallengeData2016/annotations/{split}/{name}.png",
        _from_one,
        names={"val": "validation", "train": "training"},
    ),
    MapLayout("coco-stuff", _COCO[0], f"{_COCO[1]}.png", _raw, stem=_coco),
    MapLayout("coco-object", _COCO[0], f"{_COCO[1]}_instanceTrainIds.png", _from_one, stem=_coco),
    MapLayout(
        "cityscapes",
        "leftImg8bit/{split}/tinytown/{name}_leftImg8bit.png",
        "gtFine/{split}/tinytown/{name}_gtFine_labelTrainIds.png",
        _from_zero,
        stem=_city,
    ),
)
"""A layout for each set with label maps."""
