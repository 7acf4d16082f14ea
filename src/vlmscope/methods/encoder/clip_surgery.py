"""CLIP Surgery (Li et al., 2023): value-value attention on a parallel path, and feature surgery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV
from vlmscope.options import option

__all__ = ["ClipSurgery", "ClipSurgeryOptions", "feature_surgery"]


@dataclass(frozen=True)
class ClipSurgeryOptions(DenseOptions):
    """Options of CLIP Surgery."""

    depth: int = option(6, "how many last blocks the new path covers", at_least=1, whole=True)
    feature_surgery: bool = option(
        False, "subtract what all phrases have in common (needs two phrases or more)"
    )


class ClipSurgery(DenseMethod):
    """softmax(s v v^T) v on a parallel residual path without feed-forward."""

    id = "clip-surgery"
    summary = "value-value attention on a parallel path over the last blocks"
    options = ClipSurgeryOptions

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=min(options.depth, blocks), residual=True, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        return site.block.attend(qkv.v, qkv.v, qkv.v)

    def refine(self, similarity: Tensor, options: Any) -> Tensor:
        if not options.feature_surgery:
            return similarity
        if similarity.shape[-1] < 2:
            raise BadOptionError(
                "feature_surgery subtracts what several phrases have in common, and there is one. Give "
                "more phrases or leave feature_surgery out."
            )
        return feature_surgery(similarity)


def feature_surgery(similarity: Tensor) -> Tensor:
    """Subtract the redundant feature: what a patch has in common with all phrases.

    On cosine similarities (batch, patches, phrases) the mean over phrases of the elementwise product
    of patch and text features sums to the mean similarity, so that is what is subtracted.
    """
    return similarity - similarity.mean(dim=-1, keepdim=True)
