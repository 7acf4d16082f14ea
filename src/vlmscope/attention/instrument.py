"""What watches and blocks in a model while at least one context is active.

One instrument per model and thread; contexts add parts to it (captures, knock-outs, a stop) and remove
them. Nested contexts therefore compose: every capture sees the rows as every knock-out leaves them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from vlmscope.attention.lightening.thinned import Held
from vlmscope.attention.lightening.thinner import Thinner
from vlmscope.attention.rows import allowed_keys, biased_mask, is_causal
from vlmscope.errors import AttentionError, KnockoutError
from vlmscope.types import TokenMap

__all__ = [
    "Biaser",
    "Binding",
    "Blocker",
    "Forward",
    "Instrument",
    "Reader",
    "StopForwardError",
]


class StopForwardError(Exception):
    """Raised inside a forward pass when everything that was asked for has been read."""


@dataclass(frozen=True)
class Binding:
    """What the next forward passes are about.

    Attributes:
        token_maps: one per batch item, positions of the padded sequence.
        generating: positions past the end of the token maps are generated tokens.
        segments: (start, end) of each phrase packed behind a shared prefix; None: not packed.
    """

    token_maps: Sequence[TokenMap]
    generating: bool = False
    segments: tuple[tuple[int, int], ...] | None = None

    def prompts(self, token_map: TokenMap) -> tuple[tuple[int, int], ...]:
        """(start, end) positions of each prompt in the sequence: one, unless phrases are packed."""
        return ((0, len(token_map)),) if self.segments is None else self.segments

    def of_item(self, item: int) -> TokenMap:
        """The token map of one batch item; beams of one prompt are a batch with one token map."""
        return self.token_maps[0 if len(self.token_maps) == 1 else item]


@dataclass(frozen=True, eq=False)
class Forward:
    """One pass through the decoder.

    Attributes:
        past: positions that were computed before and lie in the cache.
        queries: positions computed now; their absolute positions are past ... past + queries - 1.
        padding: bool (batch, positions) True for real tokens, or None when nothing is padded.
        binding: what the pass is about, or None when the model is run by hand.
        crossed: seen from a cross-attention layer, whose keys are the image's.
    """

    past: int
    queries: int
    padding: Tensor | None
    binding: Binding | None
    crossed: bool = False

    def key_start(self, keys: int) -> int:
        """Absolute position of the first key: a sliding-window cache drops the oldest."""
        return 0 if self.crossed else max(0, self.past + self.queries - keys)


class Reader(Protocol):
    """A part that reads rows."""

    def begin(self, forward: Forward) -> None: ...

    def read(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> None: ...


class Blocker(Protocol):
    """A part that blocks edges."""

    def blocks(self, layer: int) -> bool: ...

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (batch or 1, heads or 1, queries, keys), True = blocked."""
        ...

    def describe(self) -> str: ...


@runtime_checkable
class Biaser(Blocker, Protocol):
    """A part that blocks nothing and shifts logits instead."""

    def bias(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Finite float32 (batch or 1, heads, queries, keys), added to the logits."""
        ...


class Instrument:
    """The parts active in one model."""

    def __init__(self, cross_layers: frozenset[int] = frozenset()) -> None:
        self.cross_layers = cross_layers
        self.readers: list[Reader] = []
        self.blockers: list[Blocker] = []
        self.thinner: Thinner | None = None
        self.stop_after: int | None = None
        self.binding: Binding | None = None
        self._forward: Forward | None = None
        self._masks: dict[tuple[Any, ...], tuple[Tensor | None, Tensor, Tensor | None]] = {}

    @contextlib.contextmanager
    def bound(self, binding: Binding | None) -> Iterator[None]:
        """Passes inside the block are about ``binding``; None: about nothing that is known."""
        outer, self.binding = self.binding, binding
        try:
            yield
        finally:
            self.binding = outer

    @contextlib.contextmanager
    def unread(self) -> Iterator[None]:
        """Passes inside the block are shown to no reader."""
        readers, self.readers = self.readers, []
        try:
            yield
        finally:
            self.readers = readers

    @contextlib.contextmanager
    def stopping_after(self, layer: int | None) -> Iterator[None]:
        """Passes inside the block end once this layer's rows are read; None: they run whole."""
        outer, self.stop_after = self.stop_after, layer
        try:
            yield
        finally:
            self.stop_after = outer

    @property
    def forward(self) -> Forward:
        """The pass that is being made.

        Raises:
            AttentionError: a layer ran outside of one.
        """
        if self._forward is None:
            raise _outside()
        return self._forward

    def begin(self, past: int, queries: int, padding: Tensor | None) -> None:
        """A pass through the decoder starts."""
        self._forward = Forward(past, queries, padding, self.binding)
        self._masks.clear()
        if self.thinner is not None:
            self.thinner.begin()
        for reader in self.readers:
            reader.begin(self._forward)

    def passed(self, layer: int) -> None:
        """A layer without attention rows has run: perhaps stop."""
        if self.stop_after is not None and layer >= self.stop_after:
            raise StopForwardError

    def edges_changed(self) -> None:
        """What the blockers block differs from here on: masks of this pass are made afresh."""
        self._masks.clear()

    def visit(
        self,
        layer: int,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
    ) -> tuple[Tensor | None, Tensor | None]:
        """One layer's attention: block, read, perhaps stop.

        Returns:
            The mask for the kernel, and bool (batch or 1, heads or 1, queries): rows whose output
            must be zero because nothing is left for them to read, or None.
        """
        forward, held = self.forward, None if self.thinner is None else self.thinner.held(layer)
        if query.shape[2] != (forward.queries if held is None else len(held.rows)):
            raise _outside()
        if layer in self.cross_layers:
            forward = replace(forward, crossed=True)
        watched = self._watch if held is None else partial(self._watch_held, held)
        mask, empty = watched(layer, module, query, key, mask, options, forward)
        if self.thinner is not None and layer == self.thinner.layer:
            self.thinner.choose(query, key, mask, _for_readers(module, options, empty), forward)
        if self.stop_after is not None and layer >= self.stop_after:
            raise StopForwardError
        return mask, empty

    def _watch(
        self,
        layer: int,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Block and read in a layer that holds every position."""
        mask, empty = self._edit(layer, module, query, key, mask, options, forward)
        for reader in self.readers:
            reader.read(layer, query, key, mask, _for_readers(module, options, empty), forward)
        return mask, empty

    def _watch_held(
        self,
        held: Held,
        layer: int,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> tuple[Tensor | None, Tensor | None]:
        """The same where some have left: shown at their places in the whole sequence."""
        blocks = any(part.blocks(layer) for part in self.blockers)
        if not blocks and not self.readers:
            return mask, None
        wide = held.wide_mask(mask, module, options, query.device)
        edited, _ = self._edit(
            layer, module, held.wide_rows(query), held.wide_keys(key), wide, options, forward
        )
        assert edited is not None
        if self.readers:
            shown = _for_readers(module, options, held.left(query.device))
            for reader in self.readers:
                reader.read(
                    layer, held.wide_rows(query), held.wide_keys(key), edited, shown, forward
                )
        return (held.narrow_mask(edited, mask) if blocks else mask), None

    def _edit(
        self,
        layer: int,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> tuple[Tensor | None, Tensor | None]:
        active = tuple(index for index, part in enumerate(self.blockers) if part.blocks(layer))
        if not active:
            return mask, None
        # a family hands the same mask to many layers: edit it once per pass, and keep it alive
        # beside the result so that its id cannot be taken by another tensor meanwhile
        cache_key = (id(mask), key.shape[2], active, forward.crossed, query.device)
        if cache_key not in self._masks:
            edited = self._blocked_mask(active, module, query, key, mask, options, forward)
            self._masks[cache_key] = (mask, *edited)
        return self._masks[cache_key][1:]

    def _blocked_mask(
        self,
        active: tuple[int, ...],
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> tuple[Tensor, Tensor | None]:
        batch, keys = query.shape[0], key.shape[2]
        before = allowed_keys(mask, query.shape[2], keys, is_causal(module, options), query.device)
        blocked = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=query.device)
        for index in active:
            blocked = blocked | self.blockers[index].blocked(forward, batch, keys, query.device)
        after = before & ~blocked
        empty = self._empty_rows(before, after, active, forward)
        edited = after
        if mask is not None and mask.dtype != torch.bool:
            edited = mask[..., :keys].masked_fill(~after, torch.finfo(mask.dtype).min)
        for part in (self.blockers[index] for index in active):
            if isinstance(part, Biaser):
                shift = part.bias(forward, batch, keys, query.device)
                edited = biased_mask(edited, shift, query.dtype)
        return edited, empty

    def _empty_rows(
        self, before: Tensor, after: Tensor, active: tuple[int, ...], forward: Forward
    ) -> Tensor | None:
        """Rows that lost every key; among the sequence's own positions that is refused.

        A row without keys comes out as zeros of one kernel and uniform of another. Where the image
        is read by cross-attention the meaning is plain: such a row gets nothing from the image, so
        its output is made zero. A row of the sequence that may not even read itself has none.
        """
        lost = before.any(-1) & ~after.any(-1)  # rows that were empty before are padding
        if not lost.any():
            return None
        if forward.crossed:
            return lost
        batch, _, row = (int(value) for value in lost.nonzero()[0])
        what = "; ".join(self.blockers[index].describe() for index in active)
        raise KnockoutError(
            f"The knock-out ({what}) would leave position {forward.past + row} of batch item {batch} "
            "without any key. Leave it at least one, for example its own position."
        )


def _for_readers(
    module: nn.Module, options: dict[str, Any], empty: Tensor | None
) -> dict[str, Any]:
    """What a reader is told beside query, key and mask."""
    return {**options, "module": module, "empty": empty}


def _outside() -> AttentionError:
    return AttentionError(
        "An instrumented attention layer ran outside its decoder's forward pass. Call the "
        "whole model, not a single layer, inside a capture or knockout."
    )
