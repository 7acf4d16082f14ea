"""Segmentations made by hand: no model is needed to test what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.results import Segmentation
from vlmscope.types import BACKGROUND


def segmentation(
    labels: ArrayLike, names: tuple[str, ...] | None = None, **changes: Any
) -> Segmentation:
    """A segmentation of (height, width) labels; -1 is background."""
    given = np.asarray(labels)
    array = np.where(given < 0, BACKGROUND, given).astype(np.uint16)
    names = names or tuple(f"class {index}" for index in range(int(given.max()) + 1))
    values: dict[str, Any] = {
        "names": names,
        "method": "gem",
        "model": "by hand",
        "image": np.full((*array.shape, 3), 120, dtype=np.uint8),
        "labels": array,
        "score_maps": np.linspace(0, 1, len(names) * 4, dtype=np.float32).reshape(-1, 2, 2),
        "presence": np.linspace(0.5, 0.1, len(names)).astype(np.float32),
        "confidence": np.full(len(names), 0.75, dtype=np.float32),
    }
    return Segmentation(**{**values, **changes})


def blobs(
    classes: int, size: tuple[int, int] = (60, 90), seed: int = 0, smooth: float = 6.0
) -> NDArray[np.int64]:
    """Labels in soft patches, with holes, of (height, width)."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(classes, *size))
    return np.stack([gaussian_filter(each, smooth) for each in noise]).argmax(axis=0)


def filled(polygons: list[NDArray[np.float64]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside an odd number of times, by a ray to the right."""
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    columns += 1e-6  # a centre exactly on the way to a hole would be left to rounding
    inside = np.zeros(size, dtype=bool)
    for polygon in polygons:
        odd = np.zeros(size, dtype=bool)
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if y0 == y1:
                continue
            crosses = (rows >= min(y0, y1)) & (rows < max(y0, y1))
            odd ^= crosses & (columns < x0 + (rows - y0) * (x1 - x0) / (y1 - y0))
        inside |= odd
    return inside
