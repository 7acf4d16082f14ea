"""Ranges of layers by relative depth."""

from __future__ import annotations

import math

__all__ = ["layers_between"]


def layers_between(depth: int, first: float, last: float) -> tuple[int, ...]:
    """The layers from a share of a decoder's depth to another, at least one.

    Layers 20 to 40 of 80 are shares .25 to .5: the layer at the first is in, that at the last is out.
    Shares between two layers are rounded to the nearer border, halves up.

    Args:
        depth: layers of the decoder.
        first, last: shares of it, 0..1.
    """
    start = min(math.floor(first * depth + 0.5), depth - 1)
    end = max(math.floor(last * depth + 0.5), start + 1)
    return tuple(range(start, end))
