"""OpenImages V7's point labels: places of which people said whether they show a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.data.datasets.base import (
    Dataset,
    DatasetSource,
    EvalSample,
    LabelledPoint,
    Part,
    Referent,
    Skipped,
)
from vlmscope.data.datasets.counts import Counts, Expected, check_counts, expected_counts
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.openimages.point_rows import PointRow, PointRows
from vlmscope.data.datasets.openimages.tables import (
    ClassName,
    class_names,
    rotations,
    table_of_points,
)
from vlmscope.data.datasets.openimages.turns import (
    ORIENTATION_OF_DEGREES,
    turned_pixels,
    turned_place,
)
from vlmscope.data.datasets.words import WordList
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.targets import Target
from vlmscope.errors import BadSampleError, UnknownNameError
from vlmscope.io import missing_file

__all__ = ["OpenImagesPoints", "OpenImagesPointsKind"]

_LONG = {"val": "validation", "test": "test", "train": "train"}  # as folders are called, too


class OpenImagesPoints:
    """An opened split.

    Args:
        root: the folder.
        split: ``val``, ``test`` or ``train``.
        words: some of its classes; None: all that a point says yes to.
        partial: take it although images are missing.

    Raises:
        BadSampleError: a table that is missing or damaged, missing images, or a class without a name.
        UnknownNameError: a class of the word list that the split does not have.
    """

    id = "openimages-points"
    tasks: tuple[str, ...] = ("labelled-points",)
    masks = False

    def __init__(self, root: Path, split: str, words: WordList | None, partial: bool) -> None:
        self._rows = PointRows.read(table_of_points(root, split))
        self._rotations = rotations(root, split)
        named = class_names(root, self._rows)
        self.words = _words(named) if words is None else _checked(words, named)
        known = self.words.classes
        self._labels = [each.label if each and each.label in known else "" for each in named]
        pairs = self._pairs()
        folders = (f"images/{split}", f"images/{_LONG[split]}", "images", split, _LONG[split], "")
        paths = image_paths(root, [f"{each}.jpg" for each in self._rows.images], folders)
        there, missing = [], []
        for place, image in enumerate(self._rows.images):
            reason = missing_file(paths[f"{image}.jpg"], "image file")
            if reason is not None:
                missing.append(Skipped(image, reason))
            elif pairs[place]:
                there.append(place)
        name = f"{self.id} {split}"
        # images without a yes have nothing to be measured; they count neither here nor as missing
        listed = Counts(len(there) + len(missing), sum(pairs.values()), 0)
        usable = Counts(len(there), sum(pairs[place] for place in there), 0)
        expected = expected_counts(root, split, Expected())
        short = check_counts(name, listed, usable, expected, missing, partial)
        self._places = {self._rows.images[place]: place for place in there}
        self._paths = {image: paths[f"{image}.jpg"] for image in self._places}
        self.image_ids: Sequence[str] = tuple(self._places)
        self.skipped: tuple[Skipped, ...] = (*self._rows.skipped, *missing)
        self.digest = f"sha256:{self._rows.digest.hex()[:16]}"
        self.protocol: Mapping[str, Any] = {
            "split": name,
            **expected.source,
            "points": ", ".join(f"{count:,} {word}" for word, count in self._rows.counts.items()),
            "places": "shares of the stored picture; turned with it where it is turned",
            "turned": _turned(self._rotations),
            "classes": "in an image: those with a yes; a class without a yes anywhere is left out",
            "comparable": "with no published figure: how those were computed is not published",
            "counts": usable._asdict(),
            **({"partial": short} if short else {}),
        }

    def load(self, image_id: str) -> EvalSample:
        """Read one image and its points."""
        image = open_image(self._paths[image_id])
        orientation = image.orientation
        if orientation == 1:
            orientation = ORIENTATION_OF_DEGREES[self._rotations.get(image_id, 0)]
            image = _turn(image, orientation)
        grouped: dict[str, list[PointRow]] = {}
        for row in self._rows.of(self._places[image_id]):
            label = self._labels[row.label]
            if label:
                grouped.setdefault(label, []).append(row)
        referents = tuple(
            self._referent(label, rows, orientation, image.size)
            for label, rows in grouped.items()
            if any(row.says == "yes" for row in rows)
        )
        return EvalSample(image_id, image, referents)

    def _referent(
        self, label: str, rows: Sequence[PointRow], orientation: int, size: tuple[int, int]
    ) -> Referent:
        points = tuple(_point(row, orientation, size) for row in rows)
        yes = np.array([point[:2] for point in points if point.says == "yes"])
        (left, top), (right, low) = yes.min(axis=0), yes.max(axis=0) + 1
        box = (float(left), float(top), float(right), float(low))
        return Referent(label, self.words.classes[label], Target(box), points=points)

    def _pairs(self) -> Counter[int]:
        """Place of an image -> how many classes that are measured it has."""
        measured = np.array([bool(label) for label in self._labels])
        return self._rows.pairs(measured)


def _words(named: Sequence[ClassName | None]) -> WordList:
    classes = {each.label: (each.text,) for each in named if each is not None}
    return WordList("display names of OpenImages V7", classes)


def _checked(words: WordList, named: Sequence[ClassName | None]) -> WordList:
    known = {each.label for each in named if each is not None}
    for label in words.labels:
        if label not in known:
            raise UnknownNameError(
                "class",
                label,
                known,
                "Word lists name the classes of openimages-points by their display names.",
                where="See: oidv7-class-descriptions.csv",
            )
    return words


def _point(row: PointRow, orientation: int, size: tuple[int, int]) -> LabelledPoint:
    x, y = turned_place(row.x, row.y, orientation)
    height, width = size
    return LabelledPoint(min(int(x * width), width - 1), min(int(y * height), height - 1), row.says)


def _turn(image: OpenedImage, orientation: int) -> OpenedImage:
    if orientation == 1:
        return image
    note = f"turned by its Rotation, as EXIF orientation {orientation}"
    pixels = turned_pixels(image.pixels, orientation)
    return replace(image, pixels=pixels, notes=(*image.notes, note), orientation=orientation)


def _turned(rotations: Mapping[str, int]) -> str:
    if not rotations:
        return "by EXIF alone: no table of rotations is there"
    return (
        f"by EXIF, else by the table of rotations ({sum(map(bool, rotations.values())):,} images)"
    )


class OpenImagesPointsKind:
    """Opens a folder of it."""

    id = OpenImagesPoints.id
    summary = "OpenImages V7 point labels: yes and no at single places of classes that are there"
    splits: tuple[str, ...] = ("val", "test", "train")
    parts: tuple[Part, ...] = (
        Part(
            ("*-annotations-point-labels.csv", "*/*-annotations-point-labels.csv"),
            "oidv7-val-annotations-point-labels.csv: the points",
            "download it from the page of Open Images V7, Point-level annotations",
        ),
        Part(
            ("images/*.jpg", "images/*/*.jpg", "val/*.jpg", "validation/*.jpg", "*.jpg"),
            "images/: the photographs, IMAGE_ID.jpg",
            "download those of the split as the page of Open Images says",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        """Read the table; images are left for later."""
        root = Path(source.folder(self.id, "oidv7-val-annotations-point-labels.csv and images/"))
        split = source.split or self.splits[0]
        if split not in self.splits:
            raise BadSampleError(
                f"{self.id} has no split {split!r}. It has: {', '.join(self.splits)}."
            )
        words = source.words
        if words is not None and not isinstance(words, WordList):
            words = WordList.load(words)
        return OpenImagesPoints(root, split, words, source.partial)
