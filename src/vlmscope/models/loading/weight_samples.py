"""A few values of a weight, always from the same places."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["RUN", "run_starts", "sampled"]

RUN = 512
"""Values that are read in a row."""

_PLACES = 64
_GOLDEN = (math.sqrt(5) - 1) / 2


@lru_cache(maxsize=256)
def run_starts(count: int) -> tuple[int, ...]:
    """Where runs of :data:`RUN` values begin among ``count``: one in each of 64 equal parts.

    Within its part a run begins a golden-ratio step further than the last one, so that the runs fall
    on all columns of a matrix and not on the first again and again. Of a weight that is no larger than
    all runs together everything is read: one run of its length, at 0.
    """
    if count <= _PLACES * RUN:
        return (0,)
    part = (count - RUN) / _PLACES
    return tuple(int((place + place * _GOLDEN % 1) * part) for place in range(_PLACES))


def sampled(weight: Tensor) -> Tensor:
    """The sampled values, (n,), on the CPU, in the dtype of the weight."""
    values = weight.detach().reshape(-1)
    starts = run_starts(len(values))
    if len(starts) > 1:
        places = torch.tensor(starts, device=values.device)[:, None]
        values = values[(places + torch.arange(RUN, device=values.device)).reshape(-1)]
    return values.cpu()
