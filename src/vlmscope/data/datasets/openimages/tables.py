"""The tables beside OpenImages' points: what classes are called, and which pictures lie on their side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vlmscope.data.datasets.openimages.point_rows import PointRows
from vlmscope.data.datasets.openimages.table_rows import table_rows
from vlmscope.data.datasets.openimages.turns import ORIENTATION_OF_DEGREES
from vlmscope.errors import BadSampleError
from vlmscope.io import is_folder, shown_path

__all__ = ["ClassName", "class_names", "rotations", "table_of_points"]

_FOLDERS = ("", "annotations", "metadata", "labels")
_POINTS = "annotations-point-labels.csv"
_NAMES = "*class-descriptions*.csv"
_ROTATIONS = ("*{}*rotation*.csv", "*{}*image-ids*.csv", "*rotation*.csv", "*image-ids*.csv")
_LONG = {"val": "validation"}


def table_of_points(root: Path, split: str) -> Path:
    """The file of a split's points.

    Raises:
        BadSampleError: there is none, or several.
    """
    if not is_folder(root):
        raise BadSampleError(f"There is no folder {shown_path(root)}. Give it as --root (root=).")
    files = _found(root, f"*{split}*{_POINTS}")
    if len(files) == 1:
        return files[0]
    others = ", ".join(path.name for path in (files or _found(root, f"*{_POINTS}"))[:4])
    if files:
        raise BadSampleError(
            f"{shown_path(root)} has several tables of {split}: {others}. Keep one of them."
        )
    raise BadSampleError(
        f"{shown_path(root)} has no oidv7-{split}-{_POINTS}"
        + (f"; it has: {others}" if others else "")
        + ". Download it from the page of Open Images V7, or name another --split."
    )


class ClassName(NamedTuple):
    """A class that a point says yes to.

    Attributes:
        label: what it is called in results; no two have the same.
        text: what it is called in words.
    """

    label: str
    text: str


def class_names(root: Path, rows: PointRows) -> list[ClassName | None]:
    """What each class of the rows is called; None for one that no point says yes to.

    The table of descriptions comes first, then what the points' own table says. Two classes of one
    name are told apart by their ids.

    Raises:
        BadSampleError: a class without a name in either, or no yes at all.
    """
    described: dict[str, str] = {}
    for path in _found(root, _NAMES)[:1]:
        for _, (label, text) in table_rows(path, ("LabelName", "DisplayName")):
            described[label] = text.strip()
    there = rows.labels_with_yes()
    texts = {
        label: described.get(label) or rows.names.get(label, "")
        for place, label in enumerate(rows.labels)
        if there[place]
    }
    if not texts:
        raise BadSampleError("No point says yes to anything, so nothing can be measured.")
    nameless = [label for label, text in texts.items() if not text]
    if nameless:
        raise BadSampleError(
            f"{len(nameless):,} classes have no name, neither a TextLabel nor in a table of "
            f"descriptions, the first is {nameless[0]}. Put oidv7-class-descriptions.csv into "
            f"{shown_path(root)}."
        )
    often = Counter(texts.values())
    return [_named(label, texts.get(label), often) for label in rows.labels]


def _named(label: str, text: str | None, often: Mapping[str, int]) -> ClassName | None:
    if text is None:
        return None
    return ClassName(text if often[text] == 1 else f"{text} ({label})", text)


def rotations(root: Path, split: str) -> dict[str, int]:
    """Image id -> degrees counter-clockwise that its stored picture has to be turned by.

    Images of which nothing is known are not in it; without such a table it is empty.

    Raises:
        BadSampleError: a table without its columns, or with another number of degrees.
    """
    name = _LONG.get(split, split)
    path = next(
        (each for pattern in _ROTATIONS for each in _found(root, pattern.format(name))), None
    )
    if path is None:
        return {}
    turned: dict[str, int] = {}
    for line, (image, written) in table_rows(path, (("ImageID", "ImageId"), "Rotation")):
        text = written.strip().lower()
        if text in ("", "nan"):
            continue
        degrees = int(float(text)) if text.replace(".", "", 1).isdigit() else -1
        if degrees not in ORIENTATION_OF_DEGREES:
            raise BadSampleError(
                f"Line {line} of {shown_path(path)} has the Rotation {text!r}; it must be 0, 90, "
                "180, 270 or nan. Get the file again."
            )
        if degrees:
            turned[image] = degrees
    return turned


def _found(root: Path, pattern: str) -> list[Path]:
    return [path for folder in _FOLDERS for path in sorted((root / folder).glob(pattern))]
