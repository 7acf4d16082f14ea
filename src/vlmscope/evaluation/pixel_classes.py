"""The best class of every pixel, from scores of classes on a token grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.post.painting import bilinear_weights
from vlmscope.types import TokenMap

__all__ = ["classify_pixels"]

_MOST_VALUES = 1 << 25  # of scores on lines of pixels: 128 MB


def classify_pixels(
    token_map: TokenMap, scores: NDArray[np.floating], where: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Arg-max over classes of the scores upsampled to original pixels, bilinear between cell centres.

    As ``token_map.to_pixels`` class by class, but only where it is asked for: a label map leaves most
    pixels of a photograph out.

    Args:
        token_map: geometry of the tokens.
        scores: float (tokens, classes).
        where: bool (height, width) of the original image, n of them True.

    Returns:
        int64 (n,), classes in the order of ``np.nonzero(where)``; the first of equals wins.
    """
    if not where.any():
        return np.zeros(0, dtype=np.int64)
    if len(token_map.views) > 1:
        painted = [token_map.to_pixels(column)[where] for column in scores.T]
        return np.stack(painted, axis=1).argmax(axis=1)
    view = token_map.views[0]
    down = bilinear_weights(view.y_edges, where.shape[0])
    across = bilinear_weights(view.x_edges, where.shape[1])
    cells = scores.reshape(view.grid[0], -1).astype(np.float32)  # (rows, columns * classes)
    every = np.flatnonzero(where.any(axis=1))
    best = []
    for lines in np.array_split(every, 1 + len(every) * cells.shape[1] // _MOST_VALUES):
        on_lines = (down[lines] @ cells).reshape(len(lines), view.grid[1], -1)
        best += [
            (across[where[line]] @ values).argmax(axis=1)
            for line, values in zip(lines, on_lines, strict=True)
        ]
    return np.concatenate(best)
