"""Frames of a clip, sampled evenly, each with its time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.clips.animation import read_animation
from vlmscope.data.clips.pictures import frame_files, read_pictures
from vlmscope.data.clips.reel import Reel
from vlmscope.data.clips.video import read_video
from vlmscope.data.images import MAX_PIXELS, SUFFIXES, ImageSource, OpenedImage
from vlmscope.errors import BadImageError, BadOptionError
from vlmscope.io import missing_file, shown_path
from vlmscope.options import check_batch

__all__ = ["FRAMES", "Clip", "ClipSource", "open_clip"]

FRAMES = 8
"""How many frames are taken where nobody says."""

ClipSource = str | os.PathLike[str] | Sequence[ImageSource | OpenedImage]
"""What :func:`open_clip` takes beside a :class:`Clip`."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of a clip, ready for a model.

    Attributes:
        frames: uint8 (height, width, 3) each, RGB, upright, all of one size.
        times: seconds from the clip's beginning at which each is shown, ascending.
        indices: which of the clip's frames each is, from 0.
        total: how many frames the clip has.
        name: the path as given, or a word for clips that have none.
        notes: sentences on how it was read.
    """

    frames: tuple[NDArray[np.uint8], ...] = field(repr=False)
    times: tuple[float, ...]
    indices: tuple[int, ...]
    total: int
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every frame in pixels."""
        return self.frames[0].shape[0], self.frames[0].shape[1]


def open_clip(
    source: ClipSource | Clip,
    frames: int = FRAMES,
    *,
    fps: float | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Clip:
    """Take frames out of a clip: the middle ones of as many equal parts.

    A video file is decoded by PyAV, which the extra ``video`` installs; nothing else needs it.

    Args:
        source: path of a video file, of an animated GIF, WebP or PNG, or of a folder of pictures,
            which are its frames in the order of their names (2 before 10); or a list of pictures. A
            :class:`Clip` passes through.
        frames: how many; of a shorter clip all, which a note says.
        fps: frames per second of a folder or a list, which have no times of their own. None: one
            per second, which a note says.
        max_pixels: larger frames are refused.

    Raises:
        BadImageError: nothing there, no frames in it, a broken file, frames of different sizes.
        BadOptionError: a number of frames below 1, ``fps`` of 0 or less, or of a clip with times of
            its own.
        MissingExtraError: a video file without PyAV.
    """
    if isinstance(source, Clip):
        return source
    check_batch(frames, "frames is how many are taken out of a clip, a whole number of 1 or more")
    _check_fps(fps)
    if isinstance(source, str | os.PathLike):
        return _from_path(os.fspath(source), frames, fps, max_pixels)
    if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray | memoryview):
        reel = read_pictures(list(source), "list", frames, fps, max_pixels)
        return _clip(reel, "the list of frames", frames)
    raise BadImageError(
        "A clip is the path of a video, of an animated picture or of a folder of frames, or a list of "
        f"pictures; got {type(source).__name__}."
    )


def _check_fps(fps: Any) -> None:
    number = isinstance(fps, int | float) and not isinstance(fps, bool)
    if fps is not None and not (number and 0 < fps < float("inf")):
        raise BadOptionError(f"fps is how many frames make a second, above 0; got {fps!r}.")


def _from_path(source: str, frames: int, fps: float | None, max_pixels: int) -> Clip:
    path, name = Path(source), shown_path(source)
    if source.startswith(("http://", "https://")):
        raise BadImageError(f"{name} is an address. Download the clip and give its path.")
    if path.is_dir():
        reel = read_pictures(frame_files(path), f"folder {name}", frames, fps, max_pixels)
        return _clip(reel, name, frames)
    missing = missing_file(path, "clip")
    if missing is not None:
        raise BadImageError(f"{missing} Check the path.")
    if fps is not None:
        raise BadOptionError(
            f"fps={fps} is for a folder or a list of frames; {name} has times of its own. Leave it out."
        )
    read = read_animation if path.suffix.lower() in SUFFIXES else read_video
    return _clip(read(path, frames, max_pixels), name, frames)


def _clip(reel: Reel, name: str, frames: int) -> Clip:
    notes = reel.notes
    if frames > reel.total:
        held = f"{reel.total} frame{'' if reel.total == 1 else 's'}"
        notes = (*notes, f"{name} has {held}, fewer than the {frames} asked for: all are taken.")
    return Clip(tuple(reel.frames), tuple(reel.times), tuple(reel.indices), reel.total, name, notes)
