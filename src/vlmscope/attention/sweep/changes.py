"""Which layers and rows a knock-out can change, found from the attention masks alone.

A blocked edge changes something only where the model may read it at all, and only for a row that the
rows which are scored look at further up. All other edges change nothing, bit for bit, and are not run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.instrument import Forward
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.rows import allowed_keys, is_causal

__all__ = ["ChangeFinder", "Changes", "MaskReader", "ReadableKeys"]

_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Changes:
    """What a knock-out can change of the rows that are scored.

    Attributes:
        first_rows: layer -> the first position whose row it changes there; layers where it changes
            none are left out.
        signature: equal for two knock-outs that block the same edges as far as anything is read.
    """

    first_rows: dict[int, int]
    signature: bytes


class ChangeFinder:
    """Knows which rows matter in each layer.

    Args:
        layers: what each layer may read, first to last; None for one without attention rows, which
            carries what it reads from left to right.
        rows: int (n,): positions whose last hidden states are scored.
    """

    def __init__(self, layers: Sequence[ReadableKeys | None], rows: Tensor) -> None:
        self._layers = list(layers)
        self._forward = next(each.forward for each in self._layers if each is not None)
        self._needed = _needed_rows(self._layers, rows, self._forward)

    def of(self, knockout: Knockout) -> Changes:
        """What a knock-out, taken to act in all layers, can change."""
        changed_rows: dict[int, Tensor] = {}
        digest = hashlib.sha256()
        first_rows = {}
        for number, readable in enumerate(self._layers):
            if readable is None:
                continue  # there is no edge to block
            if id(readable) not in changed_rows:
                blocked = knockout.blocked(readable.forward, 1, readable.keys.shape[1], _CPU)[0]
                blocked = blocked & readable.keys
                digest.update(np.packbits(blocked.numpy()).tobytes())
                changed_rows[id(readable)] = blocked.any(0).any(-1)
            changed = (changed_rows[id(readable)] & self._needed[number]).nonzero()
            if len(changed):
                first_rows[number] = int(changed[0]) + readable.forward.past
        digest.update(self._next_row(knockout))
        return Changes(first_rows, digest.digest())

    def _next_row(self, knockout: Knockout) -> bytes:
        """What is blocked for a row behind the last one: two knock-outs may differ only there."""
        forward = self._forward
        end = forward.past + forward.queries
        after = Forward(end, 1, None, forward.binding)
        return np.packbits(knockout.blocked(after, 1, end + 1, _CPU).numpy()).tobytes()


def _needed_rows(
    layers: Sequence[ReadableKeys | None], rows: Tensor, forward: Forward
) -> list[Tensor]:
    """Per layer bool (rows,): whether what the layer gives for a row is used by a scored row."""
    needed = torch.zeros(forward.queries, dtype=torch.bool)
    needed[rows - forward.past] = True
    by_layer = []
    for readable in reversed(layers):
        by_layer.append(needed)
        if readable is None:  # a state comes by every row before
            needed = needed.flip(0).cummax(0).values.flip(0)
        elif not readable.forward.crossed:  # those read the image's keys, no row of the sequence
            start = readable.forward.key_start(readable.keys.shape[1])
            read = readable.keys[needed].any(0)
            needed = needed | read[forward.past - start :]
    return by_layer[::-1]


@dataclass(frozen=True, eq=False)
class ReadableKeys:
    """What one kind of layer may read in one pass.

    Attributes:
        forward: the pass.
        keys: bool (rows, keys), True = may be read.
    """

    forward: Forward
    keys: Tensor


@dataclass
class MaskReader:
    """Keeps what each layer may read; one object for layers that share a mask.

    Attributes:
        depth: how many layers the decoder has.
        layers: by their numbers; None: it has no attention rows.
    """

    depth: int
    layers: list[ReadableKeys | None] = field(init=False)
    _kinds: dict[object, tuple[Tensor | None, ReadableKeys]] = field(default_factory=dict)

    def begin(self, forward: Forward) -> None:
        """A pass starts: forget the one before."""
        self.layers = [None] * self.depth
        self._kinds.clear()

    def read(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> None:
        """Called by the instrument in every layer."""
        kind = id(mask), key.shape[2], forward.crossed
        if kind not in self._kinds:
            causal = is_causal(options["module"], options)
            allowed = allowed_keys(mask, query.shape[2], key.shape[2], causal, query.device)
            # the mask is kept beside it, so that its id cannot be taken by another meanwhile
            self._kinds[kind] = mask, ReadableKeys(forward, allowed[0].any(0).cpu())
        self.layers[layer] = self._kinds[kind][1]
