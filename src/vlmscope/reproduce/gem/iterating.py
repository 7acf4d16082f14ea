"""What the iterations do to the projections: how close vectors come, and which clusters they form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from vlmscope.methods.encoder.gem import adaptive_temperature
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, merge_heads
from vlmscope.reproduce.gem.objects import within_and_across
from vlmscope.reproduce.gem.ways import ITERATIONS

__all__ = ["JOINED", "MEASURES", "Watch", "clusters", "effective_clusters", "smoothed", "spread"]

JOINED = 0.9
"""Patches of at least this cosine are in one cluster, and so are those that are joined through others."""

MEASURES = ("spread", "effective", "clusters", "largest", "within", "across")
"""What is measured at each iteration: ``spread`` and ``effective`` as means over the blocks with a GEM
path, the others in the last block; all as means over heads."""


@dataclass(eq=False)
class Watch(DenseMethod):
    """A formula that sees the projections of the original path in the blocks that have a GEM path.

    What it adds to its own path is of no use to anybody.

    Attributes:
        depth: how many last blocks it sees.
        cells: int (patches,), the class of each patch of the one image that it sees.
        temperatures: the adaptive inverse temperature of each block.
        moving: of each block float (2, projections, iterations), the first two measures.
        formed: float (4, projections, iterations), the other measures, in the last block.
    """

    id = "watch"
    summary = "looks at projections"

    depth: int
    cells: Tensor
    temperatures: list[float] = field(default_factory=list)
    moving: list[NDArray[np.float64]] = field(default_factory=list)
    formed: NDArray[np.float64] | None = None

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=self.depth, residual=False, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        temperature = adaptive_temperature(site.normed, qkv.q.shape[-1])
        self.temperatures.append(float(temperature))
        steps = [
            [unit[0, :, site.prefix :].cpu() for unit in smoothed(p, temperature)]
            for p in (qkv.q, qkv.k, qkv.v)
        ]
        self.moving.append(_measured(steps, _movement))
        if len(self.moving) == self.depth:
            self.formed = _measured(steps, self._formation)
        return merge_heads(qkv.v)

    def by_iteration(self) -> dict[str, list[list[float]]]:
        """Measure -> projection by projection, a value per iteration."""
        assert self.formed is not None  # it saw the last block
        values = [*np.mean(self.moving, axis=0), *self.formed]
        return {name: each.tolist() for name, each in zip(MEASURES, values, strict=True)}

    def _formation(self, unit: Tensor) -> list[float]:
        sizes = [clusters(head) for head in unit]
        within, across = within_and_across(unit, self.cells)
        return [
            float(np.mean([len(each) for each in sizes])),
            float(np.mean([max(each) for each in sizes])) / unit.shape[-2],
            float(within.mean()),
            float(across.mean()),
        ]


def _movement(unit: Tensor) -> list[float]:
    return [float(spread(unit).mean()), float(effective_clusters(unit).mean())]


def _measured(
    steps: Sequence[Sequence[Tensor]], measure: Callable[[Tensor], list[float]]
) -> NDArray[np.float64]:
    """Float (measures, projections, iterations), of unit vectors (heads, patches, head_dim) each."""
    values = np.array([[measure(unit) for unit in of_one] for of_one in steps])
    return np.moveaxis(values, -1, 0)


def smoothed(p: Tensor, temperature: Tensor, times: Sequence[int] = ITERATIONS) -> list[Tensor]:
    """A projection after 0, 1, 2 ... iterations: unit vectors, float32.

    Args:
        p: (batch, heads, tokens, head_dim).
        temperature: (batch,), inverse.
        times: numbers of iterations, from 0 and without a gap.
    """
    unit = F.normalize(p.float(), dim=-1)
    steps = [unit]
    for _ in times[1:]:
        logits = unit @ unit.transpose(-1, -2) * temperature[:, None, None, None]
        unit = F.normalize(logits.softmax(dim=-1) @ unit, dim=-1)
        steps.append(unit)
    return steps


def spread(unit: Tensor) -> Tensor:
    """Half the mean squared distance of two vectors, a vector with itself included: 0 when all are one.

    Args:
        unit: (..., n, dim), unit vectors.

    Returns:
        (...,), 0..1: 1 less the mean cosine.
    """
    return 1 - unit.double().mean(dim=-2).square().sum(dim=-1)


def effective_clusters(unit: Tensor) -> Tensor:
    """n^2 over the sum of all squared cosines: c where vectors form c equal clusters at right angles.

    Args:
        unit: (..., n, dim), unit vectors.

    Returns:
        (...,), 1..dim.
    """
    values = unit.double()
    moment = values.transpose(-1, -2) @ values
    return values.shape[-2] ** 2 / moment.square().sum(dim=(-2, -1))


def clusters(unit: Tensor) -> list[int]:
    """Sizes of the clusters of :data:`JOINED` vectors (n, dim), in no order."""
    cosine = (unit @ unit.T).cpu().numpy()
    _, members = connected_components(cosine >= JOINED, directed=False)
    return [int(size) for size in np.bincount(members)]
