"""Knock-outs replayed side by side, each from the layer in which it first changes something.

The pass starts with an empty batch; in the first layer that a knock-out changes it joins the batch, given
what that layer was given in the clean run. Rows before the first that any of them changes are not run:
their keys are the clean run's, shared by the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Forward, Instrument
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.sweep.clean_run import CleanRun
from vlmscope.attention.sweep.resume import editing_inputs, shared_start_cache
from vlmscope.models.cache_keyword import with_cache

__all__ = ["Replay", "ReplayBatch", "batches"]

# rows of one pass: enough to fill the matrix units, few enough that what they hold stays small
_BATCH_ROWS = 2048


@dataclass(frozen=True, eq=False)
class Replay:
    """One knock-out to be replayed.

    Attributes:
        knockout: its edges and heads.
        layers: where it acts.
        first_layer: the first of them in which it changes something.
        first_row: the first position whose row it changes in any layer.
    """

    knockout: Knockout
    layers: frozenset[int]
    first_layer: int
    first_row: int


def batches(replays: Sequence[Replay], length: int) -> Iterator[list[int]]:
    """Group replays that start at the same row; of a large group those of late layers go together.

    Args:
        replays: all of them.
        length: positions of the sequence.

    Yields:
        Indices of the replays of one batch, ascending in their first layer.
    """

    def start(index: int) -> tuple[int, int]:
        return replays[index].first_row, replays[index].first_layer

    batch: list[int] = []
    for index in sorted(range(len(replays)), key=start):
        first_row = replays[index].first_row
        room = max(1, _BATCH_ROWS // (length - first_row))
        if batch and (replays[batch[0]].first_row != first_row or len(batch) >= room):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


class ReplayBatch:
    """One batch of replays.

    Args:
        active: the model's instrument.
        clean: the run that they start from.
        replays: with the same ``first_row``, ascending in ``first_layer``.
        keep: whether keys are kept, so that answers can be generated behind.
    """

    def __init__(
        self, active: Instrument, clean: CleanRun, replays: Sequence[Replay], keep: bool
    ) -> None:
        self.active = active
        self.clean = clean
        self.replays = list(replays)
        self.first_row = replays[0].first_row
        self.cache = shared_start_cache(clean.keys_before(self.first_row), keep=keep)

    @property
    def unchanged_tokens(self) -> int:
        """How many of the answer's tokens come out of rows that no replay changes."""
        return int((self.clean.rows < self.first_row).sum())

    def run(self) -> Tensor:
        """Replay all of them.

        Returns:
            Last hidden states of the rows that predict the answer, but for those of
            ``unchanged_tokens``: (replays, answer - unchanged_tokens, hidden).
        """
        clean, first = self.clean, self.first_row
        rows = clean.length - first
        forward = Forward(first, rows, None, Binding((clean.token_map,), generating=True))
        blocker = _BatchBlocker(self.active, self.replays, forward, running=0)

        def join(layer: int, hidden: Tensor) -> Tensor | None:
            parts = [hidden] if blocker.running else []
            joining = sum(replay.first_layer == layer for replay in self.replays)
            if joining:
                clean_input = clean.inputs[layer][:, first - clean.first :]
                parts.append(clean_input.to(hidden.device).expand(joining, -1, -1))
                blocker.running += joining
            return torch.cat(parts) if parts else None

        # whatever these tokens are, every replay enters with what the clean run had
        ids = torch.zeros(1, rows, dtype=torch.long)
        positions = clean.position_ids(first, first + rows)
        with editing_inputs(clean.model, join):
            hidden = self._decode(blocker, ids, positions, self.cache)
        return hidden[:, (clean.rows[self.unchanged_tokens :] - first).to(hidden.device)]

    def next_hidden(
        self, chosen: Sequence[int], forward: Forward, ids: Tensor, cache: Any
    ) -> Tensor:
        """Run one more token of some replays: its last hidden states (chosen, hidden).

        Args:
            chosen: which replays.
            forward: the pass.
            ids: int (chosen, 1), the token of each.
            cache: keys so far; grows by one position.
        """
        replays = [self.replays[index] for index in chosen]
        blocker = _BatchBlocker(self.active, replays, forward, running=len(chosen))
        positions = self.clean.position_ids(forward.past, forward.past + 1, len(chosen))
        return self._decode(blocker, ids, positions, cache)[:, -1]

    def _decode(self, blocker: _BatchBlocker, ids: Tensor, positions: Tensor, cache: Any) -> Tensor:
        """Run the decoder under a blocker: last hidden states (replays, rows, hidden)."""
        model = self.clean.model
        self.active.blockers.append(blocker)
        try:
            with self.active.bound(blocker.forward.binding):
                out = model.decoder(
                    input_ids=ids.to(model.device),
                    position_ids=positions,
                    **with_cache(model.decoder, cache),
                    use_cache=True,
                )
        finally:
            self.active.blockers.remove(blocker)
        hidden: Tensor = out.last_hidden_state
        return hidden


class _BatchBlocker:
    """Blocks in each item of a batch the edges of its own knock-out, in a pass of known shape.

    Args:
        active: the model's instrument.
        replays: of the batch.
        forward: the pass.
        running: how many of the replays are in the batch yet, the first ones.
    """

    def __init__(
        self, active: Instrument, replays: Sequence[Replay], forward: Forward, running: int
    ) -> None:
        self._active = active
        self._replays = list(replays)
        self.forward = forward
        self.running = running
        self._acting: list[bool] | None = None
        keys = forward.past + forward.queries
        distinct = list(dict.fromkeys(replay.knockout for replay in self._replays))
        masks = [each.blocked(forward, 1, keys, torch.device("cpu"))[0] for each in distinct]
        heads = max(len(mask) for mask in masks)
        # (knock-outs, heads or 1, rows, keys)
        self._masks = torch.stack([mask.expand(heads, -1, -1) for mask in masks])
        self._mask_of = torch.tensor([distinct.index(replay.knockout) for replay in self._replays])

    def blocks(self, layer: int) -> bool:
        """Whether any item of the batch is blocked in a layer, which the next masks are then of."""
        acting = [layer in replay.layers for replay in self._replays[: self.running]]
        if acting != self._acting:  # masks of layers in which the same replays act are the same
            self._acting = acting
            self._active.edges_changed()
        return any(acting)

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (replays, heads or 1, rows, keys)."""
        if self._masks.device != device:
            self._masks, self._mask_of = self._masks.to(device), self._mask_of.to(device)
        on = torch.tensor(self._acting, device=device)[:, None, None, None]
        return self._masks[self._mask_of[: self.running]] & on

    def describe(self) -> str:
        """For error messages."""
        return "; ".join(dict.fromkeys(replay.knockout.describe() for replay in self._replays))
