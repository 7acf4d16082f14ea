"""Writing pictures, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vlmscope.errors import BadOptionError
from vlmscope.io import atomic_path

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["check_picture_path", "save_picture"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_picture_path(path: Path | None) -> None:
    """Refuse a name whose ending is no picture format; a folder has no ending and is fine.

    Raises:
        BadOptionError: names the endings that are known.
    """
    if path is None or path.is_dir() or not path.suffix:
        return
    if path.suffix.lower() not in _SUFFIXES:
        raise BadOptionError(
            f"Cannot tell a picture format from {path.name!r}. End it in {', '.join(_SUFFIXES)}, "
            "or give a folder."
        )


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of its ending.

    Raises:
        OutputError: when the place cannot be written.
    """
    with atomic_path(path) as temporary:
        picture.save(temporary)
