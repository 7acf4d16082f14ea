"""SCLIP (Wang et al., ECCV 2024): correlative self-attention in the last block."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV

__all__ = ["SClip"]


class SClip(DenseMethod):
    """(softmax(s q q^T) + softmax(s k k^T)) v in the last block, with residual and feed-forward."""

    id = "sclip"
    summary = "query-query plus key-key attention in the last block"

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=True, feed_forward=True)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        attend = site.block.attend
        return attend(qkv.q, qkv.q, qkv.v) + attend(qkv.k, qkv.k, qkv.v)
