"""Rows of sets of screens: JSON lists beside a folder of pictures, or Parquet with pictures inside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vlmscope.data.box_forms import four_numbers
from vlmscope.data.box_readings import Reading
from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.images import OpenedImage, image_size
from vlmscope.data.parquet_rows import ParquetRows, Place, picture_of
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.io import is_file, parse_json, shown_path, unread

__all__ = ["PLATFORMS", "ScreenRow", "Screens", "json_screens", "parquet_screens"]

PLATFORMS = ("desktop", "mobile", "web")
"""The three files of ScreenSpot."""

_SCREENSPOT = Reading("xywh", shares=False)
_PRO = Reading("xyxy", shares=False)  # known by the sizes of pictures that its rows state
_FOLDERS = ("images", "screenspotv2_image", "screenspot_imgs", "")
_NEEDED = ("instruction", "bbox", "image")
_FILE_NAMES = ("img_filename", "file_name")
_TAGS: Mapping[str, str] = MappingProxyType(
    {
        "data_type": "data_type",
        "ui_type": "data_type",  # what ScreenSpot-Pro calls it
        "data_source": "data_source",
        "platform": "platform",
        "application": "application",
        "group": "group",
    }
)


@dataclass(frozen=True)
class ScreenRow:
    """An instruction with its box.

    Attributes:
        id: unique within the set.
        image: name of its picture.
        text: the instruction.
        box: four numbers, as they are written.
        tags: data_type, data_source, platform, application and group, those that are there.
    """

    id: str
    image: str
    text: str
    box: tuple[float, float, float, float]
    tags: Mapping[str, str]


@dataclass
class Screens:
    """What the files of a split hold.

    Attributes:
        source: what was read, for a report.
        rows: in order.
        places: name of a picture -> its file, or what opens it.
        sizes: name of a picture -> (height, width); pictures that are not there have none.
        problems: rows and pictures that cannot be used.
        stated: how the publishers of this layout write boxes; None where copies differ.
        content: changes when a row changes.
    """

    source: str
    rows: list[ScreenRow] = field(default_factory=list)
    places: dict[str, Path | Callable[[], OpenedImage]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[Skipped] = field(default_factory=list)
    stated: Reading | None = None
    content: bytes = b""

    def add(self, number: str, row: Mapping[str, Any], image: str, more: Mapping[str, str]) -> None:
        """One row; what is wrong with it becomes a problem."""
        text = row.get("instruction")
        try:
            if not isinstance(text, str):
                raise BadSampleError(f"It has no instruction, got {repr(text)[:60]}.")
            box = four_numbers(row.get("bbox"))
        except BadSampleError as error:
            self.problems.append(Skipped(f"row {number}", str(error)))
            return
        self.rows.append(ScreenRow(number, image, text, box, {**_tags(row), **more}))

    def measure(self, image: str, source: Path | bytes) -> None:
        """Take a picture's size from its header."""
        try:
            self.sizes[image] = image_size(source, image)
        except BadImageError as error:
            self.problems.append(Skipped(image, str(error)))

    def drop_unreadable(self) -> None:
        """Leave out the rows of pictures that are there and cannot be read."""
        bad = {each.image_id for each in self.problems} & set(self.places)
        self.rows = [row for row in self.rows if row.image not in bad]


def json_screens(root: Path, files: Sequence[Path]) -> Screens:
    """Rows of JSON lists ``[{"img_filename", "bbox", "instruction", ...}, ...]``.

    Args:
        root: the folder in which, or beside which, the pictures lie.
        files: the lists.

    Raises:
        BadSampleError: a file that is no such list.
    """
    screens = Screens(f"{len(files)} JSON files, pictures in a folder")
    content = hashlib.sha256()
    sizes: dict[str, tuple[int, int]] = {}
    for path in files:
        data, rows = _list(path)
        content.update(path.name.encode() + data)
        platform = next((word for word in PLATFORMS if word in path.stem.split("_")), None)
        more = {} if platform is None else {"platform": platform}
        for count, row in enumerate(rows):
            number = str(row.get("id", f"{path.stem}/{count}"))
            image = row.get("img_filename")
            if not isinstance(image, str) or not image:
                reason = f"It names no img_filename, got {repr(image)[:60]}."
                screens.problems.append(Skipped(f"row {number}", reason))
                continue
            size = row.get("img_size")
            if isinstance(size, list) and [type(side) for side in size] == [int, int]:
                sizes[image] = (size[1], size[0])  # written as width, height
            screens.add(number, row, image, more)
    screens.content = content.digest()
    screens.places.update(image_paths(root, [row.image for row in screens.rows], _FOLDERS))
    screens.stated = _PRO if sizes else _SCREENSPOT
    for image, place in screens.places.items():
        if image in sizes:
            screens.sizes[image] = sizes[image]
        elif isinstance(place, Path) and is_file(place):
            screens.measure(image, place)
    screens.drop_unreadable()
    return screens


def parquet_screens(files: Sequence[Path], columns: Mapping[str, str]) -> Screens:
    """Rows of Parquet files with the columns instruction, bbox and image.

    Args:
        files: in order.
        columns: a name that is expected -> the name that the files have.

    Raises:
        BadSampleError: other columns.
    """
    have = ParquetRows(files, ()).columns
    more = [name for name in ("id", *_FILE_NAMES, *_TAGS) if columns.get(name, name) in have]
    rows = ParquetRows(files, (*_NEEDED, *more), columns)
    screens = Screens(f"{len(files)} Parquet files with pictures")
    content = hashlib.sha256()
    listed = [name for name in (*_NEEDED, *more) if name != "image"]
    for count, (place, row) in enumerate(rows.scan(listed)):
        content.update(repr(row).encode())
        number = str(count if row.get("id") is None else row["id"])
        image = next((str(row[key]) for key in _FILE_NAMES if row.get(key)), number)
        screens.add(number, row, image, {})
        if image not in screens.places:
            screens.places[image] = partial(_open, rows, place, image)
            _measure(screens, rows, place, image)
    screens.content = content.digest()
    screens.drop_unreadable()
    return screens


def _measure(screens: Screens, rows: ParquetRows, place: Place, image: str) -> None:
    cell = rows.row(place, ("image",))["image"]
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    screens.measure(image, data if isinstance(data, bytes) else b"")


def _open(rows: ParquetRows, place: Place, image: str) -> OpenedImage:
    return picture_of(rows.row(place, ("image",))["image"], image)


def _list(path: Path) -> tuple[bytes, list[dict[str, Any]]]:
    try:
        data = path.read_bytes()
        rows = parse_json(data.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = unread(error) if isinstance(error, OSError) else str(error)
        raise BadSampleError(f"Cannot read {shown_path(path)}: {reason.rstrip('.')}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadSampleError(
            f"{shown_path(path)} is no list of rows "
            '[{"img_filename", "bbox", "instruction", ...}, ...].'
        )
    return data, rows


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    return {tag: str(row[key]) for key, tag in _TAGS.items() if row.get(key) is not None}
