"""Sliding windows over a grid of patches, blended so that no border of a window shows.

All windows of an image have one size and start on whole patches, so their scores lie on one grid and
are averaged there, before any softmax. A window counts most in its middle and next to nothing at its
border, where its patches lack half of their surroundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.models.encoders.patches import PatchGrid

__all__ = ["WindowPlan", "taper"]


@dataclass(frozen=True)
class WindowPlan:
    """Where windows lie on a grid of patches.

    Attributes:
        grid: (rows, columns) of the whole image.
        size: (rows, columns) of every window.
        corners: (top, left) patch of every window, in reading order.
    """

    grid: PatchGrid
    size: PatchGrid
    corners: tuple[tuple[int, int], ...]

    @classmethod
    def over(cls, grid: PatchGrid, patch: int, window: int, stride: int) -> WindowPlan:
        """Cover a grid; the last row and column of windows are moved back to end with the image.

        Args:
            grid: (rows, columns) of the whole image.
            patch: side of a patch in pixels.
            window: side of a window in pixels of the resized image, 0 for none; rounded to whole
                patches, and no larger than the image.
            stride: step between windows in pixels, 0 for half a window.

        Raises:
            BadOptionError: a window or step smaller than a patch, or a step larger than the window.
        """
        if not window:
            if stride:
                raise BadOptionError(f"A stride of {stride} needs a window. Give window=224.")
            return cls(grid, grid, ((0, 0),))
        if window < patch or 0 < stride < patch or stride > window:
            raise BadOptionError(
                f"A window has at least one patch ({patch} pixels) and its stride lies between that "
                f"and the window, got window {window} and stride {stride}."
            )
        side = round(window / patch)
        step = min(side, max(1, round((stride or window / 2) / patch)))
        size = min(side, grid[0]), min(side, grid[1])
        tops, lefts = (_starts(cells, part, step) for cells, part in zip(grid, size, strict=True))
        return cls(grid, size, tuple((top, left) for top in tops for left in lefts))

    def cut(self, values: Tensor, patch: int, batch: int) -> Iterator[Tensor]:
        """Windows of an image in batches: (windows, 3, height, width) each, in order.

        Args:
            values: (1, 3, height, width), the resized image.
            patch: side of a patch in pixels.
            batch: most windows at a time.
        """
        height, width = (cells * patch for cells in self.size)
        for start in range(0, len(self.corners), batch):
            places = [(y * patch, x * patch) for y, x in self.corners[start : start + batch]]
            yield torch.cat([values[:, :, y : y + height, x : x + width] for y, x in places])

    def blend(self, scores: Tensor) -> Tensor:
        """Average the windows' scores on the whole grid.

        Args:
            scores: float (windows, patches of a window, n).

        Returns:
            float (patches of the image, n).
        """
        if len(self.corners) == 1:
            return scores[0]
        rows, columns = self.size
        weight = taper(rows)[:, None] * taper(columns)[None, :]
        weight = weight[..., None].to(scores)
        total = scores.new_zeros(*self.grid, scores.shape[-1])
        share = scores.new_zeros(*self.grid, 1)
        for part, (top, left) in zip(scores.unflatten(1, self.size), self.corners, strict=True):
            total[top : top + rows, left : left + columns] += part * weight
            share[top : top + rows, left : left + columns] += weight
        return (total / share).flatten(0, 1)


def taper(cells: int) -> Tensor:
    """Float32 (cells,): a raised cosine, positive everywhere; half-overlapping ones sum to 1."""
    middles = (torch.arange(cells) + 0.5) / cells
    return torch.sin(torch.pi * middles) ** 2


def _starts(cells: int, size: int, step: int) -> list[int]:
    starts = list(range(0, cells - size + 1, step))
    if starts[-1] != cells - size:
        starts.append(cells - size)
    return starts
