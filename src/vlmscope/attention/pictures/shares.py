"""How the attention on the pictures of a prompt is divided among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import AttentionError
from vlmscope.types import TokenMap

__all__ = ["even_shares", "picture_shares"]


def picture_shares(token_map: TokenMap, attention: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of all attention on image tokens that each picture gets: float64 (pictures,), sum 1.

    Args:
        token_map: of the prompt.
        attention: float64 (tokens,), a row as it was read, cut to the image tokens.

    Raises:
        AttentionError: the row looks at no picture at all.
    """
    sums = _by_picture(token_map, attention)
    total = float(sums.sum())
    if not total > 0:
        raise AttentionError(
            "The row that was read puts no attention on any picture, so there are no shares. Read "
            "another row, or other heads."
        )
    return sums / total


def even_shares(token_map: TokenMap) -> NDArray[np.float64]:
    """What the shares would be if every image token got the same: float64 (pictures,)."""
    counts = _by_picture(token_map, np.ones(len(token_map.image_positions)))
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _by_picture(token_map: TokenMap, values: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = [token_map.of_image(image)[1] for image in range(token_map.images)]
    return np.array([float(values[each].sum()) for each in columns])
