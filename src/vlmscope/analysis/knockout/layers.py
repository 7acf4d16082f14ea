"""Which layers carry an answer, named from the effects of windows.

Each layer gets a score out of the windows that it lies in. The layers that carry the answer are the
fewest neighbours that hold half of all scores; resampling the samples says how sure that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.knockout.windows import Window
from vlmscope.stats import Interval, bootstrap, bootstrap_ratios, ratio_of_sums

__all__ = ["CarryingLayers", "carrying_layers", "layer_scores"]

_HALF = 0.5
_RESAMPLES = 1000
# effects below this are those of another order of the same sums
_NOISE = 1e-4


@dataclass(frozen=True)
class CarryingLayers:
    """The layers that carry what was blocked.

    Attributes:
        first, last: of them.
        share: of the summed scores of all layers that they hold, with its interval over samples.
        layers: per layer of the decoder its score with its interval; None where no window held it.
        support: per layer the share of resamples whose carrying layers it is among.
    """

    first: int
    last: int
    share: Interval
    layers: tuple[Interval | None, ...]
    support: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last > self.first else str(self.first)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "first": self.first,
            "last": self.last,
            "share": list(self.share),
            "layers": [None if each is None else list(each) for each in self.layers],
            "support": list(self.support),
        }


def layer_scores(
    mode: str,
    windows: Sequence[Window],
    effects: NDArray[np.float64],
    everywhere: NDArray[np.float64],
    depth: int,
) -> NDArray[np.float64]:
    """What each layer has to do with the answer: float (samples, layers), NaN where no window holds it.

    Args:
        mode: ``"inside"``: mean effect of the windows that hold the layer. ``"outside"``: mean of what
            letting them pass gives back, the effect everywhere less theirs. ``"from"``: how much more
            is lost by blocking from a window on than from the next one on, spread over the layers
            between them. ``"until"``: the same from the other end.
        windows: of the sweep.
        effects: float (samples, windows).
        everywhere: float (samples,): effect of blocking all layers.
        depth: of the decoder.
    """
    if mode in ("from", "until"):
        return _steps(mode, windows, effects, depth)
    values = everywhere[:, None] - effects if mode == "outside" else effects
    held = np.array([[layer in window.layers for window in windows] for layer in range(depth)])
    with np.errstate(invalid="ignore"):
        scores: NDArray[np.float64] = values @ held.T.astype(np.float64) / held.sum(axis=1)
    return scores


def _steps(
    mode: str, windows: Sequence[Window], effects: NDArray[np.float64], depth: int
) -> NDArray[np.float64]:
    """What each further stretch of blocked layers adds, spread over its layers."""
    scores = np.full((len(effects), depth), np.nan)
    order = sorted(range(len(windows)), key=lambda at: len(windows[at].blocked))
    before, known = np.zeros(len(effects)), frozenset[int]()
    for at in order:
        added = sorted(frozenset(windows[at].blocked) - known)
        if added:
            scores[:, added] = ((effects[:, at] - before) / len(added))[:, None]
        before, known = effects[:, at], known | frozenset(added)
    return scores


def carrying_layers(scores: NDArray[np.float64], seed: int = 0) -> CarryingLayers | None:
    """Name the layers.

    Args:
        scores: float (samples, layers), see :func:`layer_scores`.
        seed: of the resampling.

    Returns:
        None when no layer stands out from zero.
    """
    covered: NDArray[np.bool_] = np.asarray(~np.isnan(scores).any(axis=0)).reshape(-1)
    if not len(scores) or not covered.any():
        return None
    ones = np.ones(len(scores))
    known = bootstrap_ratios(scores[:, covered], ones, seed=seed)
    if not any(each.low > _NOISE for each in known):
        return None
    intervals = iter(known)
    filled = np.where(covered, scores, 0.0)
    (first,), (last,) = _bands(filled.mean(axis=0)[None])
    draws = np.random.default_rng(seed).multinomial(len(ones), ones / len(ones), _RESAMPLES)
    firsts, lasts = _bands(draws @ filled / len(ones))
    layers = np.arange(scores.shape[1])
    inside = (layers >= firsts[:, None]) & (layers <= lasts[:, None])
    positive = np.where(filled.mean(axis=0) > 0, filled, 0.0)
    parts = np.stack([positive[:, first : last + 1].sum(axis=1), positive.sum(axis=1)], axis=1)
    return CarryingLayers(
        first=int(first),
        last=int(last),
        share=bootstrap(parts, ratio_of_sums, seed=seed),
        layers=tuple(next(intervals) if each else None for each in covered),
        support=tuple(float(value) for value in inside.mean(axis=0)),
    )


def _bands(means: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(first, last) of the fewest neighbours that hold half of the positive scores, per row; of several
    the ones that hold most."""
    rows, depth = means.shape
    total = np.concatenate([np.zeros((rows, 1)), np.clip(means, 0, None).cumsum(axis=1)], axis=1)
    goal = _HALF * total[:, -1] - 1e-12
    first = np.zeros(rows, dtype=np.int64)
    last = np.full(rows, depth - 1, dtype=np.int64)
    open_rows = np.ones(rows, dtype=bool)
    for width in range(1, depth + 1):
        sums = total[:, width:] - total[:, :-width]
        best = sums.argmax(axis=1)
        done = open_rows & (sums[np.arange(rows), best] >= goal)
        first[done], last[done] = best[done], best[done] + width - 1
        open_rows &= ~done
    return first, last
