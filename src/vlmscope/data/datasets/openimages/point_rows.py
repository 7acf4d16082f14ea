"""OpenImages' point labels, read row by row: what is kept of a row is a few numbers."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.openimages.table_rows import table_rows
from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path

__all__ = ["SAYS", "PointRow", "PointRows"]

SAYS = ("yes", "no", "unsure")
"""What a point can say, in the order of the codes that are kept."""

_COLUMNS = ("ImageId", "X", "Y", "Label", "EstimatedYesNo")
_NAME = "TextLabel"
_YES = SAYS.index("yes")
_MOST_SKIPPED = 1_000  # rows that are listed one by one


@dataclass(frozen=True)
class PointRow:
    """One answer.

    Attributes:
        label: place of the class among :attr:`PointRows.labels`.
        x, y: shares of the width and the height of the stored picture, 0..1.
        says: one of :data:`SAYS`.
    """

    label: int
    x: float
    y: float
    says: str


@dataclass(frozen=True, eq=False)
class PointRows:
    """The rows of a file by image.

    Attributes:
        images: ids, in the order in which the file first names them.
        labels: ids of the classes, the same.
        names: id of a class -> what the file calls it, where it does.
        skipped: rows that cannot be used.
        digest: of the file, SHA-256.
    """

    images: Sequence[str]
    labels: Sequence[str]
    names: Mapping[str, str]
    skipped: Sequence[Skipped]
    digest: bytes
    _columns: _Columns = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> PointRows:
        """Read a file of any size; about 50 bytes of memory a row.

        Raises:
            BadSampleError: missing, no text, without its columns, or without a usable row.
        """
        images: dict[str, int] = {}
        labels: dict[str, int] = {}
        names: dict[str, str] = {}
        skipped: list[Skipped] = []
        unlisted = 0
        collected = _Collected()
        content = hashlib.sha256()
        for line, (image, x, y, label, says, name) in table_rows(path, _COLUMNS, (_NAME,), content):
            try:
                across, down, code = _checked(image, label, x, y, says)
            except BadSampleError as error:
                if len(skipped) < _MOST_SKIPPED:
                    skipped.append(Skipped(f"line {line}", str(error)))
                else:
                    unlisted += 1
                continue
            place = images.setdefault(image, len(images))
            collected.add(place, labels.setdefault(label, len(labels)), across, down, code)
            if name:
                names.setdefault(label, name.strip())
        if unlisted:
            skipped.append(Skipped("further lines", f"{unlisted:,} more rows cannot be used."))
        if not images:
            first = f" The first: {skipped[0].reason}" if skipped else ""
            raise BadSampleError(f"{shown_path(path)} has no row that can be used.{first}")
        columns = collected.columns(len(images))
        return cls(tuple(images), tuple(labels), names, skipped, content.digest(), columns)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows say yes, no and unsure."""
        said = np.bincount(self._columns.says, minlength=len(SAYS))
        return {word: int(count) for word, count in zip(SAYS, said, strict=True)}

    def of(self, image: int) -> list[PointRow]:
        """The rows of an image, by its place among :attr:`images`, in the order of the file."""
        rows = slice(*self._columns.starts[image : image + 2])
        c = self._columns
        return [
            PointRow(int(label), float(x), float(y), SAYS[says])
            for label, x, y, says in zip(
                c.labels[rows], c.x[rows], c.y[rows], c.says[rows], strict=True
            )
        ]

    def labels_with_yes(self) -> NDArray[np.bool_]:
        """Bool (labels,): whether a point says yes to a class anywhere."""
        yes = self._columns.says == _YES
        return np.bincount(self._columns.labels[yes], minlength=len(self.labels)) > 0

    def pairs(self, measured: NDArray[np.bool_]) -> Counter[int]:
        """Place of an image -> how many of its classes have a yes.

        Args:
            measured: bool (labels,), the classes that count.
        """
        labels, starts = self._columns.labels.astype(np.int64), self._columns.starts
        images = np.repeat(np.arange(len(self.images)), np.diff(starts))
        kept = (self._columns.says == _YES) & measured[labels]
        pairs = np.unique(images[kept] * len(self.labels) + labels[kept])
        return Counter((pairs // len(self.labels)).tolist())


@dataclass(frozen=True, eq=False)
class _Columns:
    """The usable rows, sorted by image; ``starts`` (images + 1,) says where those of each begin."""

    labels: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    says: NDArray[np.int8]
    starts: NDArray[np.int64]


class _Collected:
    """Rows as they come."""

    def __init__(self) -> None:
        self._images, self._labels = array("i"), array("i")
        self._x, self._y, self._says = array("d"), array("d"), array("b")

    def add(self, image: int, label: int, x: float, y: float, says: int) -> None:
        self._images.append(image)
        self._labels.append(label)
        self._x.append(x)
        self._y.append(y)
        self._says.append(says)

    def columns(self, images: int) -> _Columns:
        owners = np.array(self._images)
        order = np.argsort(owners, kind="stable")
        return _Columns(
            np.array(self._labels)[order],
            np.array(self._x)[order],
            np.array(self._y)[order],
            np.array(self._says)[order],
            np.searchsorted(owners[order], np.arange(images + 1)),
        )


def _checked(image: str, label: str, x: str, y: str, says: str) -> tuple[float, float, int]:
    """X, y and the code of what was said."""
    said = says.strip().lower()
    if said not in SAYS:
        raise BadSampleError(f"Its EstimatedYesNo is {says[:40]!r}, neither yes, no nor unsure.")
    try:
        place = float(x), float(y)
    except ValueError:
        place = -1.0, -1.0
    if not (0 <= place[0] <= 1 and 0 <= place[1] <= 1):
        raise BadSampleError(
            f"Its place is ({x[:20]}, {y[:20]}); X and Y are shares of the picture's width and "
            "height, from 0 to 1."
        )
    if not image or not label or "/" in image or "\\" in image or image.startswith("."):
        raise BadSampleError(
            f"Its ImageId is {image[:40]!r} and its Label {label[:40]!r}; neither may be empty, and "
            "an id is no path."
        )
    return *place, SAYS.index(said)
