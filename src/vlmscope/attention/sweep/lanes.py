"""The lanes of a batch: knock-outs side by side, each blocking its own edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vlmscope.attention.instrument import Forward
from vlmscope.attention.knockout import Knockout

__all__ = ["Lane", "LaneBlocker", "waves"]

# rows of one pass: enough to fill the matrix units, few enough that what they hold stays small
_WAVE_ROWS = 2048


@dataclass(frozen=True, eq=False)
class Lane:
    """One knock-out of a batch.

    Attributes:
        knockout: its edges and heads.
        layers: where it acts.
        fork: the first of them in which it changes something.
        first: the first position whose row it changes in any layer.
    """

    knockout: Knockout
    layers: frozenset[int]
    fork: int
    first: int


def waves(lanes: Sequence[Lane], length: int) -> Iterator[list[int]]:
    """Group lanes that start at the same row; of a large group those of late layers go together.

    Args:
        lanes: all of them.
        length: positions of the sequence.

    Yields:
        Indices of the lanes of one batch, ascending in their first layer.
    """
    order = sorted(range(len(lanes)), key=lambda index: (lanes[index].first, lanes[index].fork))
    chosen: list[int] = []
    for index in order:
        first = lanes[index].first
        room = max(1, _WAVE_ROWS // (length - first))
        if chosen and (lanes[chosen[0]].first != first or len(chosen) >= room):
            yield chosen
            chosen = []
        chosen.append(index)
    if chosen:
        yield chosen


class LaneBlocker:
    """Blocks for each lane what its own knock-out blocks, in a pass of known shape.

    Args:
        lanes: of the batch.
        forward: the pass.
        alive: how many of the lanes are in the batch yet, the first ones.
    """

    def __init__(self, lanes: Sequence[Lane], forward: Forward, alive: int) -> None:
        self._lanes = list(lanes)
        self.forward = forward
        self.alive = alive
        self._layer = 0
        keys = forward.past + forward.queries
        distinct = list(dict.fromkeys(lane.knockout for lane in self._lanes))
        masks = [each.blocked(forward, 1, keys, torch.device("cpu"))[0] for each in distinct]
        heads = max(len(mask) for mask in masks)
        # (knock-outs, heads or 1, rows, keys)
        self._masks = torch.stack([mask.expand(heads, -1, -1) for mask in masks])
        self._which = torch.tensor([distinct.index(lane.knockout) for lane in self._lanes])

    def blocks(self, layer: int) -> bool:
        """Whether any lane of the batch is blocked in a layer."""
        self._layer = layer
        return any(layer in lane.layers for lane in self._lanes[: self.alive])

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (lanes, heads or 1, rows, keys)."""
        if self._masks.device != device:
            self._masks, self._which = self._masks.to(device), self._which.to(device)
        acting = [self._layer in lane.layers for lane in self._lanes[: self.alive]]
        on = torch.tensor(acting, device=device)[:, None, None, None]
        return self._masks[self._which[: self.alive]] & on

    def describe(self) -> str:
        """For error messages."""
        return "; ".join(dict.fromkeys(lane.knockout.describe() for lane in self._lanes))
