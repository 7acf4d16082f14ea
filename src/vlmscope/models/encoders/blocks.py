"""A pre-norm transformer block of a vision tower, taken apart without being changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["QKV", "Scratch", "VisionBlock", "merge_heads", "separate_projections", "split_heads"]

_GATED_AT_ONCE = 1 << 17  # numbers for each thread: with their gate a megabyte, half of a cache


@dataclass(eq=False)
class Scratch:
    """Large buffers that the blocks of one pass hand on to each other.

    A processor pays for every fresh megabyte with page faults; at ViT-B and 448 pixels that is a
    tenth of the whole pass.
    """

    _kept: dict[str, Tensor] = field(default_factory=dict)

    def take(self, name: str, rows: int, columns: int, like: Tensor) -> Tensor:
        """An uninitialised (rows, columns) buffer of ``like``'s dtype and device."""
        kept = self._kept.get(name)
        if kept is None or kept.shape != (rows, columns) or kept.dtype != like.dtype:
            kept = self._kept[name] = like.new_empty(rows, columns)
        return kept

    def shaped(self, name: str, like: Tensor) -> Tensor:
        """An uninitialised contiguous buffer of ``like``'s shape, dtype and device."""
        columns = like.shape[-1]
        return self.take(name, like.numel() // columns, columns, like).view(like.shape)


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

    def forward(self, x: Tensor, qkv: QKV, scratch: Scratch | None = None) -> Tensor:
        """The whole block on its own input, given its projections; gradients must be off."""
        attended: Tensor = self.out(self.own_attention(qkv))
        return self.feed_forward(attended.add_(x), scratch)

    def first_tokens(self, x: Tensor, qkv: QKV, count: int) -> Tensor:
        """The first ``count`` tokens behind the block: they attend to all, and nothing else is computed.

        Within rounding of what :meth:`forward` has there, for products of another shape add up otherwise.
        """
        some = QKV(qkv.q[:, :, :count], qkv.k, qkv.v)
        attended: Tensor = self.out(self.own_attention(some))
        return self.feed_forward(attended.add_(x[:, :count]))

    def feed_forward(self, x: Tensor, scratch: Scratch | None = None) -> Tensor:
        """``x + mlp(norm2(x))``; with scratch, in buffers that are used again (same bits)."""
        normed = self.norm2(x)
        if scratch is not None and _is_plain(self.mlp, x):
            return _in_scratch(self.mlp, normed, scratch).add_(x)
        residual: Tensor = x + self.mlp(normed)
        return residual


def _is_plain(mlp: nn.Module, x: Tensor) -> bool:
    """Two unhooked linear layers around quick_gelu, on a processor, no gradients asked for."""
    from transformers.activations import QuickGELUActivation

    layers = (getattr(mlp, "fc1", None), getattr(mlp, "fc2", None))
    return (
        not torch.is_grad_enabled()
        and x.device.type == "cpu"
        and all(type(layer) is nn.Linear and not layer._forward_hooks for layer in layers)
        and isinstance(getattr(mlp, "activation_fn", None), QuickGELUActivation)
    )


def _in_scratch(mlp: Any, x: Tensor, scratch: Scratch) -> Tensor:
    """fc2(h * sigmoid(1.702 h)), h = fc1(x): the operations of the module itself, in place.

    The gate goes over a few rows at a time, which stay in the cache from one operation to the next.
    """
    fc1, fc2 = mlp.fc1, mlp.fc2
    flat, width = x.flatten(0, 1), fc1.out_features
    hidden = scratch.take("hidden", len(flat), width, x)
    torch.addmm(fc1.bias, flat, fc1.weight.T, out=hidden)
    rows = max(1, _GATED_AT_ONCE * torch.get_num_threads() // width)
    buffer = scratch.take("gate", rows, width, x)
    for part in hidden.split(rows):
        gate = buffer[: len(part)]
        torch.mul(part, 1.702, out=gate).sigmoid_()
        part.mul_(gate)
    return torch.addmm(fc2.bias, hidden, fc2.weight.T).view(*x.shape[:2], -1)


def separate_projections(attention: Any, heads: int) -> Callable[[Tensor], QKV]:
    """The projections of an attention module that keeps q, k and v apart."""

    def project(x: Tensor) -> QKV:
        return QKV(
            split_heads(attention.q_proj(x), heads),
            split_heads(attention.k_proj(x), heads),
            split_heads(attention.v_proj(x), heads),
        )

    return project


def merge_heads(x: Tensor) -> Tensor:
    """(batch, heads, tokens, head_dim) -> (batch, tokens, heads * head_dim)."""
    return x.transpose(1, 2).flatten(2)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, tokens, dim) -> (batch, heads, tokens, head_dim)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)
