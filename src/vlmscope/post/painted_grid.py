"""Scores on a grid of cells, and how they are painted on original pixels, in bands of rows.

A thousand classes on a large photograph would not fit in memory as maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vlmscope.post.painting import bilinear_weights
from vlmscope.types import TokenMap
from vlmscope.types.views import axis_weights

__all__ = ["PaintedGrid"]

_BAND_VALUES = 1 << 22  # 16 MB of float32


@dataclass(frozen=True, eq=False)
class PaintedGrid:
    """Scores of cells, which every original pixel is a weighted mean of.

    Attributes:
        cells: float32 (rows, columns, n).
        down: float32 (height, rows): what each row of cells counts for each row of pixels.
        across: float32 (width, columns), the same along the other axis; sparse where cells are many.
    """

    cells: NDArray[np.float32] = field(repr=False)
    down: NDArray[np.float32] = field(repr=False)
    across: NDArray[np.float32] | csr_array = field(repr=False)

    @classmethod
    def of(cls, token_map: TokenMap, scores: NDArray[np.floating]) -> PaintedGrid:
        """Bilinear between the centres of patches.

        Args:
            token_map: geometry of the patches, one view.
            scores: float (patches, n).
        """
        (view,) = token_map.views
        height, width = token_map.image_size
        grid = scores.astype(np.float32).reshape(*view.grid, -1)
        down = axis_weights(view.y_edges, height, "bilinear").astype(np.float32)
        across = bilinear_weights(view.x_edges, width)
        return cls(grid, down, across)

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return len(self.down), self.across.shape[0]

    def bands(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows of the image, and the scores painted on them: float32 (rows, width, n)."""
        height, width = self.image_size
        step = max(1, _BAND_VALUES // (self.cells.shape[-1] * width))
        for start in range(0, height, step):
            rows = slice(start, min(start + step, height))
            # only the few rows of cells that these pixels lie between matter
            used = np.flatnonzero(self.down[rows].any(axis=0))
            near = slice(used[0], used[-1] + 1)
            yield rows, self._spread(np.tensordot(self.down[rows, near], self.cells[near], 1))

    def painted(self) -> NDArray[np.float32]:
        """All of it at once: float32 (height, width, n)."""
        return np.concatenate([band for _, band in self.bands()])

    def mean_inside(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The mean of what is painted inside a mask: float32 (n,); 0 where it has no pixel.

        Nothing is painted: it is a mean of cells, each weighed by how much of it lies inside.

        Args:
            mask: bool (height, width).
        """
        weights = self.down.T @ (mask.astype(np.float32) @ self.across)  # (rows, columns)
        total = np.tensordot(weights, self.cells, 2)
        return (total / max(1, int(mask.sum()))).astype(np.float32)

    def _spread(self, lines: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, columns, n) -> (rows, width, n)."""
        if isinstance(self.across, np.ndarray):
            return self.across @ lines
        return np.stack([self.across @ line for line in lines])
