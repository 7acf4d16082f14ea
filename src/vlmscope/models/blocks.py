"""A pre-norm transformer block of a vision tower, taken apart without being changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["QKV", "VisionBlock"]


@dataclass(frozen=True)
class QKV:
    """Queries, keys and values of one block: float (batch, heads, tokens, head_dim) each."""

    q: Tensor
    k: Tensor
    v: Tensor


@dataclass(frozen=True, eq=False)
class VisionBlock:
    """``y = x + out(attention(norm1(x)))``, then ``y + mlp(norm2(y))``.

    Attributes:
        norm1, norm2: the two layer norms.
        project: (batch, tokens, dim) after norm1 -> :class:`QKV`.
        out: the output projection, (batch, tokens, dim) -> the same.
        mlp: the feed-forward part.
        scale: factor of the attention logits, 1 / sqrt(head_dim).
        fused: whether the model's own attention is the fused kernel (else explicit matrices).
    """

    norm1: nn.Module
    project: Callable[[Tensor], QKV]
    out: nn.Module
    norm2: nn.Module
    mlp: nn.Module
    scale: float
    fused: bool = True

    def attend(self, q: Tensor, k: Tensor, v: Tensor, scale: float | None = None) -> Tensor:
        """Softmax(scale q k^T) v with heads merged: (batch, tokens, dim), before ``out``."""
        factor = self.scale if scale is None else scale
        return merge_heads(F.scaled_dot_product_attention(q, k, v, scale=factor))

    def own_attention(self, qkv: QKV) -> Tensor:
        """The block's own attention, heads merged, by the kernel that the model itself uses."""
        if self.fused:
            return self.attend(qkv.q, qkv.k, qkv.v)
        weights = (qkv.q @ qkv.k.transpose(-1, -2) * self.scale).softmax(dim=-1)
        return merge_heads(weights @ qkv.v)

    def feed_forward(self, x: Tensor) -> Tensor:
        """``x + mlp(norm2(x))``."""
        residual: Tensor = x + self.mlp(self.norm2(x))
        return residual


def merge_heads(x: Tensor) -> Tensor:
    """(batch, heads, tokens, head_dim) -> (batch, tokens, heads * head_dim)."""
    return x.transpose(1, 2).flatten(2)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, tokens, dim) -> (batch, heads, tokens, head_dim)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)
