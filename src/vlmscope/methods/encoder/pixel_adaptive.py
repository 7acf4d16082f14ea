"""Scores of classes refined by the image's own colours: neighbours that look alike agree.

Pixel-adaptive refinement (Araslanov and Roth, "Single-Stage Semantic Segmentation from Image Labels",
CVPR 2020): the score of a pixel becomes a weighted mean of the scores around it, again and again. Of
pixel i and its neighbour n, with I the colours,

    k(i, n) = mean over colours of -|I_i - I_n| / (0.1 s_i + 1e-8),   w(i, .) = softmax over n of k(i, .)

where the neighbours are the eight around i at each of several distances, a pixel beyond the border is
the nearest one inside, and s_i is the standard deviation of a colour over i and its neighbours (i counts
once for each distance; n - 1 in the denominator). Then, so many times: S_i <- sum over n of w(i, n) S_n.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.models.encoders.patches import grid_map
from vlmscope.post import smooth
from vlmscope.types import TokenMap
from vlmscope.types.views import axis_weights

__all__ = [
    "DISTANCES",
    "class_scores",
    "neighbour_weights",
    "refine_by_pixels",
    "refine_painted",
    "refined_grid",
]

DISTANCES = (1, 2, 4, 8, 12, 24)
"""How far the neighbours lie, in pixels of the working size."""

_SHARE = 0.1
_EPSILON = 1e-8
_MOST_VALUES = 1 << 25
"""Pixels of the working size x classes: 128 MB of float32, of which there are two at once."""

_TOGETHER = 32  # classes: more of them would not stay in the processor's cache


def class_scores(
    token_map: TokenMap,
    scores: NDArray[np.floating],
    pixels: NDArray[np.uint8],
    options: DenseOptions,
) -> tuple[TokenMap, NDArray[np.floating]]:
    """Scores of classes as they are compared: discounted, smoothed, refined by pixels.

    Args:
        token_map: geometry of the patches.
        scores: float (patches, classes).
        pixels: uint8 (height, width, 3), the original image.
        options: of the method; nothing is discounted or refined where these are 0.

    Returns:
        The geometry of what is compared, and float (cells, classes) on it.
    """
    if options.discount:
        scores = scores - options.discount * scores.mean(axis=0)
    smoothed = smooth(token_map, scores.T, options).T
    if not options.refine_pixels:
        return token_map, smoothed
    return refine_by_pixels(token_map, smoothed, pixels, options.refine_pixels, options.refine_side)


def refined_grid(
    image_size: tuple[int, int], classes: int, longer: int, most: int = _MOST_VALUES
) -> tuple[int, int]:
    """(height, width) at which scores are refined.

    The image's own size where its longer side is no longer than ``longer``; else that, and less where
    there are so many classes that the scores would pass ``most`` values.

    Args:
        image_size: (height, width) of the original image.
        classes: how many there are.
        longer: the longer side at most, in pixels.
        most: pixels x classes at most; a class alone is always given its pixels.
    """
    height, width = image_size
    pixels = max(1.0, most / classes)
    shrink = min(1.0, longer / max(height, width), math.sqrt(pixels / (height * width)))
    return max(1, int(height * shrink + 0.5)), max(1, int(width * shrink + 0.5))


def refine_by_pixels(
    token_map: TokenMap,
    scores: NDArray[np.floating],
    pixels: NDArray[np.uint8],
    iterations: int,
    longer: int,
) -> tuple[TokenMap, NDArray[np.float32]]:
    """Scores on a patch grid, painted bilinearly on pixels of a bounded size and refined there.

    Args:
        token_map: geometry of the patches, one view.
        scores: float (patches, classes).
        pixels: uint8 (height, width, 3), the original image.
        iterations: how often every score becomes the weighted mean of those around it.
        longer: longer side of the working size, see :func:`refined_grid`.

    Returns:
        The geometry of the working size over the original image, and float32 (cells, classes) there.
    """
    grid = refined_grid(token_map.image_size, scores.shape[1], longer)
    painted = _painted(token_map, scores, grid).reshape(*grid, -1)
    return refine_painted(painted, pixels, iterations)


def refine_painted(
    painted: NDArray[np.float32], pixels: NDArray[np.uint8], iterations: int
) -> tuple[TokenMap, NDArray[np.float32]]:
    """Scores that are painted at the working size already, refined there.

    Args:
        painted: float32 (height, width, n) of the working size (:func:`refined_grid`).
        pixels: uint8 (height, width, 3), the original image.
        iterations: see :func:`refine_by_pixels`; so are the results.
    """
    grid = painted.shape[0], painted.shape[1]
    values = torch.from_numpy(painted.reshape(grid[0] * grid[1], -1))
    neighbours, weights = neighbour_weights(_colours(pixels, grid))
    parts = [_agreed(part, neighbours, weights, iterations) for part in values.split(_TOGETHER, 1)]
    size = pixels.shape[0], pixels.shape[1]
    return grid_map(size, grid), torch.cat(parts, dim=1).numpy()


def _agreed(values: Tensor, neighbours: Tensor, weights: Tensor, iterations: int) -> Tensor:
    values = values.contiguous()
    for _ in range(iterations):
        values = F.embedding_bag(neighbours, values, per_sample_weights=weights, mode="sum")
    return values


def neighbour_weights(
    colours: Tensor, distances: tuple[int, ...] = DISTANCES
) -> tuple[Tensor, Tensor]:
    """The neighbours of every pixel, and how much each counts.

    Args:
        colours: float (height, width, channels).
        distances: in pixels.

    Returns:
        int32 (pixels, 8 x distances), indices of pixels row by row; float32 of that shape, whose rows
        sum to 1.
    """
    height, width, channels = colours.shape
    neighbours = _neighbours(height, width, distances)
    flat = colours.reshape(-1, channels)
    spread = _spread(flat, neighbours, len(distances))
    logits = flat.new_zeros(neighbours.shape)
    for channel in range(channels):  # one by one: all at once would take three times the memory
        values = flat[:, channel]
        distance = (values[neighbours] - values[:, None]).abs_()
        logits -= distance.div_((_SHARE * spread[:, channel] + _EPSILON)[:, None])
    return neighbours, logits.div_(channels).softmax(dim=1)


def _neighbours(height: int, width: int, distances: tuple[int, ...]) -> Tensor:
    rows, columns = (torch.arange(side, dtype=torch.int32) for side in (height, width))
    around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    indices = [
        (rows + far * y).clamp(0, height - 1)[:, None] * width
        + (columns + far * x).clamp(0, width - 1)
        for far in distances
        for y, x in around
    ]
    return torch.stack([each.reshape(-1) for each in indices], dim=1)


def _spread(flat: Tensor, neighbours: Tensor, own: int) -> Tensor:
    """(pixels, channels): standard deviation over a pixel, ``own`` times, and its neighbours."""
    columns = []
    for values in flat.T:
        seen = torch.cat([values[neighbours], values[:, None].expand(-1, own)], dim=1)
        columns.append(seen.std(dim=1))
    return torch.stack(columns, dim=1)


def _painted(
    token_map: TokenMap, scores: NDArray[np.floating], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Scores at the centres of the cells of a finer grid: float32 (cells, classes)."""
    (view,), (height, width) = token_map.views, token_map.image_size
    down = axis_weights(view.y_edges * (grid[0] / height), grid[0], "bilinear").astype(np.float32)
    across = axis_weights(view.x_edges * (grid[1] / width), grid[1], "bilinear").astype(np.float32)
    cells = scores.astype(np.float32).reshape(*view.grid, -1)
    lines = np.tensordot(down, cells, 1)
    painted: NDArray[np.float32] = np.matmul(across, lines).reshape(grid[0] * grid[1], -1)
    return painted


def _colours(pixels: NDArray[np.uint8], grid: tuple[int, int]) -> Tensor:
    """The image at the working size: float32 (height, width, 3), 0..1."""
    image = Image.fromarray(pixels)
    if pixels.shape[:2] != grid:
        image = image.resize((grid[1], grid[0]), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image, dtype=np.float32) / 255)
