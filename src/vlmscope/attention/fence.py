"""Keeps phrases apart that are packed behind one another, and hides image tokens from their answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmscope.attention.instrument import Forward

__all__ = ["Fence", "Veil"]


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


class Veil:
    """Hides image tokens from answers in a pack, from each other ones; no row of the image is touched.

    Args:
        hidden: (first row, past the last row, int (n,) keys) each, absolute positions: these rows may not
            read these keys.
    """

    def __init__(self, hidden: Sequence[tuple[int, int, Tensor]]) -> None:
        self._hidden = list(hidden)

    def blocks(self, layer: int) -> bool:
        """In every layer."""
        return bool(self._hidden)

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (1, 1, queries, keys): image tokens that are hidden from a row."""
        start = forward.key_start(keys)
        mask = torch.zeros(forward.queries, keys, dtype=torch.bool)
        for first, end, places in self._hidden:
            mask[first - forward.past : end - forward.past, places[places >= start] - start] = True
        return mask[None, None].to(device)

    def describe(self) -> str:
        """What is blocked, for messages."""
        return "image tokens hidden from answers"
