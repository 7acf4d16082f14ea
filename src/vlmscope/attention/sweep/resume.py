"""Resuming a decoder in the middle: on keys that are cached already, at a layer that is not the first.

A batch of passes that share their first positions stores the keys of these once. What a layer is given
can be replaced, or the layer left out; layers keep their places in the decoder, which looks up masks and
the like by number.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from vlmscope.models import LoadedModel

__all__ = ["EditInput", "KeysValues", "editing_inputs", "resumable", "shared_start_cache"]

KeysValues = tuple[Tensor, Tensor]
"""Keys and values, (batch, key heads, positions, dim) each."""

EditInput = Callable[[int, Tensor], Tensor | None]
"""Takes a layer's number and its input (batch, rows, hidden); returns the input it is to have, perhaps
of another batch size, or None to skip the layer: its input is then handed on as it is."""


def resumable(model: LoadedModel) -> bool:
    """Whether what stands before a position can be taken from a cache, whichever row is run again.

    Not where the image sees the text or lies outside of the sequence, and not in a hybrid, whose layers
    without rows carry a state: that of an earlier position is not kept. Nor where a layer takes more than
    the hidden states of the one below.
    """
    family = model.family
    causal = family.causal_image and not family.crossed and not family.recurrent
    return causal and family.layers_stand_alone(model.hf)


@contextlib.contextmanager
def editing_inputs(model: LoadedModel, edit: EditInput) -> Iterator[None]:
    """Passes that this thread makes inside the block ask ``edit`` before each decoder layer.

    The layers' own ``forward`` is put back at the end, also one that another library had set.
    """
    layers = list(model.layers)
    before = [layer.__dict__.get("forward") for layer in layers]
    try:
        for number, layer in enumerate(layers):
            layer.__dict__["forward"] = _edited(layer.forward, number, edit)
        yield
    finally:
        for layer, forward in zip(layers, before, strict=True):
            if forward is None:
                layer.__dict__.pop("forward", None)
            else:
                layer.__dict__["forward"] = forward


def _edited(forward: Callable[..., Any], number: int, edit: EditInput) -> Callable[..., Any]:
    thread = threading.get_ident()

    def edited(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return forward(*args, **kwargs)
        hidden = args[0] if args else kwargs["hidden_states"]
        replacement = edit(number, hidden)
        if replacement is None:
            return hidden
        if args:
            return forward(replacement, *args[1:], **kwargs)
        return forward(**{**kwargs, "hidden_states": replacement})

    return edited


def shared_start_cache(
    start: Sequence[KeysValues],
    rest: Sequence[KeysValues | None] | None = None,
    keep: bool = False,
) -> Any:
    """A cache for a decoder, one pair of shared keys and values per layer.

    Args:
        start, rest, keep: see :class:`SharedStartLayer`.
    """
    behind = [None] * len(start) if rest is None else rest
    room = _Room()
    layers = [SharedStartLayer(*pair, keep, room) for pair in zip(start, behind, strict=True)]
    return Cache(layers=layers)


class _Room:
    """Memory that the layers of a cache lay out their keys and values in, one layer after the other.

    A layer is done with them when the next one asks; fresh memory for each would take longer to get
    than to fill.
    """

    def __init__(self) -> None:
        self._taken: dict[int, Tensor] = {}

    def joined(self, which: int, start: Tensor, rest: Tensor) -> Tensor:
        """A start (1, heads, positions, dim), for every item alike, and behind it the rest of each."""
        parts = [start.expand(rest.shape[0], -1, -1, -1), rest]
        shape = (*rest.shape[:2], start.shape[2] + rest.shape[2], rest.shape[3])
        held = self._taken.get(which)
        if held is None or (held.shape, held.dtype, held.device) != (
            shape,
            rest.dtype,
            rest.device,
        ):
            held = self._taken[which] = torch.cat(parts, dim=-2)
        else:
            torch.cat(parts, dim=-2, out=held)
        return held


class SharedStartLayer(DynamicLayer):
    """Keys of one layer: those of the first positions, shared by the batch, and behind them the rest.

    Args:
        start: of a batch of one, for all.
        rest: of each item of the batch, or None.
        keep: whether what passes add is kept for the next pass.
        room: where keys and values of a pass are laid out; the next layer of the cache overwrites them.
    """

    def __init__(self, start: KeysValues, rest: KeysValues | None, keep: bool, room: _Room) -> None:
        super().__init__()
        self.lazy_initialization(*start)
        self.start = start
        self.rest = rest
        self.keep = keep
        self.room = room

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> KeysValues:
        new = (key_states, value_states)
        if self.rest is not None:
            keys, values = self.rest
            new = torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)
        if self.keep:
            self.rest = new
        keys, values = (
            self.room.joined(which, start, each)
            for which, (start, each) in enumerate(zip(self.start, new, strict=True))
        )
        return keys, values

    def get_seq_length(self) -> int:
        rest = 0 if self.rest is None else self.rest[0].shape[-2]
        return int(self.start[0].shape[-2]) + rest

    def select(self, items: list[int]) -> None:
        """Keep some items of the batch."""
        if self.rest is not None:
            self.rest = (self.rest[0][items], self.rest[1][items])
