"""PASCAL VOC 2012, semantic segmentation: 20 classes, with the background (voc21) or without (voc20)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vlmscope.data.datasets.base import IGNORE, Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_words import class_words, vocabulary
from vlmscope.data.datasets.label_maps.files import IMAGE_ENDS, base_folder, beside, names_of_split
from vlmscope.data.datasets.label_maps.labelled_set import LabelledPhoto, LabelledSet, MapListing
from vlmscope.data.datasets.label_maps.table import VOID, LabelTable

__all__ = ["VocKind", "voc20", "voc21"]

_FOLDERS = ("VOCdevkit/VOC2012", "VOC2012", "")
_ARCHIVE = "unpack the publishers' VOCtrainval_11-May-2012.tar"
_IMAGES = {"val": 1_449}  # of the other splits no number is asserted


@dataclass(frozen=True)
class VocKind:
    """Opens a folder of VOC 2012.

    Attributes:
        id: explicit and unique.
        background: whether the background is a class; else its pixels are ignored.
    """

    id: str
    background: bool

    splits: tuple[str, ...] = ("val", "train", "trainval")

    @property
    def summary(self) -> str:
        """One line."""
        which = "20 classes and the background" if self.background else "20 classes, no background"
        return f"PASCAL VOC 2012, segmentation, {which}: 1,449 images in val"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its folder has to hold."""
        return (
            _part("JPEGImages/*.jpg", "JPEGImages/: the photographs"),
            _part("SegmentationClass/*.png", "SegmentationClass/: the label maps"),
            _part(
                "ImageSets/Segmentation/*.txt", "ImageSets/Segmentation/: the lists of the splits"
            ),
        )

    def open(self, source: DatasetSource) -> Dataset:
        """Read the list of the split; see :class:`LabelledSet` for what is raised."""
        root = Path(source.folder(self.id, "VOCdevkit/VOC2012"))
        split = source.split or self.splits[0]
        folder = base_folder(root, _FOLDERS, ("SegmentationClass", "ImageSets/Segmentation"))
        listing = folder / "ImageSets" / "Segmentation" / f"{split}.txt"
        names, twice = names_of_split(listing, f"To get it {_ARCHIVE}.")
        table = self._table()
        photos = [
            LabelledPhoto(
                name,
                beside(folder / "JPEGImages", name, IMAGE_ENDS),
                folder / "SegmentationClass" / f"{name}.png",
                table.read,
            )
            for name in names
        ]
        found = MapListing(
            f"{self.id} {split}",
            photos,
            vocabulary(self.id, "plain").labels,
            "255, the border of objects" + ("" if self.background else "; 0, the background"),
            twice,
            {"source": f"{folder.name}/SegmentationClass", "maps": table.form},
        )
        published = Expected({"images": _IMAGES[split]} if split in _IMAGES else {})
        expected = expected_counts(root, split, published)
        words = class_words(self.id, source.words)
        return LabelledSet(self.id, found, words, expected, source.partial)

    def _table(self) -> LabelTable:
        first = 0 if self.background else 1
        numbers = {0: IGNORE, VOID: IGNORE}
        numbers |= {number: number - first for number in range(first, 21)}
        return LabelTable("PNG, 0 is the background, 1 to 20 the classes, 255 the border", numbers)


def _part(pattern: str, contents: str) -> Part:
    return Part(tuple(str(Path(folder) / pattern) for folder in _FOLDERS), contents, _ARCHIVE)


voc21 = VocKind("voc21", background=True)
voc20 = VocKind("voc20", background=False)
