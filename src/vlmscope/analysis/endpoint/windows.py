"""The windows of a picture that are hidden one after the other, and the map of what that costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["drops_on_cells", "grid_of", "windows_of"]


def grid_of(image_size: tuple[int, int], cells: int) -> tuple[int, int]:
    """(rows, columns) of nearly square cells.

    Args:
        image_size: (height, width) in pixels.
        cells: along the longer side.
    """
    longest = max(image_size)
    rows, columns = (max(1, min(side, round(cells * side / longest))) for side in image_size)
    return rows, columns


def windows_of(shape: tuple[int, int], sides: Sequence[int]) -> list[list[NDArray[np.bool_]]]:
    """Per side its windows, bool (rows * columns,) each; together they cover every cell.

    Windows of more than one cell overlap by half; one that is wider than the grid is cut.

    Args:
        shape: (rows, columns).
        sides: in cells.
    """
    rows, columns = shape
    scales = []
    for side in sides:
        windows = []
        for top in _starts(rows, side):
            for left in _starts(columns, side):
                window = np.zeros(shape, dtype=bool)
                window[top : top + side, left : left + side] = True
                windows.append(window.reshape(-1))
        scales.append(windows)
    return scales


def _starts(cells: int, side: int) -> list[int]:
    last = max(0, cells - side)
    return sorted({*range(0, last + 1, max(1, side // 2)), last})


def drops_on_cells(
    scales: Sequence[Sequence[NDArray[np.bool_]]], drops: Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    """The map: float (cells,).

    What a window costs is shared evenly by its cells. A cell has the mean over the windows that
    cover it, and then over the sides of windows. With windows of one cell it is the drop itself.

    Args:
        scales: as :func:`windows_of` gives them.
        drops: per side and window, in nats.
    """
    maps = []
    for windows, values in zip(scales, drops, strict=True):
        covers = np.stack(windows).astype(np.float64)  # (windows, cells)
        shares = np.asarray(values, dtype=np.float64) / covers.sum(axis=1)
        maps.append(shares @ covers / covers.sum(axis=0))
    mean: NDArray[np.float64] = np.mean(maps, axis=0)
    return mean
