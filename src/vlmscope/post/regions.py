"""Parts of an image that get one class each, by the mean of the scores inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.painted_grid import PaintedGrid
from vlmscope.post.painting import bilinear_weights
from vlmscope.types import TokenMap

__all__ = ["Regions", "VotedGrid", "vote", "vote_painted"]


@dataclass(frozen=True, eq=False)
class Regions:
    """Parts of an image, each with one score for each class.

    Attributes:
        owners: int32 (height, width) of the original image: which region a pixel belongs to, -1: none.
        scores: float32 (regions, classes), mean over ALL pixels of the region's mask, those included
            that another mask lies on.
    """

    owners: NDArray[np.int32] = field(repr=False)
    scores: NDArray[np.float32] = field(repr=False)


def vote(
    token_map: TokenMap, scores: NDArray[np.floating], masks: Iterable[NDArray[np.bool_]]
) -> Regions:
    """The mean score of every class inside every mask, of scores painted bilinearly on pixels.

    The mean of painted scores is one of the cells' scores, each weighed by how much of it is painted
    inside the mask; nothing is painted.

    Args:
        token_map: geometry of the cells, one view.
        scores: float (cells, classes).
        masks: bool (height, width) of the original image; where they overlap the later one lies on top.
            A mask without a pixel owns nothing.
    """
    (view,), (height, width) = token_map.views, token_map.image_size
    down, across = bilinear_weights(view.y_edges, height), bilinear_weights(view.x_edges, width)
    owners = np.full((height, width), -1, dtype=np.int32)
    cells, rows = scores.astype(np.float32), []
    for index, mask in enumerate(masks):
        owners[mask] = index
        painted = down.T @ (mask.astype(np.float32) @ across)
        rows.append(painted.reshape(-1) @ cells / max(1, int(mask.sum())))
    means = np.stack(rows) if rows else np.zeros((0, scores.shape[1]))
    return Regions(owners, means.astype(np.float32))


def vote_painted(painted: PaintedGrid, masks: Iterable[NDArray[np.bool_]]) -> Regions:
    """As :func:`vote`, of scores on any grid that pixels are painted from.

    Args:
        painted: scores of n classes or words.
        masks: bool (height, width), the later one on top.
    """
    owners = np.full(painted.image_size, -1, dtype=np.int32)
    rows = []
    for index, mask in enumerate(masks):
        owners[mask] = index
        rows.append(painted.mean_inside(mask))
    means = np.stack(rows) if rows else np.zeros((0, painted.cells.shape[-1]))
    return Regions(owners, means.astype(np.float32))


@dataclass(frozen=True, eq=False)
class VotedGrid:
    """Painted scores, of which every pixel of a region has the region's.

    Attributes:
        painted: the scores.
        regions: parts of the image, with a score for each of the n.
    """

    painted: PaintedGrid
    regions: Regions

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the original image."""
        return self.painted.image_size

    def bands(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """As :meth:`PaintedGrid.bands`."""
        for rows, band in self.painted.bands():
            owners = self.regions.owners[rows]
            inside = owners >= 0
            band[inside] = self.regions.scores[owners[inside]]
            yield rows, band
