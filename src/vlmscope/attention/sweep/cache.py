"""A key-value cache whose beginning is shared by all lanes of a batch and never stored twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

__all__ = ["KeysValues", "lane_cache"]

KeysValues = tuple[Tensor, Tensor]
"""Keys and values, (batch, key heads, positions, dim) each."""


class LaneLayer(DynamicLayer):
    """One layer: shared keys of a batch of one, and behind them each lane's own.

    Args:
        shared: of a batch of one.
        own: of the lanes, or None.
        keep: whether what passes add is kept for the next pass.
    """

    def __init__(self, shared: KeysValues, own: KeysValues | None, keep: bool) -> None:
        super().__init__()
        self.lazy_initialization(*shared)
        self.shared = shared
        self.own = own
        self.keep = keep

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> KeysValues:
        new = (key_states, value_states)
        if self.own is not None:
            keys, values = self.own
            new = torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)
        if self.keep:
            self.own = new
        lanes = key_states.shape[0]
        keys, values = (
            torch.cat([shared.expand(lanes, -1, -1, -1), each], dim=-2)
            for shared, each in zip(self.shared, new, strict=True)
        )
        return keys, values

    def get_seq_length(self) -> int:
        own = 0 if self.own is None else self.own[0].shape[-2]
        return int(self.shared[0].shape[-2]) + own

    def select(self, lanes: list[int]) -> None:
        """Keep some of the lanes."""
        if self.own is not None:
            self.own = (self.own[0][lanes], self.own[1][lanes])


def lane_cache(
    shared: Sequence[KeysValues],
    own: Sequence[KeysValues | None] | None = None,
    keep: bool = False,
) -> Any:
    """A cache for a decoder, one pair of shared keys and values per layer.

    Args:
        shared, own, keep: see :class:`LaneLayer`.
    """
    behind = [None] * len(shared) if own is None else own
    layers = [LaneLayer(*pair, keep) for pair in zip(shared, behind, strict=True)]
    return Cache(layers=layers)
