"""One image file or a folder of them, as a command line names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.errors import BadImageError, BadOptionError
from vlmscope.export import keys_of

__all__ = ["SUFFIXES", "ImageFile", "image_files"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Endings by which images are found in a folder."""


@dataclass(frozen=True)
class ImageFile:
    """One file.

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
            about = self.path.stat()
        except OSError:
            return {"image": self.name}
        return {"image": self.name, "bytes": about.st_size, "modified": about.st_mtime_ns}


def image_files(place: Path, leave_out: Path | None = None) -> list[ImageFile]:
    """The file that is named, or the images of a folder and its subfolders, by name.

    Args:
        place: a file or a folder.
        leave_out: a folder whose files do not count: results may go beneath the images.

    Raises:
        BadImageError: a folder without images, or no such place.
        BadOptionError: results are to go right among the images.
    """
    if not place.is_dir():
        if not place.exists():
            raise BadImageError(f"There is no image or folder {str(place)!r}. Check the path.")
        return [ImageFile(place, place.name, place.stem)]
    hidden = None if leave_out is None else leave_out.resolve()
    if hidden == place.resolve():
        raise BadOptionError(
            f"{leave_out} is the folder of the images; results among them would be taken for images "
            "next time. Choose another folder for --out."
        )
    found = sorted(
        path.relative_to(place)
        for path in place.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
        and (hidden is None or hidden not in path.resolve().parents)
    )
    if not found:
        raise BadImageError(
            f"The folder {place} holds no image. Images end in {', '.join(SUFFIXES)}."
        )
    keys = keys_of(found)
    return [ImageFile(place / path, path.as_posix(), keys[path]) for path in found]
