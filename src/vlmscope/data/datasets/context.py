"""PASCAL Context on VOC 2010: 59 classes, with the background (context60) or without (context59)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import IGNORE, Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_words import class_words, vocabulary
from vlmscope.data.datasets.label_maps.context_numbers import read_label_matrix
from vlmscope.data.datasets.label_maps.files import IMAGE_ENDS, base_folder, beside, names_of_split
from vlmscope.data.datasets.label_maps.labelled_set import (
    LabelledPhoto,
    LabelledSet,
    MapListing,
    MapReader,
)
from vlmscope.data.datasets.label_maps.table import VOID, LabelTable
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, is_folder, shown_path

__all__ = ["LISTS", "MAPS", "ContextKind", "context59", "context60"]

MAPS, LISTS = "SegmentationClassContext", "ImageSets/SegmentationContext"
"""Folders of the converted maps and of the lists of their splits, as the field calls them."""

_FOLDERS = ("VOCdevkit/VOC2010", "VOC2010", "")
_MATRICES = ("trainval", "mats", "context")  # where people unpack trainval.tar.gz
_CLASSES = 59
_IMAGES = (5_105, 5_104)  # of val; copies lack one
_CONVERT = (
    "make it from trainval_merged.json with: vlmscope data convert context --root FOLDER, or unpack "
    "the publishers' trainval.tar.gz (.mat files) beside it"
)


@dataclass(frozen=True)
class ContextKind:
    """Opens a folder of VOC 2010 with the maps of PASCAL Context.

    Attributes:
        id: explicit and unique.
        background: whether the background is a class; else its pixels are ignored.
    """

    id: str
    background: bool

    splits: tuple[str, ...] = ("val", "train")

    @property
    def summary(self) -> str:
        """One line."""
        which = "59 classes and the background" if self.background else "59 classes, no background"
        return f"PASCAL Context (VOC 2010), {which}: 5,105 images in val"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its folder has to hold."""
        maps = (f"{MAPS}/*.png", *(f"{name}/*.mat" for name in _MATRICES))
        lists = (f"{LISTS}/*.txt", "ImageSets/Main/val.txt")
        archive = "unpack VOCtrainval_03-May-2010.tar, the data of VOC 2010"
        return (
            Part(_below("JPEGImages/*.jpg"), "JPEGImages/: the photographs", archive),
            Part(_below(*maps), f"{MAPS}/: the label maps", _CONVERT),
            Part(_below(*lists), f"{LISTS}/: the lists of the splits", archive),
        )

    def open(self, source: DatasetSource) -> Dataset:
        """Read the list of the split; see :class:`LabelledSet` for what is raised."""
        root = Path(source.folder(self.id, "VOCdevkit/VOC2010"))
        split = source.split or self.splits[0]
        folder = base_folder(root, _FOLDERS, ("JPEGImages", MAPS))
        names, twice = _names(folder, split)
        maps, end, form, read = self._form(folder)
        photos = [
            LabelledPhoto(
                name,
                beside(folder / "JPEGImages", name, IMAGE_ENDS),
                maps / f"{name}{end}",
                read,
            )
            for name in names
        ]
        found = MapListing(
            f"{self.id} {split}",
            photos,
            vocabulary(self.id, "plain").labels,
            "255" if self.background else "0, whatever is none of the 59 classes; 255",
            twice,
            {"source": f"{folder.name}/{maps.name}", "maps": form},
        )
        published = Expected()
        if split == "val":
            number = len(names) if len(names) in _IMAGES else _IMAGES[0]
            published = Expected({"images": number})
        expected = expected_counts(root, split, published)
        words = class_words(self.id, source.words)
        return LabelledSet(self.id, found, words, expected, source.partial)

    def _form(self, folder: Path) -> tuple[Path, str, str, MapReader]:
        """Folder of the maps, their ending, what a report says of them, and what reads one."""
        first = 0 if self.background else 1
        if is_folder(folder / MAPS):
            numbers = {0: IGNORE, VOID: IGNORE}
            numbers |= {number: number - first for number in range(first, _CLASSES + 1)}
            form = "PNG, 0 is the background, 1 to 59 the classes"
            advice = "Maps of all 459 labels have to be converted first"
            return folder / MAPS, ".png", form, LabelTable(form, numbers, advice).read
        for name in _MATRICES:
            if any((folder / name).glob("*.mat")):
                form = "the publishers' .mat files of 459 labels, of which 59 count"
                return folder / name, ".mat", form, partial(_read_matrix, first)
        raise BadSampleError(
            f"{shown_path(folder)} has neither {MAPS}/ nor .mat files of PASCAL Context: {_CONVERT}."
        )


def _read_matrix(first: int, path: Path, size: tuple[int, int]) -> NDArray[np.int32]:
    labels = read_label_matrix(path, size).astype(np.int32) - first
    return np.where(labels < 0, np.int32(IGNORE), labels)


def _names(folder: Path, split: str) -> tuple[list[str], list[Skipped]]:
    """The names of a split; where its own list is missing those of VOC 2010, which are the same."""
    lists = [folder / LISTS / f"{split}.txt", folder / "ImageSets" / "Main" / f"{split}.txt"]
    chosen = next((path for path in lists if is_file(path)), lists[0])
    return names_of_split(chosen, "Unpack VOCtrainval_03-May-2010.tar, or convert the annotations.")


def _below(*patterns: str) -> tuple[str, ...]:
    return tuple(str(Path(folder) / each) for each in patterns for folder in _FOLDERS)


context60 = ContextKind("context60", background=True)
context59 = ContextKind("context59", background=False)
