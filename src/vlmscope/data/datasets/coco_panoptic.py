"""COCO panoptic annotations in a folder: ``panoptic.json``, ``panoptic/*.png`` and ``images/``.

Every class of the word list is one target per image: all its segments together. Pixels of other
categories, and those that nobody labelled, count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlmscope.data.datasets.base import (
    IGNORE,
    Dataset,
    DatasetSource,
    EvalSample,
    Part,
    Skipped,
)
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_targets import AREA, class_targets
from vlmscope.data.datasets.panoptic_json import PanopticListing
from vlmscope.data.datasets.panoptic_png import class_labels, read_segment_ids
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import open_image
from vlmscope.errors import BadSampleError, UnknownNameError
from vlmscope.io import is_folder, missing_file

__all__ = ["CocoPanoptic", "CocoPanopticKind"]

_MARKS = ("-merged", "-other", "-stuff")  # COCO's marks, which are no words


class CocoPanoptic:
    """An opened folder.

    Args:
        root: the folder.
        words: classes and their names; every class is the name of a category. None: all
            categories, called by their names without COCO's marks (``wall-other-merged``: wall).
        area: bounds of a target's share of the image, inclusive.

    Raises:
        BadSampleError: a folder or listing that is missing or damaged, or without a usable image.
        UnknownNameError: a class of the word list that is no category.
    """

    id = "coco-panoptic"
    tasks: tuple[str, ...] = ("pointing", "segmentation", "presence")
    masks = True

    def __init__(
        self, root: Path, words: WordList | None = None, area: tuple[float, float] = AREA
    ) -> None:
        if not is_folder(root):
            raise BadSampleError(
                f"There is no folder {root}. Give the data set's folder as --root."
            )
        self._root = root
        self._area = area
        self._listing = PanopticListing.load(root / "panoptic.json")
        categories = self._listing.categories
        self.words = _from_categories(categories) if words is None else _checked(words, categories)
        places = {label: index for index, label in enumerate(self.words.labels)}
        self._classes = {number: places.get(name, IGNORE) for number, name in categories.items()}
        self.digest = f"{self._listing.digest} area {area[0]:g} to {area[1]:g}"
        missing = list(self._missing())
        absent = {image_id for image_id, _ in missing}
        self.image_ids: Sequence[str] = tuple(i for i in self._listing.entries if i not in absent)
        self.skipped: tuple[Skipped, ...] = (*self._listing.skipped, *missing)
        if not self.image_ids:
            first = self.skipped[0]
            raise BadSampleError(
                f"None of the {len(self.skipped)} images of {root / 'panoptic.json'} can be used. "
                f"The first: {first.image_id}: {first.reason}"
            )
        self.protocol: Mapping[str, Any] = {
            "source": root.name,
            "targets": "all segments of a class in an image together, crowds included",
            "target area": f"{area[0]:.0%} to {area[1]:.0%} of the image",
            "ignored pixels": "unlabelled, or of a category that is not in the word list",
            **expected_counts(root, "all", Expected()).source,
        }

    def load(self, image_id: str) -> EvalSample:
        """Read one image, its label map and its targets."""
        entry = self._listing.entries[image_id]
        image = open_image(self._root / "images" / entry.image)
        if image.size != entry.size:
            raise BadSampleError(
                f"The image {entry.image} is {image.size[0]}x{image.size[1]} (height x width), the "
                f"listing says {entry.size[0]}x{entry.size[1]}."
            )
        ids = read_segment_ids(self._root / "panoptic" / entry.png, entry.size)
        segments = {number: self._classes[kind] for number, kind in entry.segments.items()}
        labels = class_labels(ids, segments, IGNORE)
        referents = class_targets(labels, self.words, self._area)
        return EvalSample(image_id, image, tuple(referents), labels)

    def _missing(self) -> Iterator[Skipped]:
        """Entries whose files are not there; looked up before anybody waits for a model."""
        for image_id, entry in self._listing.entries.items():
            image, png = self._root / "images" / entry.image, self._root / "panoptic" / entry.png
            reason = missing_file(image, "image file") or missing_file(png, "panoptic picture")
            if reason is not None:
                yield Skipped(image_id, reason)


def _checked(words: WordList, categories: Mapping[int, str]) -> WordList:
    known = set(categories.values())
    for label in words.labels:
        if label not in known:
            raise UnknownNameError(
                "category",
                label,
                known,
                "Word lists name COCO categories.",
                where="See: categories in its annotations.",
            )
    return words


def _from_categories(categories: Mapping[int, str]) -> WordList:
    """Classes are the categories by their full names; what they are called leaves the marks out."""
    classes = {name: (_without_marks(name),) for name in categories.values()}
    return WordList("category names without -merged, -other, -stuff", classes)


def _without_marks(name: str) -> str:
    for mark in _MARKS:
        name = name.replace(mark, "")
    return name


class CocoPanopticKind:
    """Opens a folder of COCO panoptic annotations."""

    id = CocoPanoptic.id
    summary = "a folder with panoptic.json, panoptic/*.png and images/ (COCO panoptic format)"
    splits: tuple[str, ...] = ()
    parts: tuple[Part, ...] = (
        Part(("panoptic.json",), "panoptic.json: the listing", "take panoptic_val2017.json"),
        Part(("panoptic/*.png",), "panoptic/: a PNG per image", "unpack panoptic_val2017.zip"),
        Part(("images/*",), "images/: the photographs", "unpack val2017.zip"),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "split")
        folder = source.folder(self.id, "panoptic.json, panoptic/ and images/")
        words = source.words
        if words is not None and not isinstance(words, WordList):
            words = WordList.load(words)
        return CocoPanoptic(Path(folder), words)
