"""MaskCLIP (Zhou et al., ECCV 2022): the last block's values, no attention at all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, merge_heads

__all__ = ["MaskClip"]


class MaskClip(DenseMethod):
    """v of the last block, through its output projection; no residual, no feed-forward."""

    id = "maskclip"
    summary = "the last block's values stand for the patches"

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=False, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        return merge_heads(qkv.v)
