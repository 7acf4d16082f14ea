"""Sliding windows to the pixel, averaged in logit space, as the field's protocol has them.

The image is resized to its ratio, and windows lie wherever their step puts them, on whole patches or
not. Each window's similarities are painted on its pixels, bilinear, windows are averaged pixel by pixel,
each counting the same, and the mean is painted on the original image. All three steps are linear and go
along one axis at a time, so they are two matrices: nothing of the size of the resized image times the
words is ever made. (The windows of ``window=`` lie on patches and count most in their middle: see
:mod:`vlmscope.methods.encoder.window`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import Normalisation, grid_map, grid_size, to_pixel_values
from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.types import TokenMap
from vlmscope.types.views import axis_weights

__all__ = ["SlidingWindows", "WindowAxis"]


@dataclass(frozen=True)
class WindowAxis:
    """Windows along one axis of a resized image, in its pixels.

    Attributes:
        size: of the resized image.
        window: of every window.
        starts: first pixel of each window, ascending.
    """

    size: int
    window: int
    starts: tuple[int, ...]

    @classmethod
    def over(cls, size: int, window: int, stride: int) -> WindowAxis:
        """As many windows as it takes; the last is moved back to end with the image."""
        count = max(size - window + stride - 1, 0) // stride + 1
        last = size - window
        return cls(size, window, tuple(min(i * stride, last) for i in range(count)))

    def painting(self, cells: int, pixels: int) -> NDArray[np.float32]:
        """What every window's cells count for every original pixel.

        Args:
            cells: of each window.
            pixels: of the original image along the axis.

        Returns:
            float32 (pixels, windows * cells); each row sums to 1.
        """
        back = axis_weights(np.linspace(0.0, pixels, self.size + 1), pixels, "bilinear")
        return (back @ self._mean(cells)).astype(np.float32)

    def pooling(self, cells: int, patches: int) -> NDArray[np.float32]:
        """What every window's cells count for patches that divide the resized image evenly.

        Returns:
            float32 (patches, windows * cells); each row sums to 1.
        """
        shares = axis_weights(np.linspace(0.0, self.size, patches + 1), self.size, "density").T
        shares /= shares.sum(axis=1, keepdims=True)
        return (shares @ self._mean(cells)).astype(np.float32)

    def _mean(self, cells: int) -> NDArray[np.float64]:
        """Float (size, windows * cells): the mean of the windows that cover each resized pixel."""
        own = axis_weights(np.linspace(0.0, self.window, cells + 1), self.window, "bilinear")
        painted = np.zeros((self.size, len(self.starts), cells))
        for index, start in enumerate(self.starts):
            painted[start : start + self.window, index] = own
        flat = painted.reshape(self.size, -1)
        return flat / flat.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class SlidingWindows:
    """The windows of one image.

    Attributes:
        image_size: (height, width) of the original.
        rows, columns: where windows lie.
        patch: side of a patch in pixels of the resized image.
    """

    image_size: tuple[int, int]
    rows: WindowAxis
    columns: WindowAxis
    patch: int

    @classmethod
    def over(
        cls, image_size: tuple[int, int], patch: int, side: int, window: int, stride: int
    ) -> SlidingWindows:
        """Windows on an image whose shorter side becomes ``side`` pixels.

        Raises:
            BadOptionError: a window that is no whole number of patches or larger than the side, or
                more patches than can be attended.
        """
        if window % patch or not window <= side or not 0 < stride <= window:
            raise BadOptionError(
                f"Windows of {window} pixels every {stride} on a side of {side} do not fit patches of "
                f"{patch} pixels: a window is a multiple of the patch, no larger than the side, and its "
                "stride no larger than it."
            )
        grid_size(image_size, patch, side, True)  # refuses an image that becomes too large
        scale = side / min(image_size)
        height, width = (int(length * scale + 0.5) for length in image_size)
        rows, columns = (WindowAxis.over(each, window, stride) for each in (height, width))
        return cls(image_size, rows, columns, patch)

    def __len__(self) -> int:
        return len(self.rows.starts) * len(self.columns.starts)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of patches of every window."""
        return self.rows.window // self.patch, self.columns.window // self.patch

    @cached_property
    def whole(self) -> tuple[int, int]:
        """(rows, columns) of patches that the resized image as a whole has room for."""
        return max(1, round(self.rows.size / self.patch)), max(
            1, round(self.columns.size / self.patch)
        )

    def cut(self, encoder: DualEncoder, pixels: NDArray[np.uint8], tokens: int) -> Iterator[Tensor]:
        """Windows in batches, in reading order: float32 (windows, 3, window, window) each.

        Args:
            encoder: whose pixels they become.
            pixels: uint8 (height, width, 3), the original image.
            tokens: most patches at a time.
        """
        processor = getattr(encoder.processor, "image_processor", encoder.processor)
        size = self.rows.size, self.columns.size
        values = to_pixel_values(pixels, size, 1, Normalisation.of(processor))
        corners = [(y, x) for y in self.rows.starts for x in self.columns.starts]
        height, width = self.rows.window, self.columns.window
        step = max(1, tokens // (self.grid[0] * self.grid[1]))
        for start in range(0, len(corners), step):
            some = corners[start : start + step]
            yield torch.cat([values[:, :, y : y + height, x : x + width] for y, x in some])

    def painted(self, scores: Tensor, size: tuple[int, int] | None = None) -> PaintedGrid:
        """The windows' scores, and what each counts for every original pixel.

        Args:
            scores: float32 (windows, patches of a window, n), in reading order.
            size: (height, width) that the image is painted at; None: its own.
        """
        height, width = size or self.image_size
        down = self.rows.painting(self.grid[0], height)
        across = self.columns.painting(self.grid[1], width)
        return PaintedGrid(self._cells(scores).numpy(), down, across)

    def patches(self, scores: Tensor) -> Tensor:
        """The mean of the windows over patches of the whole image: float32 (patches, n)."""
        down = torch.from_numpy(self.rows.pooling(self.grid[0], self.whole[0]))
        across = torch.from_numpy(self.columns.pooling(self.grid[1], self.whole[1]))
        return torch.einsum("yr,xc,rcn->yxn", down, across, self._cells(scores)).flatten(0, 1)

    @property
    def token_map(self) -> TokenMap:
        """The geometry of :meth:`patches`."""
        return grid_map(self.image_size, self.whole)

    def _cells(self, scores: Tensor) -> Tensor:
        """(windows, patches, n) -> (rows of windows * rows, columns of windows * columns, n)."""
        windows = len(self.rows.starts), len(self.columns.starts)
        apart = scores.unflatten(0, windows).unflatten(2, self.grid)  # (wy, wx, rows, columns, n)
        return apart.transpose(1, 2).flatten(2, 3).flatten(0, 1).contiguous()
