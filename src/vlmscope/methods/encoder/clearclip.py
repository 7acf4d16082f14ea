"""ClearCLIP (Lan et al., ECCV 2024): query-query attention, residual and feed-forward dropped."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV

__all__ = ["ClearClip"]


class ClearClip(DenseMethod):
    """softmax(s q q^T) v in the last block, alone."""

    id = "clearclip"
    summary = "query-query attention in the last block, no residual, no feed-forward"

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=False, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        return site.block.attend(qkv.q, qkv.q, qkv.v)
