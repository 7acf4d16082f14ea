"""Frames as they come out of one source, and which of its frames are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadImageError

__all__ = ["Reel", "check_sizes", "sampled"]


@dataclass(frozen=True, eq=False)
class Reel:
    """Frames that were taken out of a source.

    Attributes:
        frames: uint8 (height, width, 3) each.
        times: seconds from its beginning.
        indices: which of its frames each is, from 0.
        total: how many it has.
        notes: sentences on how it was read.
    """

    frames: Sequence[NDArray[np.uint8]]
    times: Sequence[float]
    indices: Sequence[int]
    total: int
    notes: tuple[str, ...] = ()


def sampled(total: int, frames: int) -> tuple[int, ...]:
    """The middle frames of ``frames`` equal parts of ``total``; all where there are no more."""
    count = min(total, frames)
    return tuple((2 * part + 1) * total // (2 * count) for part in range(count))


def check_sizes(frames: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> None:
    """Raise BadImageError unless all frames have one size.

    Args:
        frames: uint8 (height, width, 3) each.
        names: of each, for the message.
    """
    for frame, name in zip(frames, names, strict=True):
        if frame.shape != frames[0].shape:
            sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (frames[0], frame)]
            raise BadImageError(
                f"Frames of one clip have one size: {names[0]} is {sizes[0]}, {name} is {sizes[1]} "
                "(width x height). Bring them to one size, or look at them as several pictures."
            )
