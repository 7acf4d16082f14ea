"""Keeps phrases apart that are packed behind one another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmscope.attention.instrument import Forward

__all__ = ["Fence"]


class Fence:
    """Blocks edges between the phrases of a pack.

    Args:
        starts: where each phrase begins, absolute positions.
        end: of the last.
    """

    def __init__(self, starts: Sequence[int], end: int) -> None:
        self._starts = torch.tensor(starts)
        self._end = end

    def blocks(self, layer: int) -> bool:
        """In every layer, where there are several phrases."""
        return len(self._starts) > 1

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (1, 1, queries, keys): a key of a phrase other than the row's own."""
        start = forward.key_start(keys)
        owner = torch.searchsorted(self._starts, torch.arange(self._end), right=True)  # 0: prefix
        of_row = owner[forward.past : forward.past + forward.queries, None]
        of_key = owner[None, start : start + keys]
        return ((of_key != of_row) & (of_key > 0))[None, None].to(device)

    def describe(self) -> str:
        """What is blocked, for messages."""
        return "phrases kept apart"
