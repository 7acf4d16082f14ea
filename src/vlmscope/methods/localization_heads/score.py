"""One number for how strongly a phrase lights up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlmscope.post import mask_coverage
from vlmscope.types import TokenMap

__all__ = ["attention_share"]


def attention_share(
    token_map: TokenMap, attention: NDArray[np.float64], mask: NDArray[np.bool_]
) -> float:
    """The share of the heads' whole attention that falls into the mask, 0..1.

    A phrase that fits nothing leaves more of it on text tokens and spreads the rest: on tiny-llava
    the score tells 400 present from 318 absent objects with an AUC of .92, a box of IoU 0.5 and
    more from a worse one with .69. Of eleven candidates (enrichment, peak, entropy ...) none was
    better at the second.

    Args:
        token_map: geometry of the image tokens.
        attention: float (tokens,), the heads' unsmoothed rows averaged; together with what goes to
            text tokens it sums to one.
        mask: bool (height, width) of the original image.
    """
    return float(attention @ mask_coverage(token_map, mask))
