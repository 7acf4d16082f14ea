"""Where the class token looks, times how well a patch fits the text.

The coupling is that of TS-CAM (Gao et al., ICCV 2021, semantic-attention coupling): attention of the class
token, averaged over heads and summed over blocks, knows where things are but not what they are; a map
of each class knows what. TS-CAM trains a head for the latter; here it is the similarity with text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, merge_heads
from vlmscope.options import option

__all__ = ["ClsAttention", "ClsAttentionOptions"]


@dataclass(frozen=True)
class ClsAttentionOptions(DenseOptions):
    """Options of cls-attention."""

    layers: int = option(
        0, "of how many last blocks the attention is summed; 0: all", at_least=0, whole=True
    )
    patches: str = option(
        "values",
        "what is compared with the text: the last block's values, as in maskclip (values), or the "
        "encoder's own patch tokens (own)",
        choices=("values", "own"),
    )


class ClsAttention(DenseMethod):
    """Cosine of a patch with the text, times the class token's attention to it."""

    id = "cls-attention"
    summary = "the class token's attention, summed over blocks, times the patches' similarity"
    options = ClsAttentionOptions
    class_token = True
    score_is = (
        "largest product of a patch's cosine similarity with the phrase and the class token's "
        "attention to it, which is 1 at its own peak"
    )

    def path(self, options: Any, blocks: int) -> DensePath:
        count = min(options.layers or blocks, blocks)
        own = options.patches == "own"
        watches = tuple(range(blocks - count, blocks))
        return DensePath(1, residual=own, feed_forward=own, watches=watches)

    def watch(self, x: Tensor, qkv: QKV, site: Site, options: Any) -> Tensor:
        """The class token's attention to patches, averaged over heads: (batch, patches)."""
        logits = qkv.q[:, :, :1] @ qkv.k.transpose(-1, -2) * site.block.scale
        return logits.softmax(dim=-1).mean(dim=1)[:, 0, site.prefix :]

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        return site.block.own_attention(qkv) if options.patches == "own" else merge_heads(qkv.v)

    def weigh(self, site: Site, options: Any) -> Tensor:
        """The sum over blocks, 1 at the peak of each image."""
        first, *others = site.watched.values()
        total: Tensor = sum(others, first)
        return total / total.amax(dim=-1, keepdim=True)
