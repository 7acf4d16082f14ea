"""Which positions of a sequence a layer still holds, and what it is given cut down to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vlmscope.attention.rows import allowed_keys, is_causal
from vlmscope.errors import UnsupportedError

__all__ = ["Held", "narrowed"]

# what decoders hand their layers, by where its positions lie
_ROWS_LAST = ("position_ids", "cache_position")

# positions of the whole sequence, for the output layer and not for these
_OF_THE_HEAD = ("logits_to_keep",)


@dataclass(frozen=True, eq=False)
class Held:
    """The positions of one pass that layers behind the drop hold.

    Attributes:
        rows: int64 (n,), ascending: rows of the pass that are computed, counted from its first.
        keys: int64 (m,), ascending: positions whose keys are in the cache, these rows included.
        queries: rows of the pass before any left.
        total: positions of the sequence before any left.
    """

    rows: Tensor
    keys: Tensor
    queries: int
    total: int

    @classmethod
    def of(cls, stays: Tensor, past: int, queries: int) -> Held:
        """From bool (prompt,) True where a position stays; what follows the prompt always does."""
        total = past + queries
        every = torch.ones(total, dtype=torch.bool)
        every[: len(stays)] = stays[:total]
        return cls(every[past:].nonzero()[:, 0], every.nonzero()[:, 0], queries, total)

    @property
    def dropped(self) -> bool:
        """Whether rows of this very pass leave."""
        return len(self.rows) < self.queries

    def wide_rows(self, query: Tensor) -> Tensor:
        """Queries (batch, heads, n, dim) at their rows of the whole pass; zeros elsewhere."""
        return _placed(query, self.rows, self.queries)

    def wide_keys(self, key: Tensor) -> Tensor:
        """Keys (batch, heads, m, dim) at their positions in the whole sequence; zeros elsewhere."""
        return _placed(key, self.keys, self.total)

    def wide_mask(
        self, mask: Tensor | None, module: nn.Module, options: dict[str, Any], device: torch.device
    ) -> Tensor:
        """Bool (batch or 1, heads or 1, queries, total) of a layer's mask; nothing reads what left."""
        rows, keys = self.rows.to(device), self.keys.to(device)
        allowed = allowed_keys(mask, len(rows), len(keys), is_causal(module, options), device)
        wide = allowed.new_zeros(*allowed.shape[:2], self.queries, self.total)
        wide[:, :, rows[:, None], keys] = allowed
        return wide

    def narrow_mask(self, wide: Tensor, mask: Tensor | None) -> Tensor:
        """An edited wide mask as the layer's kernel takes it: of the kind of its ``mask``."""
        rows, keys = self.rows.to(wide.device), self.keys.to(wide.device)
        allowed = wide[:, :, rows[:, None], keys]
        if allowed.dtype != torch.bool:  # logits are shifted: it is additive already
            return allowed
        if mask is None or mask.dtype == torch.bool:
            return allowed
        return mask[..., : len(keys)].masked_fill(~allowed, torch.finfo(mask.dtype).min)

    def left(self, device: torch.device) -> Tensor:
        """Bool (1, 1, queries): rows of the pass that left."""
        gone = torch.ones(1, 1, self.queries, dtype=torch.bool, device=device)
        gone[:, :, self.rows.to(device)] = False
        return gone


def _placed(part: Tensor, places: Tensor, length: int) -> Tensor:
    wide = part.new_zeros(*part.shape[:2], length, part.shape[3])
    return wide.index_copy(2, places.to(part.device), part)


def narrowed(kwargs: Mapping[str, Any], held: Held, model: str) -> dict[str, Any]:
    """A layer's keyword arguments, made for the whole sequence, cut down to what it holds.

    Positions stay those at which tokens stood: nothing is counted anew.

    Args:
        kwargs: what the decoder hands the layer beside the hidden states.
        held: what it holds.
        model: id of the model, for the message.

    Raises:
        UnsupportedError: a tensor along the sequence that is not known, or a mask of other keys.
    """
    cut: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name == "attention_mask":
            cut[name] = _mask(value, held, model)
        elif name == "position_embeddings":
            cut[name] = _embeddings(value, held)
        elif name in _ROWS_LAST:
            cut[name] = value if value is None else _taken(value, -1, held)
        elif held.dropped and name not in _OF_THE_HEAD and _along(value, held.queries):
            raise UnsupportedError(
                f"{model} hands its layers {name!r} along the sequence, which vs.lighten does not "
                "know how to shorten, so its image tokens cannot leave."
            )
        else:
            cut[name] = value
    return cut


def _along(value: Any, queries: int) -> bool:
    return isinstance(value, Tensor) and queries in value.shape


def _taken(value: Tensor, axis: int, held: Held) -> Tensor:
    """Rows of a tensor along the pass; one row that holds for all stays."""
    if value.shape[axis] != held.queries or not held.dropped:
        return value
    return value.index_select(axis, held.rows.to(value.device))


def _embeddings(value: Any, held: Held) -> Any:
    """(cos, sin), each (..., positions, dim), or both as one complex tensor."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        return _taken(value, -2, held)
    return tuple(_taken(part, -2, held) for part in value)


def _mask(mask: Any, held: Held, model: str) -> Any:
    if mask is None:
        return None
    if not isinstance(mask, Tensor) or mask.ndim != 4 or mask.shape[-1] < held.total:
        raise UnsupportedError(
            f"{model} hands its layers a mask of another kind than rows by all keys, so vs.lighten "
            "cannot shorten it."
        )
    rows = held.rows.to(mask.device)
    by_row = mask.index_select(-2, rows) if mask.shape[-2] == held.queries else mask
    return by_row.index_select(-1, held.keys.to(mask.device))
