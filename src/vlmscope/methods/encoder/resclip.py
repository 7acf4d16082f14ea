"""ResCLIP (Yang et al., CVPR 2025): middle blocks' query-key attention mixed into the last block's.

Its first half, residual cross-correlation attention (RCS), is here. The second, semantic feedback
refinement, attends by a first segmentation, so that its tokens would depend on the list of classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.depths import depth_of
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.naclip import neighbourhood
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, merge_heads
from vlmscope.options import option

__all__ = ["ResClip", "ResClipOptions"]

_FIRST, _LAST = 6 / 12, 9 / 12


@dataclass(frozen=True)
class ResClipOptions(DenseOptions):
    """Options of ResCLIP's residual attention."""

    share: float = option(
        0.4,
        "share of the middle blocks' attention; the published program has .3 to .6 by data set",
        at_least=0.0,
        at_most=1.0,
    )
    gain: float = option(
        2.0,
        "factor of the whole attention: 2 in the published program, 1 in the paper's formula",
        at_least=0.0,
    )
    first_layer: int = option(
        0,
        "the first of the blocks, counted from 1, whose attention is averaged; 0: half way",
        at_least=0,
        whole=True,
    )
    last_layer: int = option(
        0, "and the last of them; 0: at three quarters of the tower", at_least=0, whole=True
    )
    base: str = option(
        "naclip",
        "the last block's own attention: keys with a Gaussian neighbourhood (naclip), or queries "
        "(clearclip)",
        choices=("naclip", "clearclip"),
    )
    window_std: float = option(
        5.0, "standard deviation of the Gaussian neighbourhood, in patches", at_least=0.1
    )


class ResClip(DenseMethod):
    """gain ((1 - share) A_s + share mean of softmax(s q k^T) of middle blocks) v in the last block."""

    id = "resclip"
    summary = "middle blocks' query-key attention mixed into the last block's self-attention"
    options = ResClipOptions
    least_blocks = 2

    def path(self, options: Any, blocks: int) -> DensePath:
        first = depth_of("first_layer", options.first_layer, _FIRST, blocks)
        last = depth_of("last_layer", options.last_layer, _LAST, blocks)
        if last < first:
            raise BadOptionError(
                f"The blocks whose attention is averaged start with {first} and end with {last}. Give "
                "a last_layer that is not before first_layer."
            )
        watches = tuple(range(first - 1, last))
        return DensePath(1, residual=False, feed_forward=False, watches=watches)

    def watch(self, x: Tensor, qkv: QKV, site: Site, options: Any) -> tuple[Tensor, Tensor, float]:
        return qkv.q, qkv.k, site.block.scale

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        # attention is linear in its values: each is applied by the fused kernel, none is kept
        own = _own(qkv, site, options)
        middle = site.watched.values()
        parts = [F.scaled_dot_product_attention(q, k, qkv.v, scale=s) for q, k, s in middle]
        mixed = (1 - options.share) * own + (options.share / len(parts)) * sum(parts)
        return merge_heads(options.gain * mixed)


def _own(qkv: QKV, site: Site, options: Any) -> Tensor:
    """The last block's self-attention: (batch, heads, tokens, head_dim)."""
    scale = site.block.scale
    if options.base == "clearclip":
        return F.scaled_dot_product_attention(qkv.q, qkv.q, qkv.v, scale=scale)
    bias = neighbourhood(site.grid, site.prefix, options.window_std).to(qkv.k)
    return F.scaled_dot_product_attention(qkv.k, qkv.k, qkv.v, attn_mask=bias, scale=scale)
