"""NACLIP (Hajimiri et al., WACV 2025): key-key attention that favours the neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, merge_heads
from vlmscope.models.encoders.patches import PatchGrid
from vlmscope.options import option

__all__ = ["NaClip", "NaClipOptions", "neighbourhood"]


@dataclass(frozen=True)
class NaClipOptions(DenseOptions):
    """Options of NACLIP."""

    window_std: float = option(
        5.0, "standard deviation of the Gaussian neighbourhood, in patches", at_least=0.1
    )


class NaClip(DenseMethod):
    """softmax(s k k^T + Gaussian window) v in the last block, no residual, no feed-forward."""

    id = "naclip"
    summary = "key-key attention with a Gaussian neighbourhood in the last block"
    options = NaClipOptions

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=False, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        bias = neighbourhood(site.grid, site.prefix, options.window_std).to(qkv.k)
        return merge_heads(
            F.scaled_dot_product_attention(
                qkv.k, qkv.k, qkv.v, attn_mask=bias, scale=site.block.scale
            )
        )


def neighbourhood(grid: PatchGrid, prefix: int, std: float) -> Tensor:
    """Additive logits (tokens, tokens): exp(-distance^2 / (2 std^2)) between patches, else 0."""
    rows, columns = grid

    def line(count: int) -> Tensor:
        steps = torch.arange(count)
        return torch.exp(-((steps[:, None] - steps[None, :]) ** 2) / (2 * std**2))

    patches = torch.einsum("ac,bd->abcd", line(rows), line(columns))
    bias = torch.zeros(prefix + rows * columns, prefix + rows * columns)
    bias[prefix:, prefix:] = patches.reshape(rows * columns, rows * columns)
    return bias
