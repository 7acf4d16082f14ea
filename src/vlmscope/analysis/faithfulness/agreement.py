"""How far hiding tokens and painting pixels over agree about a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from vlmscope.stats import Interval, bootstrap

__all__ = ["FormAgreement", "form_agreement"]


@dataclass(frozen=True)
class FormAgreement:
    """One map's gaps in tokens against those in pixels, question by question.

    Attributes:
        name: of the map.
        rank: Spearman's rank correlation of the gaps over the questions; None: fewer than 3
            questions, or the gaps of a form are all the same.
        same_sign: share of questions on which both forms say that the map is better than its reverse,
            or both that it is worse.
    """

    name: str
    rank: Interval | None
    same_sign: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "map": self.name,
            "rank": None if self.rank is None else list(self.rank),
            "same_sign": list(self.same_sign),
        }


def form_agreement(
    name: str, tokens: NDArray[np.float64], pixels: NDArray[np.float64], *, seed: int = 0
) -> FormAgreement:
    """Of float (questions,) gaps each; the seed is that of the intervals."""
    same = bootstrap((np.sign(tokens) == np.sign(pixels)).astype(float), seed=seed)
    if len(tokens) < 3 or np.ptp(tokens) == 0 or np.ptp(pixels) == 0:
        return FormAgreement(name, None, same)
    # ranks are taken once, over all questions; resampling draws pairs of ranks
    ranks = np.stack([rankdata(tokens), rankdata(pixels)], axis=1)
    return FormAgreement(name, bootstrap(ranks, _correlation, seed=seed), same)


def _correlation(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of (resamples, questions, 2) values; 0 where one of the two is constant."""
    apart = drawn - drawn.mean(axis=1, keepdims=True)
    together = (apart[..., 0] * apart[..., 1]).sum(axis=1)
    size = np.sqrt((apart**2).sum(axis=1).prod(axis=-1))
    values: NDArray[np.float64] = np.divide(together, size, out=np.zeros_like(size), where=size > 0)
    return values
