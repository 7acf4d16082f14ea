"""The baseline: the tower's own patch tokens, compared with text as the class token would be."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV

__all__ = ["ClipPatches"]


class ClipPatches(DenseMethod):
    """softmax(s q k^T) v with residual and feed-forward: nothing is changed."""

    id = "clip"
    summary = "baseline: the encoder's own patch tokens against text"

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=True, feed_forward=True)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        return site.block.own_attention(qkv)
