"""Softmax rows, only where they are asked for: memory is rows x keys, not keys x keys."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["allowed_keys", "softmax_rows"]


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
