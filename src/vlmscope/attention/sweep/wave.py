"""Many knock-outs side by side in one pass, each starting where it first changes something.

The pass starts empty; in the first layer that a knock-out blocks its lane joins, given what that layer
was given in the clean run. Rows before the first that any lane changes are not run: their keys are the
clean run's, shared by all lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Forward, Instrument
from vlmscope.attention.sweep.cache import lane_cache
from vlmscope.attention.sweep.lanes import Lane, LaneBlocker
from vlmscope.attention.sweep.replay import Replay
from vlmscope.attention.sweep.steps import Step, stepping

__all__ = ["Wave", "lane_pass"]


class Wave:
    """One batch of lanes.

    Args:
        active: the model's instrument.
        clean: the run they leave.
        lanes: with the same ``first``, ascending in ``fork``.
        keep: whether keys are kept, so that lanes can go on to generate.
    """

    def __init__(
        self, active: Instrument, clean: Replay, lanes: Sequence[Lane], keep: bool
    ) -> None:
        self.active = active
        self.clean = clean
        self.lanes = list(lanes)
        self.first = lanes[0].first
        self.cache = lane_cache(clean.keys_before(self.first), keep=keep)

    @property
    def offset(self) -> int:
        """How many of the answer's tokens come out of rows that no lane changes."""
        return int((self.clean.rows < self.first).sum())

    def run(self) -> Tensor:
        """Last hidden states of the rows that predict the answer, (lanes, answer - offset, hidden)."""
        clean, first = self.clean, self.first
        binding = Binding((clean.token_map,), generating=True)
        blocker = LaneBlocker(
            self.lanes, Forward(first, clean.length - first, None, binding), alive=0
        )
        # whatever these tokens are, every lane enters with what the clean run had
        ids = torch.zeros(1, clean.length - first, dtype=torch.long)
        positions = clean.position_ids(first, clean.length)
        out = lane_pass(self, blocker, self._joining(blocker), ids, positions, self.cache)
        return out[:, (clean.rows[self.offset :] - first).to(out.device)]

    def _joining(self, blocker: LaneBlocker) -> Step:
        def step(layer: int, hidden: Tensor) -> Tensor | None:
            parts = [hidden] if blocker.alive else []
            new = sum(lane.fork == layer for lane in self.lanes)
            if new:
                given = self.clean.inputs[layer][:, self.first - self.clean.first :]
                parts.append(given.to(hidden.device).expand(new, -1, -1))
                blocker.alive += new
            self.active.edges_changed()
            return torch.cat(parts) if parts else None

        return step


def lane_pass(
    wave: Wave, blocker: LaneBlocker, step: Step, ids: Tensor, positions: Tensor, cache: Any
) -> Tensor:
    """Run the decoder on lanes: last hidden states (lanes, rows, hidden).

    Args:
        wave: whose lanes.
        blocker: what they block in this pass.
        step: as for :func:`stepping`; it must say that edges change from layer to layer.
        ids: int (lanes, rows), or (1, rows) where ``step`` makes the lanes.
        positions: position ids of the same shape, perhaps with axes in front.
        cache: keys so far.
    """
    model, binding = wave.clean.model, blocker.forward.binding
    wave.active.blockers.append(blocker)
    try:
        with stepping(model, step), wave.active.bound(binding):
            out = model.decoder(
                input_ids=ids.to(model.device),
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
    finally:
        wave.active.blockers.remove(blocker)
    hidden: Tensor = out.last_hidden_state
    return hidden
