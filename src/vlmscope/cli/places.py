"""Where images lie and results go: checked before anything is computed, written whole or not at all."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.data.images import MAX_PIXELS, SUFFIXES, OpenedImage, open_image
from vlmscope.errors import BadImageError, BadOptionError
from vlmscope.export import keys_of
from vlmscope.io import atomic_path, is_folder, is_there, shown_path
from vlmscope.viewer.view import SUFFIXES as PAGES

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "SUFFIXES",
    "ImageFile",
    "check_folder",
    "check_page",
    "check_picture",
    "check_place",
    "image_argument",
    "image_files",
    "one_picture",
    "picture_paths",
    "save_picture",
]

_FILES = (".html", ".htm", ".json", ".jsonl", ".md", ".csv", ".pdf", ".svg", ".zip")

_WRITTEN = (".png", ".jpg", ".jpeg", ".webp")
"""Endings of pictures that are written."""


def check_place(path: Path | None) -> None:
    """Refuse a place that cannot be written, before an hour of work is done for it.

    Leaves nothing behind, not even folders.

    Raises:
        OutputError: with the reason.
    """
    if path is None:
        return
    missing = [folder for folder in path.parents if not is_there(folder)]
    try:
        with atomic_path(path):
            raise _Enough
    except _Enough:
        pass
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()


def check_page(path: Path | None, alone: bool) -> None:
    """Refuse a page that cannot be written, before any work.

    Args:
        path: where it is to go; None: none is asked for.
        alone: there is a single picture.

    Raises:
        BadOptionError: another ending, or several pictures.
        OutputError: a place that cannot be written.
    """
    if path is None:
        return
    if path.suffix.lower() not in PAGES:
        raise BadOptionError(
            f"--html writes a name that ends in {' or '.join(PAGES)}, got {shown_path(path)!r}."
        )
    if not alone:
        raise BadOptionError(
            "--html is the page of one picture, and there are several. Give one picture, or put pages "
            "together with: vlmscope bundle"
        )
    check_place(path)


def check_folder(folder: Path | None) -> None:
    """Refuse a name for a new folder that ends like a file: a picture or a page was expected there.

    Raises:
        BadOptionError: what is written there, and that a folder holds it.
    """
    if folder is None or is_folder(folder) or folder.suffix.lower() not in (*SUFFIXES, *_FILES):
        return
    raise BadOptionError(
        f"--out names a folder here, for several files are written, and {shown_path(folder)} is named "
        f"like a file. Give a folder, for example {shown_path(folder.with_suffix(''))}."
    )


class _Enough(Exception):
    """Ends a trial before anything is put in place."""


def check_picture(path: Path | None) -> None:
    """Refuse a name whose ending is no picture format, or a place that cannot be written.

    A folder is fine, and so is a name without an ending, which will be one.

    Raises:
        BadOptionError: names the endings that are known.
        OutputError: a place that cannot be written.
    """
    if path is None:
        return
    if not one_picture(path):
        check_place(path / "01.png")
    elif path.suffix.lower() in _WRITTEN:
        check_place(path)
    else:
        raise BadOptionError(
            f"Cannot tell a picture format from {path.name!r}. End it in {', '.join(_WRITTEN)}, "
            "or give a folder."
        )


def one_picture(path: Path) -> bool:
    """Whether ``path`` stands for a single picture; else it is a folder, or will be one."""
    return bool(path.suffix) and not is_folder(path)


def picture_paths(folder: Path, phrases: Sequence[str]) -> list[Path]:
    """A file in a folder for each phrase's picture, such as ``01-the-red-square.png``."""
    return [
        folder / f"{number:02d}-{_slug(phrase)}.png"
        for number, phrase in enumerate(phrases, start=1)
    ]


def _slug(phrase: str) -> str:
    return re.sub(r"[^\w]+", "-", phrase.lower()).strip("-")[:40] or "phrase"


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of its ending.

    Raises:
        OutputError: when the place cannot be written.
    """
    with atomic_path(path) as temporary:
        picture.save(temporary)


@dataclass(frozen=True)
class ImageFile:
    """One image to read.

    Attributes:
        path: where it is.
        name: its path within the folder that was named, or its file name.
        key: the same without its ending, unique.
    """

    path: Path
    name: str
    key: str

    @property
    def identity(self) -> dict[str, Any]:
        """What tells whether the file is still the same: JSON values."""
        try:
            status = self.path.stat()
        except OSError:
            return {"image": self.name}
        return {"image": self.name, "bytes": status.st_size, "modified": status.st_mtime_ns}


def image_argument(text: str, max_pixels: int = MAX_PIXELS) -> OpenedImage:
    """The image that an argument names; ``-`` is what comes in on stdin.

    Raises:
        BadImageError: as :func:`vlmscope.open_image`, or nothing comes in.
    """
    if text != "-":
        return open_image(text, max_pixels=max_pixels)
    if sys.stdin is None or sys.stdin.isatty():
        raise BadImageError("The image - is read from stdin, and nothing comes in. Pipe one in.")
    return open_image(sys.stdin.buffer, max_pixels=max_pixels, name="stdin")


def image_files(place: Path, leave_out: Path | None = None) -> list[ImageFile]:
    """The file that is named, or the images of a folder and its subfolders, by name.

    Args:
        place: a file or a folder.
        leave_out: a folder whose files do not count: results may go beneath the images.

    Raises:
        BadImageError: a folder without images, or no such place.
        BadOptionError: results are to go right among the images.
    """
    if str(place) == "-":
        raise BadImageError(
            "Images come from files here. Give the path of one or of a folder, or pipe one into: "
            "vlmscope ground - PHRASE"
        )
    if not is_there(place):
        raise BadImageError(f"There is no image or folder {str(place)!r}. Check the path.")
    if not place.is_dir():
        return [ImageFile(place, place.name, place.stem)]
    hidden = None if leave_out is None else leave_out.resolve()
    if hidden == place.resolve():
        raise BadOptionError(
            f"{leave_out} is the folder of the images; results among them would be taken for images "
            "next time. Choose another folder for --out."
        )
    images = sorted(
        path.relative_to(place)
        for path in place.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
        and (hidden is None or hidden not in path.resolve().parents)
    )
    if not images:
        raise BadImageError(
            f"The folder {place} holds no image. Images end in {', '.join(SUFFIXES)}."
        )
    keys = keys_of(images)
    return [ImageFile(place / path, path.as_posix(), keys[path]) for path in images]
