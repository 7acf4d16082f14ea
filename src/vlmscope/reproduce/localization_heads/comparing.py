"""What is measured by setting variants side by side on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from vlmscope.metrics import Score
from vlmscope.metrics.image_sums import SENTENCES
from vlmscope.reproduce.localization_heads.sums import COLUMNS
from vlmscope.stats import bootstrap_sums

__all__ = ["Sums", "gain", "rank_correlation"]

Sums = Mapping[str, Sequence[float]]
"""Image id -> numbers under :data:`sums.COLUMNS`."""

_HITS, _ALL = COLUMNS.index("Acc@0.5"), COLUMNS.index(SENTENCES)
_IOU, _MASKED = COLUMNS.index("RES mIoU"), COLUMNS.index("masked")


def gain(one: Sums, other: Sums, seed: int = 0) -> Score | None:
    """Acc@0.5 under one variant minus that under the other, on the images of both.

    Returns:
        None where they have none in common.
    """
    common = [each for each in one if each in other]
    if not common:
        return None
    values = np.array([[one[i][_HITS], other[i][_HITS], one[i][_ALL]] for i in common])
    interval = bootstrap_sums(values, _difference, seed=seed)
    return Score("gain", interval, int(values[:, 2].sum()), SENTENCES, len(common))


def rank_correlation(
    frequencies: Sequence[float], tables: Sequence[Sums], seed: int = 0
) -> Score | None:
    """Spearman's correlation of selection frequency and mean IoU of each head's own mask.

    Args:
        frequencies: of the heads.
        tables: of each head alone, on the same images.
        seed: of the bootstrap over images.

    Returns:
        None where there are fewer than three heads, no masks, or nothing to rank.
    """
    if len(tables) < 3 or len(set(frequencies)) == 1:
        return None
    common = [each for each in tables[0] if all(each in table for table in tables)]
    values = np.array(
        [[tables[0][i][_MASKED], *(table[i][_IOU] for table in tables)] for i in common]
    )
    if not common or not values[:, 0].sum():
        return None
    ranks = _standard(rankdata(frequencies))

    def correlation(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        # the mean is the sum over a constant, which changes no rank
        return _standard(rankdata(sums[:, 1:], axis=1)) @ ranks

    interval = bootstrap_sums(values, correlation, seed=seed)
    return Score("rank correlation", interval, len(tables), "heads", len(common))


def _difference(sums: NDArray[np.float64]) -> Any:
    return (sums[:, 0] - sums[:, 1]) / sums[:, 2]


def _standard(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean 0 and length 1 along the last axis; all 0 where every rank is the same."""
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
