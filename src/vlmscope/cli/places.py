"""Where results go: checked before anything is computed, written whole or not at all."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vlmscope.errors import BadOptionError
from vlmscope.io import atomic_path

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["check_picture", "check_place", "picture_name", "save_picture"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class _Enough(Exception):
    """Ends a trial before anything is put in place."""


def check_place(path: Path | None) -> None:
    """Refuse a place that cannot be written, before an hour of work is done for it.

    Leaves nothing behind, not even folders.

    Raises:
        OutputError: with the reason.
    """
    if path is None:
        return
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        with atomic_path(path):
            raise _Enough
    except _Enough:
        pass
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()


def check_picture(path: Path | None) -> None:
    """Refuse a name whose ending is no picture format, or a place that cannot be written.

    A folder is fine, and so is a name without an ending, which will be one.

    Raises:
        BadOptionError: names the endings that are known.
        OutputError: a place that cannot be written.
    """
    if path is None:
        return
    if path.is_dir() or not path.suffix:
        check_place(path / "01.png")
    elif path.suffix.lower() in _SUFFIXES:
        check_place(path)
    else:
        raise BadOptionError(
            f"Cannot tell a picture format from {path.name!r}. End it in {', '.join(_SUFFIXES)}, "
            "or give a folder."
        )


def picture_name(number: int, phrase: str) -> str:
    """File name of a phrase's picture in a folder: ``01-the-red-square.png``."""
    slug = re.sub(r"[^\w]+", "-", phrase.lower()).strip("-")[:40] or "phrase"
    return f"{number:02d}-{slug}.png"


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of its ending.

    Raises:
        OutputError: when the place cannot be written.
    """
    with atomic_path(path) as temporary:
        picture.save(temporary)
