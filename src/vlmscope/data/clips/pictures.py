"""Pictures of a folder or a list as the frames of a clip."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlmscope.data.clips.reel import Reel, check_sizes, sampled
from vlmscope.data.images import SUFFIXES, open_image
from vlmscope.errors import BadImageError

__all__ = ["frame_files", "read_pictures"]

_FPS = 1.0


def frame_files(folder: Path) -> list[Path]:
    """The pictures of a folder, numbers in their names counted as numbers; subfolders are left out."""
    files = [each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES]
    return sorted((each for each in files if each.is_file()), key=_by_number)


def _by_number(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def read_pictures(
    sources: Sequence[Any], name: str, frames: int, fps: float | None, max_pixels: int
) -> Reel:
    """Frames out of pictures in their order; only those that are taken are read.

    Args:
        sources: what :func:`vlmscope.data.images.open_image` takes, each.
        name: of the folder or the list, for messages.
        frames: how many.
        fps: frames per second; None: one, which a note says.
        max_pixels: larger ones are refused.

    Raises:
        BadImageError: none at all, one that cannot be read, pictures of different sizes.
    """
    if not sources:
        raise BadImageError(
            f"There are no frames: the {name} holds no picture. Pictures end in {', '.join(SUFFIXES)}."
        )
    indices = sampled(len(sources), frames)
    opened = [open_image(sources[index], max_pixels=max_pixels) for index in indices]
    names = [_name(sources[index], index) for index in indices]
    pixels = [each.pixels for each in opened]
    check_sizes(pixels, names)
    rate = _FPS if fps is None else float(fps)
    notes = () if fps is not None else (_no_times(name),)
    return Reel(pixels, [index / rate for index in indices], indices, len(sources), notes)


def _name(source: Any, index: int) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else f"frame {index}"


def _no_times(name: str) -> str:
    return f"The {name} has no times: frames are counted as one per second; fps says another rate."
