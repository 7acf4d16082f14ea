"""Sliding windows over a cache that has forgotten tokens.

A layer with a window of w lets a row read the w positions that end with its own. The model counts them
in the cache; where tokens were forgotten, that reaches further back than it may. What it may not is
blocked here, by the positions that the keys had in the whole context.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Forward
from vlmscope.models import LoadedModel

__all__ = ["sliding_windows", "window_of"]


def window_of(model: LoadedModel) -> tuple[int, frozenset[int]]:
    """(positions, layers) of a decoder's sliding window; (0, no layers) where it has none."""
    config = model.decoder.config
    size = getattr(config, "sliding_window", None)
    if size is None or not getattr(config, "use_sliding_window", True):
        return 0, frozenset()
    kinds: Any = getattr(config, "layer_types", None)
    layers = range(len(model.layers))
    sliding = [n for n in layers if kinds is None or kinds[n] == "sliding_attention"]
    return int(size), frozenset(sliding)


@contextlib.contextmanager
def sliding_windows(
    model: LoadedModel, held: dict[int, Tensor], full_length: int, size: int
) -> Iterator[None]:
    """Passes inside the block keep to the windows of the whole context.

    Args:
        model: the model.
        held: layer with a window -> int (kept,): position in the whole context of each cached key.
        full_length: of that context; what is fed in stands behind it.
        size: of the window, in positions, the row's own included.
    """
    parts = [_Window(layer, held[layer], full_length, size) for layer in sorted(held)]
    with instrument(model) as active:
        active.blockers.extend(parts)
        try:
            yield
        finally:
            for part in parts:
                active.blockers.remove(part)


class _Window:
    """Blocks what lies before the window of a row, in one layer."""

    def __init__(self, layer: int, held: Tensor, full_length: int, size: int) -> None:
        self._layer, self._held = layer, held
        self._full_length, self._size = full_length, size

    def blocks(self, layer: int) -> bool:
        """In its own layer."""
        return layer == self._layer

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (1, 1, queries, keys)."""
        later = torch.arange(keys - len(self._held)) + self._full_length
        places = torch.cat([self._held, later])
        rows = places[forward.past : forward.past + forward.queries, None]
        return (rows - places[None, :] >= self._size)[None, None].to(device)

    def describe(self) -> str:
        """For messages."""
        return f"the sliding window of layer {self._layer}"
