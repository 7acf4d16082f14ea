"""Second implementations, written from the formulas in the plainest way: loops over heads, float64.

They share nothing with the library but the model's weights, read by name, and the position
embeddings. Slow on purpose.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vlmscope.models import DualEncoder


def unit(p: Tensor) -> Tensor:
    return p / p.pow(2).sum(-1, keepdim=True).sqrt()


def rows(logits: Tensor) -> Tensor:
    e = (logits - logits.max(dim=-1, keepdim=True).values).exp()
    return e / e.sum(dim=-1, keepdim=True)


class NaiveBlock:
    """One block as matrices; ``x`` is (tokens, dim) of one image."""

    def __init__(self, layer: Any) -> None:
        parts = dict(layer.named_modules())
        attention = parts.get("self_attn") or parts["attention"]
        self.heads = getattr(attention, "num_heads", None) or attention.num_attention_heads
        self.attention = attention
        self.norm1 = parts.get("layer_norm1") or parts["layernorm_before"]
        self.norm2 = parts.get("layer_norm2") or parts["layernorm_after"]
        self.mlp = parts["mlp"]
        names = ("out_proj", "projection", "o_proj")
        self.out = next(getattr(attention, name) for name in names if hasattr(attention, name))

    def qkv(self, x: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Per head (tokens, head_dim) lists of q, k, v."""
        normed = self.norm1(x)
        if hasattr(self.attention, "qkv"):
            each = self.attention.qkv(normed).chunk(3, dim=-1)
        else:
            a = self.attention
            each = (a.q_proj(normed), a.k_proj(normed), a.v_proj(normed))
        q, k, v = (list(part.chunk(self.heads, dim=-1)) for part in each)
        return q, k, v

    def join(self, per_head: list[Tensor]) -> Tensor:
        return self.out(torch.cat(per_head, dim=-1))

    def original(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x)
        s = 1 / math.sqrt(q[0].shape[-1])
        x = x + self.join([rows(s * q[h] @ k[h].T) @ v[h] for h in range(self.heads)])
        return x + self.mlp(self.norm2(x))


def naive(
    encoder: DualEncoder,
    values: Tensor,
    grid: tuple[int, int],
    depth: int,
    residual: bool,
    feed_forward: bool,
    attention: Callable[[NaiveBlock, Tensor], list[Tensor]],
) -> Tensor:
    """Dense tokens (patches, joint) of one image, float64."""
    hf = copy.deepcopy(encoder.hf).double()
    family = encoder.family
    trunk = getattr(hf, "vision_model", None) or getattr(hf, "vit", None) or hf.deit
    layers = trunk.encoder.layers if hasattr(trunk, "encoder") else trunk.layers
    blocks = [NaiveBlock(layer) for layer in layers]
    with torch.no_grad():
        x = family.embed(hf, values.double(), grid)[0]
        dense = None
        for number, block in enumerate(blocks):
            if number >= len(blocks) - depth:
                update = block.join(attention(block, x))
                if residual:
                    update = update + (x if dense is None else dense)
                dense = update + block.mlp(block.norm2(update)) if feed_forward else update
            x = block.original(x)
        return family.project(hf, dense[None, family.prefix_tokens :])[0]


def self_self(block: NaiveBlock, x: Tensor, name: str) -> list[Tensor]:
    q, k, v = block.qkv(x)
    p = {"q": q, "k": k, "v": v}[name]
    s = 1 / math.sqrt(q[0].shape[-1])
    return [rows(s * p[h] @ p[h].T) @ v[h] for h in range(block.heads)]


def gem(
    iterations: int, constant: float | None, names: str, normalise: bool = True
) -> Callable[[NaiveBlock, Tensor], list[Tensor]]:
    def attention(block: NaiveBlock, x: Tensor) -> list[Tensor]:
        q, k, v = block.qkv(x)
        dim = q[0].shape[-1]
        lengths = [float(token.pow(2).sum().sqrt()) for token in block.norm1(x)]
        t = constant if constant is not None else sum(lengths) / len(lengths) / math.sqrt(dim)
        out = []
        for h in range(block.heads):
            total = torch.zeros_like(v[h])
            for name in names:
                p = {"q": q, "k": k, "v": v}[name][h]
                for _ in range(iterations):
                    p = unit(p) if normalise else p
                    p = rows(t * p @ p.T) @ p
                p = unit(p) if normalise else p
                total = total + rows(t * p @ p.T) @ v[h]
            out.append(total / len(names))
        return out

    return attention


def naclip(
    grid: tuple[int, int], prefix: int, std: float
) -> Callable[[NaiveBlock, Tensor], list[Tensor]]:
    def attention(block: NaiveBlock, x: Tensor) -> list[Tensor]:
        _, k, v = block.qkv(x)
        s = 1 / math.sqrt(k[0].shape[-1])
        bias = torch.zeros(len(x), len(x), dtype=x.dtype)
        for i in range(grid[0] * grid[1]):
            for j in range(grid[0] * grid[1]):
                dy, dx = i // grid[1] - j // grid[1], i % grid[1] - j % grid[1]
                bias[prefix + i, prefix + j] = math.exp(-(dy * dy + dx * dx) / (2 * std * std))
        return [rows(s * k[h] @ k[h].T + bias) @ v[h] for h in range(block.heads)]

    return attention
