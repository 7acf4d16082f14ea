"""Softmax rows, only where they are wanted: memory is rows x keys, not keys x keys."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vlmscope.errors import AttentionError

__all__ = ["allowed_keys", "biased_mask", "is_causal", "layer_rows", "softmax_rows"]


def layer_rows(
    model: str,
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    rows: Tensor,
    heads: Tensor | None,
    options: dict[str, Any],
) -> Tensor:
    """Attention rows of one layer, from what the instrument hands its readers.

    Args:
        model: id of the model, for messages.
        query, key, mask, rows, heads: as for :func:`softmax_rows`.
        options: the kernel's arguments, with ``module``, the layer's attention, and ``empty``, the
            rows that are left without a key.

    Returns:
        float32 (batch, chosen, rows, keys); rows that read nothing are zeros.

    Raises:
        AttentionError: logits that are more than scaled products.
    """
    _refuse_biased(model, options)
    attention = softmax_rows(
        query,
        key,
        mask,
        rows,
        heads,
        _scaling(options, query),
        options.get("softcap"),
        is_causal(options["module"], options),
    )
    if options["empty"] is None:
        return attention
    return _without_rows(attention, options["empty"], rows, heads)


def _refuse_biased(name: str, options: dict[str, Any]) -> None:
    """Raise AttentionError for logits that are more than scaled products."""
    if options.get("s_aux") is not None or options.get("position_bias") is not None:
        raise AttentionError(
            f"{name} uses attention sinks or position biases, whose rows vlmscope cannot compute "
            "beside the kernel."
        )


def _scaling(options: dict[str, Any], query: Tensor) -> float:
    """The factor of the logits: the kernel's argument, or one over the root of the head's size."""
    scaling = options.get("scaling")
    return float(query.shape[-1] ** -0.5) if scaling is None else float(scaling)


def is_causal(module: nn.Module, options: dict[str, Any]) -> bool:
    """What a mask of None means to the kernel."""
    stated = options.get("is_causal")
    return bool(getattr(module, "is_causal", True) if stated is None else stated)


def _without_rows(attention: Tensor, empty: Tensor, rows: Tensor, heads: Tensor | None) -> Tensor:
    """Rows that read nothing, as zeros.

    Args:
        attention: float (batch, chosen heads, rows, keys).
        empty: bool (batch or 1, heads or 1, queries).
        rows: int (batch, rows), indices into the queries.
        heads: int (chosen heads,), or None for all.
    """
    batch, chosen, count, _ = attention.shape
    if heads is not None and empty.shape[1] > 1:
        empty = empty[:, heads]
    dead = empty.expand(batch, chosen, -1).gather(-1, rows[:, None].expand(-1, chosen, count))
    return attention.masked_fill(dead[..., None], 0.0)


def softmax_rows(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    rows: Tensor,
    heads: Tensor | None,
    scaling: float,
    softcap: float | None = None,
    causal: bool = True,
) -> Tensor:
    """Attention probabilities of chosen rows and heads, in float32.

    Args:
        query: (batch, heads, queries, dim), after rotary embedding.
        key: (batch, key_heads, keys, dim); query head h reads key head h // (heads / key_heads).
        mask: None, bool (batch or 1, heads or 1, queries, keys), or additive of the same shape.
        rows: int64 (batch, rows), indices into the queries.
        heads: int64 (chosen,), or None for all.
        scaling: factor of the logits.
        softcap: cap * tanh(logits / cap), where the decoder uses one.
        causal: what a mask of None means: causal aligned to the first key, or everything.

    Returns:
        float32 (batch, chosen, rows, keys), each row sums to one.
    """
    batch = torch.arange(query.shape[0], device=query.device)[:, None]
    picked = query.transpose(1, 2)[batch, rows]  # (batch, rows, heads, dim)
    logits = _logits(picked, key, heads) * scaling
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    if mask is not None:
        logits = _apply_mask(logits, mask, batch, rows, heads)
    elif causal and query.shape[2] > 1:
        keys = torch.arange(key.shape[2], device=query.device)
        future = keys > rows[..., None]  # (batch, rows, keys)
        logits = logits.masked_fill(future[:, None], float("-inf"))
    return torch.softmax(logits, dim=-1)


def _logits(picked: Tensor, key: Tensor, heads: Tensor | None) -> Tensor:
    """(batch, rows, heads, dim) x (batch, key_heads, keys, dim) -> (batch, chosen, rows, keys)."""
    count, groups = picked.shape[2], picked.shape[2] // key.shape[1]
    if heads is not None and len(heads) < count:
        picked = picked[:, :, heads].transpose(1, 2).float()
        return picked @ key[:, heads // groups].transpose(-1, -2).float()
    if groups == 1:
        return picked.transpose(1, 2).float() @ key.transpose(-1, -2).float()
    # one product per key head, its query heads side by side: the keys are not copied
    batch, rows, _, dim = picked.shape
    grouped = picked.view(batch, rows, key.shape[1], groups, dim).permute(0, 2, 3, 1, 4)
    flat = grouped.reshape(batch, key.shape[1], groups * rows, dim).float()
    logits = flat @ key.transpose(-1, -2).float()
    return logits.view(batch, count, rows, key.shape[2])


def _apply_mask(
    logits: Tensor, mask: Tensor, batch: Tensor, rows: Tensor, heads: Tensor | None
) -> Tensor:
    # an eager mask may be longer than the keys (static caches)
    mask = mask[..., : logits.shape[-1]].expand(logits.shape[0], -1, -1, -1)
    if mask.shape[1] > 1 and heads is not None:
        mask = mask[:, heads]
    picked = mask.transpose(1, 2)[batch, rows].transpose(1, 2)  # (batch, 1 or heads, rows, keys)
    if picked.dtype == torch.bool:
        return logits.masked_fill(~picked, float("-inf"))
    return logits + picked.float()


def allowed_keys(
    mask: Tensor | None, queries: int, keys: int, causal: bool, device: torch.device
) -> Tensor:
    """Any kind of attention mask as bool (batch or 1, heads or 1, queries, keys), True = may attend."""
    if mask is None:
        everything = torch.ones(queries, keys, dtype=torch.bool, device=device)
        # aligned to the first key, as the kernel does it when it is given no mask
        allowed = everything.tril() if causal and queries > 1 else everything
        return allowed[None, None]
    mask = mask[..., :keys]
    if mask.dtype == torch.bool:
        return mask
    return mask > torch.finfo(mask.dtype).min / 2


def biased_mask(mask: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask with finite amounts added to the logits of the keys that it leaves.

    Args:
        mask: bool, True = may attend, or additive; (batch or 1, heads or 1, queries, keys).
        bias: float, of a shape that it broadcasts with.
        dtype: of the queries, which a kernel asks of an additive mask.

    Returns:
        An additive mask; keys that were barred have its lowest number, whatever the bias.
    """
    lowest = torch.finfo(dtype).min
    allowed = mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2
    before = 0.0 if mask.dtype == torch.bool else mask.float()
    return (before + bias).to(dtype).masked_fill(~allowed, lowest)
