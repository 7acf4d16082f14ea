"""Patches unlike all patches around them in feature space, and their replacement by neighbours.

A tower stores what it needs of the whole image in a few patches, which then say nothing of their own
place and are attended to by all others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.models.encoders.patches import PatchGrid

__all__ = ["FACTORS", "local_outlier_factors", "outliers", "repaired"]

FACTORS = ("own", "lof")

_TINY = 1e-10  # patches that are the same have no distance to divide by


def local_outlier_factors(features: Tensor, neighbours: int, factor: str = "lof") -> Tensor:
    """How much thinner each patch's surroundings in feature space are than those of its neighbours.

    ``lof`` is the local outlier factor of Breunig et al., SIGMOD 2000: with k(p) the distance of p to
    its last neighbour, reach(p, o) = max(k(o), |p - o|) and density(p) = 1 / mean of reach(p, o) over
    the neighbours o, the factor of p is the mean of density(o) / density(p).

    ``own`` is what SC-CLIP's published program computes under that name: distances are squared and
    reach(p, o) takes k(p) in place of k(o), so that it is k(p) squared for all o and the factor is
    the mean of k(p)^2 / k(o)^2.

    Args:
        features: float (batch, patches, dim).
        neighbours: how many; all other patches where there are fewer.
        factor: one of :data:`FACTORS`.

    Returns:
        Float32 (batch, patches); about 1 within a cluster, larger for an outlier.
    """
    count = min(neighbours, features.shape[1] - 1)
    x = features.float()
    distances = torch.cdist(x, x, compute_mode="use_mm_for_euclid_dist")
    distances.diagonal(dim1=1, dim2=2).fill_(torch.inf)  # nobody is a neighbour of itself
    near, index = distances.topk(count, dim=-1, largest=False)
    last = near[..., -1]
    if factor == "own":
        thinness = last.square().clamp_min(_TINY)
    else:
        thinness = torch.maximum(_of(last, index), near).mean(dim=-1).clamp_min(_TINY)
    return (thinness.unsqueeze(-1) / _of(thinness, index)).mean(dim=-1)


def outliers(features: Tensor, share: float, neighbours: int, factor: str) -> Tensor:
    """Bool (batch, patches): those whose factor lies above the (1 - share) quantile of the image.

    Args:
        features: float (batch, patches, dim).
        share: of the patches, 0..1; 0: none.
        neighbours, factor: as for :func:`local_outlier_factors`.
    """
    if not share or features.shape[1] < 2:
        return torch.zeros(features.shape[:2], dtype=torch.bool, device=features.device)
    factors = local_outlier_factors(features, neighbours, factor)
    return factors > torch.quantile(factors, 1 - share, dim=-1, keepdim=True)


def repaired(features: Tensor, lost: Tensor, grid: PatchGrid) -> Tensor:
    """Outliers become the mean of the up to 8 patches around them that are none.

    One that has no such neighbour stays as it is.

    Args:
        features: (batch, patches, dim).
        lost: bool (batch, patches).
        grid: (rows, columns) of patches.
    """
    if not lost.any():
        return features
    kept = (~lost).to(features.dtype).unsqueeze(-1)
    total = _around(features * kept, grid)
    count = _around(kept, grid)
    mean = total / count.clamp_min(1)
    return torch.where(lost.unsqueeze(-1) & (count > 0), mean, features)


def _around(x: Tensor, grid: PatchGrid) -> Tensor:
    """Sum over the 3 x 3 patches around each: (batch, patches, dim)."""
    square = F.pad(x.unflatten(1, grid), (0, 0, 1, 1, 1, 1))
    lines = _threes(square, 1, grid[0])
    return _threes(lines, 2, grid[1]).flatten(1, 2)


def _threes(x: Tensor, dim: int, count: int) -> Tensor:
    """Sums of three next to each other along a dimension: ``count`` of them."""
    return x.narrow(dim, 0, count) + x.narrow(dim, 1, count) + x.narrow(dim, 2, count)


def _of(values: Tensor, index: Tensor) -> Tensor:
    """Each patch's neighbours' values: (batch, patches), (batch, patches, k) -> like ``index``."""
    return values.unsqueeze(1).expand(-1, index.shape[1], -1).gather(2, index)
