"""What views draw results with: cells of image tokens, masks as runs, and the encoded image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vlmscope.types import Box, TokenMap
from vlmscope.viewer import Picture

__all__ = [
    "NOTEBOOK_SIDE",
    "SIDE",
    "cells_block",
    "cells_over",
    "encoded",
    "label_runs",
    "mask_block",
    "on_cells",
]

SIDE = 1600
"""Pixels of the longer side of an image in a view at most, as of an overlay."""

NOTEBOOK_SIDE = 900
"""The same in the cell of a notebook, which keeps every picture it ever showed."""

_QUALITY = 90  # of JPEG


def encoded(image: NDArray[np.uint8], side: int = SIDE, lossless: bool = False) -> Picture:
    """An image for a view, made smaller where it is longer than ``side`` pixels.

    Args:
        image: uint8 (height, width, 3).
        side: pixels.
        lossless: PNG, where pixels are to be compared; else JPEG.
    """
    shown = Image.fromarray(image)
    factor = side / max(shown.size)
    if factor < 1:
        width, height = (max(1, round(length * factor)) for length in shown.size)
        shown = shown.resize((width, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    if lossless:
        shown.save(stream, "PNG")
        return Picture(stream.getvalue(), "image/png")
    shown.save(stream, "JPEG", quality=_QUALITY)
    return Picture(stream.getvalue(), "image/jpeg")


def cells_block(token_map: TokenMap) -> dict[str, Any]:
    """The rectangles that values lie on, view after view, in original pixels."""
    views = [
        {"name": view.name, "y_edges": view.y_edges.tolist(), "x_edges": view.x_edges.tolist()}
        for view in token_map.views
    ]
    return {"size": list(token_map.image_size), "views": views}


def cells_over(grid: tuple[int, int], seen: Box, size: tuple[int, int]) -> dict[str, Any]:
    """Even cells over a part of an image, for values whose token map is not known.

    Args:
        grid: (rows, columns).
        seen: xyxy in original pixels.
        size: (height, width) of the image.
    """
    x0, y0, x1, y1 = seen
    view = {
        "name": "image",
        "y_edges": np.linspace(y0, y1, grid[0] + 1).tolist(),
        "x_edges": np.linspace(x0, x1, grid[1] + 1).tolist(),
    }
    return {"size": list(size), "views": [view]}


def on_cells(token_map: TokenMap, weights: ArrayLike) -> NDArray[np.float32]:
    """Weights on the cells of :func:`cells_block`: float32 (..., cells).

    Args:
        token_map: geometry of the image tokens.
        weights: float (..., tokens).
    """
    return token_map.carried(weights).astype(np.float32)


def mask_block(mask: NDArray[np.bool_]) -> dict[str, Any] | None:
    """A mask, bool (height, width), as row-major runs, the first of zeros; None for an empty one."""
    if not mask.any():
        return None
    starts, values = _runs(mask.ravel())
    lengths = np.diff(np.append(starts, mask.size))
    counts = lengths if not values[0] else np.append(0, lengths)
    return {"size": list(mask.shape), "counts": counts.astype(np.int32)}


def label_runs(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Labels, int (height, width), as row-major runs: int32 (2 x runs,) of label, length ..."""
    starts, values = _runs(labels.ravel())
    lengths = np.diff(np.append(starts, labels.size))
    return np.stack([values.astype(np.int64), lengths], axis=1).ravel().astype(np.int32)


def _runs(flat: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Where each run of equal values begins, and its value."""
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    return starts, flat[starts]
