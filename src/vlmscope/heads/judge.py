"""What verification measures on one sample: the set, each of its heads, all heads, random sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps
from vlmscope.data.samples import Sample
from vlmscope.data.targets import Target, target_of
from vlmscope.metrics import contains, enrichment, mask_iou
from vlmscope.post import PostOptions, locate, pointing_hits, smooth, visible_areas
from vlmscope.types import Head, HeadSet, TokenMap
from vlmscope.types.boxes import box_iou

__all__ = ["RANDOM_SETS", "Judge"]

RANDOM_SETS = 20
"""How many random sets of heads serve as a yardstick."""


@dataclass(frozen=True)
class Judge:
    """Judges the maps of a sample.

    Attributes:
        heads: every head of the decoder, layer after layer, the order of the maps.
        members: indices of the set's heads.
        rivals: indices of the heads of each random set.
        pool: indices of all heads of the layers that discovery reads.
        options: post-processing.
    """

    heads: tuple[Head, ...]
    members: tuple[int, ...]
    rivals: tuple[tuple[int, ...], ...]
    pool: tuple[int, ...]
    options: PostOptions

    @classmethod
    def of(
        cls,
        layers: Sequence[int],
        width: int,
        chosen: HeadSet,
        options: PostOptions,
        seed: int,
    ) -> Judge:
        """Draw the random sets from the layers that discovery reads.

        Args:
            layers: of the decoder, those that have attention rows, ascending.
            width: heads of a layer.
            chosen: the set that is verified.
            options: post-processing.
            seed: of the draws.
        """
        heads = tuple(Head(layer, head) for layer in layers for head in range(width))
        skipped = min(int(chosen.options.get("skip_layers", 2)), layers[-1])
        pool = np.array([at for at, head in enumerate(heads) if head.layer >= skipped])
        rng = np.random.default_rng(seed)
        size = min(len(chosen.heads), len(pool))
        rivals = [rng.choice(pool, size, replace=False).tolist() for _ in range(RANDOM_SETS)]
        members = tuple(heads.index(head) for head in chosen.heads)
        return cls(heads, members, tuple(map(tuple, rivals)), tuple(pool.tolist()), options)

    def record(self, sample: Sample, maps: HeadMaps) -> dict[str, Any]:
        """Everything that is kept of a sample, as JSON values."""
        token_map, raw = maps.token_map, maps.one_row()
        target = target_of(sample, token_map.image_size)
        smoothed = smooth(token_map, raw, self.options)
        hits, areas = target.hits(token_map), visible_areas(token_map)
        members, visible = list(self.members), areas > 0
        groups = (*self.rivals, self.pool)
        yardsticks = np.stack([smoothed[list(group)].mean(axis=0) for group in groups])
        *rivals, average = pointing_hits(yardsticks, hits, visible)
        attention = np.concatenate([raw, raw[members].mean(axis=0, keepdims=True)])
        enriched = enrichment(attention, target.coverage(token_map), areas).round(6).tolist()
        return {
            "chance": float(hits.sum() / max(1, visible.sum())),
            "pointing": pointing_hits(smoothed, hits, visible),
            "enrichment": enriched[:-1],
            "rivals": rivals,
            "average": average,
            "own": [self.placed(token_map, raw[index], target) for index in members],
            "set": {
                **self.placed(token_map, raw[members], target),
                "enrichment": enriched[-1],
            },
        }

    def placed(
        self, token_map: TokenMap, maps: NDArray[np.float64], target: Target
    ) -> dict[str, Any]:
        """Scores of the region that maps make together: ``pointing``, ``iou``, ``mask_iou``.

        Args:
            token_map: geometry of the image tokens.
            maps: float (tokens,), or (maps, tokens) that are averaged.
            target: the object.
        """
        located = locate(token_map, maps, self.options)
        scores: dict[str, Any] = {
            "pointing": int(contains(target.shape, located.point)),
            "iou": box_iou(located.box, target.box),
        }
        if target.mask is not None:
            scores["mask_iou"] = mask_iou(located.mask, target.mask)
        return scores
