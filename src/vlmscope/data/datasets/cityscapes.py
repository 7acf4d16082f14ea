"""Cityscapes, fine annotations: the 19 classes that are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from vlmscope.data.datasets.base import IGNORE, Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_words import class_words, vocabulary
from vlmscope.data.datasets.label_maps.files import base_folder, files_below
from vlmscope.data.datasets.label_maps.labelled_set import LabelledPhoto, LabelledSet, MapListing
from vlmscope.data.datasets.label_maps.table import VOID, LabelTable

__all__ = ["TRAIN_IDS", "CityscapesKind"]

TRAIN_IDS: Mapping[int, int] = MappingProxyType(
    {
        number: index
        for index, number in enumerate(
            (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
        )
    }
)
"""Number of a class in ``*_labelIds.png`` -> its index among the 19; the other numbers are ignored."""

_LABELS = 34  # numbers of *_labelIds.png
_IMAGE_END = "_leftImg8bit.png"
_TRAIN_END, _LABEL_END = "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png"
_IMAGES = {"val": 500}


class CityscapesKind:
    """Opens a folder of it."""

    id = "cityscapes"
    summary = "Cityscapes, fine annotations, 19 classes: 500 images in val"
    splits: tuple[str, ...] = ("val", "train")
    parts: tuple[Part, ...] = (
        Part(
            (f"leftImg8bit/val/*/*{_IMAGE_END}",),
            "leftImg8bit/val/: the photographs, a folder per city",
            "unpack the publishers' leftImg8bit_trainvaltest.zip",
        ),
        Part(
            (f"gtFine/val/*/*{_TRAIN_END}", f"gtFine/val/*/*{_LABEL_END}"),
            "gtFine/val/: the label maps, *_labelTrainIds.png or *_labelIds.png",
            "unpack the publishers' gtFine_trainvaltest.zip",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        """Look through the folders of the split; see :class:`LabelledSet` for what is raised."""
        root = Path(source.folder(self.id, "leftImg8bit/ and gtFine/"))
        split = source.split or "val"
        folder = base_folder(root, ("", "cityscapes"), (f"leftImg8bit/{split}", f"gtFine/{split}"))
        images = files_below(folder / "leftImg8bit" / split, (_IMAGE_END,))
        maps = files_below(folder / "gtFine" / split, (_TRAIN_END,))
        table, end = _train_table(), _TRAIN_END
        if not maps:
            maps = files_below(folder / "gtFine" / split, (_LABEL_END,))
            table, end = (_label_table(), _LABEL_END) if maps else (table, end)
        photos = [
            LabelledPhoto(
                stem,
                images.get(stem, _place(folder / "leftImg8bit" / split, stem, _IMAGE_END)),
                maps.get(stem, _place(folder / "gtFine" / split, stem, end)),
                table.read,
            )
            for stem in sorted({*images, *maps})
        ]
        found = MapListing(
            f"{self.id} {split}",
            photos,
            vocabulary(self.id, "plain").labels,
            "whatever is none of the 19 classes, the own car and the border among it",
            protocol={"source": f"gtFine/{split}", "maps": table.form},
        )
        published = Expected({"images": _IMAGES[split]} if split in _IMAGES else {})
        expected = expected_counts(root, split, published)
        words = class_words(self.id, source.words)
        return LabelledSet(self.id, found, words, expected, source.partial)


def _place(folder: Path, stem: str, end: str) -> Path:
    """Where the file of a name would lie: names begin with their city."""
    return folder / stem.partition("_")[0] / f"{stem}{end}"


def _train_table() -> LabelTable:
    return LabelTable.plain("*_labelTrainIds.png", len(TRAIN_IDS))


def _label_table() -> LabelTable:
    numbers = {VOID: IGNORE, **dict.fromkeys(range(_LABELS), IGNORE), **TRAIN_IDS}
    return LabelTable("*_labelIds.png", numbers)
