"""Frames of video files, by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.clips.reel import Reel, check_sizes, sampled
from vlmscope.data.images import open_image
from vlmscope.errors import BadImageError, MissingExtraError
from vlmscope.io import shown_path

__all__ = ["read_video", "upright"]


def read_video(path: Path, frames: int, max_pixels: int) -> Reel:
    """Frames of a video file with their times, counted from its first frame.

    The file is decoded from its beginning, and only the frames that are taken are kept.

    Args:
        path: of the file.
        frames: how many.
        max_pixels: larger frames are refused.

    Raises:
        MissingExtraError: PyAV is not installed.
        BadImageError: no video, one without frames, or one that cannot be decoded.
    """
    total = _counted(path)
    indices = sampled(total, frames)
    taken, seen, notes = _taken(path, indices, max_pixels)
    if seen < total and len(taken) < len(indices):  # its count promised more than it holds
        notes = (f"{shown_path(path)} says that it holds {total} frames; {seen} could be read.",)
        total, indices = seen, sampled(seen, frames)
        taken, seen, _ = _taken(path, indices, max_pixels) if seen else ([], 0, ())
    if not taken:
        raise BadImageError(
            f"There are no frames in {shown_path(path)}: none could be decoded. Get the file again."
        )
    pixels = [frame for frame, _ in taken]
    check_sizes(pixels, [f"frame {index}" for index in indices])
    return Reel(pixels, [time for _, time in taken], indices, total, notes)


def upright(pixels: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    """A frame turned as its file says.

    Args:
        pixels: uint8 (height, width, 3).
        rotation: degrees anticlockwise, of the file's display matrix.
    """
    return np.ascontiguousarray(np.rot90(pixels, round(rotation / 90)))


def _av(path: Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("av", "video", f"Reading the video {shown_path(path)}") from error
    return av


def _counted(path: Path) -> int:
    """How many frames a file says it has; where it does not, how many packets its video has."""
    av = _av(path)
    try:
        with av.open(str(path)) as container:
            stream = _stream(container, path)
            if stream.frames:
                return int(stream.frames)
            return sum(1 for packet in container.demux(stream) if packet.size)
    except BadImageError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _broken(path, error) from error


def _taken(
    path: Path, indices: Sequence[int], max_pixels: int
) -> tuple[list[tuple[NDArray[np.uint8], float]], int, tuple[str, ...]]:
    """Frames with their times, how many were decoded, and what is to be said of it."""
    av = _av(path)
    wanted, taken, seen = set(indices), [], 0
    first: float | None = None
    try:
        with av.open(str(path)) as container:
            stream = _stream(container, path)
            rate = float(stream.average_rate or 1)
            for index, frame in enumerate(container.decode(stream)):
                time = index / rate if frame.time is None else float(frame.time)
                first = time if first is None else first
                seen = index + 1
                if index in wanted:
                    taken.append((_pixels(frame, path, max_pixels), time - first))
                if len(taken) == len(wanted):
                    break
    except BadImageError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if not seen:
            raise _broken(path, error) from error
        note = f"{shown_path(path)} breaks off after {seen} frames: {_reason(error)}."
        return taken, seen, (note,)
    return taken, seen, ()


def _pixels(frame: Any, path: Path, max_pixels: int) -> NDArray[np.uint8]:
    pixels = upright(frame.to_ndarray(format="rgb24"), int(frame.rotation))
    return open_image(pixels, max_pixels=max_pixels, name=shown_path(path)).pixels


def _stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise BadImageError(f"{shown_path(path)} holds no video, only sound or other data.")
    return container.streams.video[0]


def _broken(path: Path, error: Exception) -> BadImageError:
    return BadImageError(
        f"{shown_path(path)} is no video that can be read: {_reason(error)}. Get the file again, or "
        "convert it to MP4."
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
