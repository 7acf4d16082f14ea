"""Which paths of this machine may be read at all: those that really lie in folders that were named."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from vlmscope.errors import BadImageError, OutputError
from vlmscope.io import shown_path

__all__ = ["check_inside", "is_inside", "read_inside"]

_MOST_BYTES = 256 << 20  # of a picture's file


def is_inside(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path lies in one of some folders once every link and every ``..`` is followed.

    Args:
        path: any path.
        roots: resolved folders.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return False
    return any(real.is_relative_to(root) for root in roots)


def check_inside(paths: Sequence[Path], root: Path) -> None:
    """Refuse files of a folder that are links to somewhere else.

    Raises:
        OutputError: names the first.
    """
    real = root.resolve()
    wrong = next((path for path in paths if not is_inside(path, [real])), None)
    if wrong is not None:
        raise OutputError(
            f"{shown_path(wrong)} leads out of {shown_path(root)}, and the app reads nothing that lies "
            "elsewhere. Put the file itself there."
        )


def read_inside(path: Path, roots: Sequence[Path], name: str) -> bytes:
    """The bytes of a picture's file in one of some folders.

    Args:
        path: where it is said to be.
        roots: resolved folders.
        name: what to call it in messages.

    Raises:
        BadImageError: it lies elsewhere, is no file, or is too large for a picture.
    """
    if not is_inside(path, roots):
        raise BadImageError(
            f"The picture of {name!r} is not there, or lies outside the folders that the app was started "
            "with. Name its folder: --source SRC"
        )
    try:
        real = path.resolve(strict=True)
        # what was looked at just now must be what is opened: a link put in its place is not followed
        place = os.open(
            real, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
        with os.fdopen(place, "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_BYTES:
                raise BadImageError(
                    f"What lies in place of the picture of {name!r} is no picture's file."
                )
            return stream.read(_MOST_BYTES)
    except OSError as error:
        raise BadImageError(f"The picture of {name!r} cannot be read: {error.strerror}.") from error
