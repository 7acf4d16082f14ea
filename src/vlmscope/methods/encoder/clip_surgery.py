"""CLIP Surgery (Li et al., 2023): value-value attention on a parallel path, and feature surgery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.texts import phrase_embeddings
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.blocks import QKV
from vlmscope.options import option

__all__ = ["ClipSurgery", "ClipSurgeryOptions", "feature_surgery", "phrase_weights"]

REDUNDANT = ("mean", "paper", "code", "empty")

_SHARPNESS = 2.0  # tau, in the paper as in the authors' program


@dataclass(frozen=True)
class ClipSurgeryOptions(DenseOptions):
    """Options of CLIP Surgery."""

    depth: int = option(6, "how many last blocks the new path covers", at_least=1, whole=True)
    feature_surgery: bool = option(
        False,
        "subtract what all phrases have in common (needs two phrases or more, but for redundant=empty)",
    )
    redundant: str = option(
        "mean",
        "what feature_surgery subtracts: the mean over the phrases (mean), the mean over phrases "
        "that are weighted by how well they fit the whole image (paper, published), the same with "
        "each phrase's own map weighted as well (code: the authors' program), or the similarity "
        "with an empty text (empty: published for one phrase alone)",
        choices=REDUNDANT,
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

    def check_texts(self, texts: int, options: Any) -> None:
        if options.feature_surgery and options.redundant != "empty" and texts < 2:
            raise BadOptionError(
                "feature_surgery subtracts what all phrases have in common, so it needs two or more, and "
                "there is one. Give more phrases, use redundant='empty', or leave feature_surgery out."
            )

    def companions(self, encoder: DualEncoder, options: Any) -> Tensor | None:
        if not options.feature_surgery or options.redundant != "empty":
            return None
        if not encoder.family.templates:
            raise UnsupportedError(
                f"redundant='empty' compares patches with an empty text, and {encoder.id} reads no "
                "text but its labels. Use redundant='mean' or 'paper'."
            )
        if options.templates == "none":
            raise BadOptionError(
                "redundant='empty' puts nothing into the prompt templates, and templates='none' leaves "
                "no text at all. Use templates='photo' or 'imagenet'."
            )
        return phrase_embeddings(encoder, [""], options.templates)

    def refine(self, similarity: Tensor, whole: Tensor, options: Any) -> Tensor:
        if not options.feature_surgery:
            return similarity
        if options.redundant == "empty":  # the companion stands last
            return similarity[..., :-1] - similarity[..., -1:]
        self.check_texts(similarity.shape[-1], options)
        return feature_surgery(similarity, whole, options.redundant)


def feature_surgery(similarity: Tensor, whole: Tensor, redundant: str) -> Tensor:
    """Subtract the redundant feature: what a patch has in common with all phrases.

    It is published as the mean, over phrases, of elementwise products of unit vectors, whose channels
    are summed in the end. Sum and mean change places, so cosines are all that is needed.

    Args:
        similarity: cosines s of patches (batch, patches, phrases).
        whole: cosines of the images' own embeddings (batch, phrases); the weights w are made of them.
        redundant: "mean": s - mean(s); "paper": s - mean(w s); "code": w s - mean(w s).

    Returns:
        (batch, patches, phrases).
    """
    if redundant == "mean":
        return similarity - similarity.mean(dim=-1, keepdim=True)
    weighted = similarity * phrase_weights(whole).unsqueeze(-2)
    own = weighted if redundant == "code" else similarity
    return own - weighted.mean(dim=-1, keepdim=True)


def phrase_weights(whole: Tensor) -> Tensor:
    """How much each phrase counts: the softmax of 2 cos, divided by its mean.

    Args:
        whole: cosines of the images' own embeddings (batch, phrases).

    Returns:
        (batch, phrases), above 0, of mean 1 in each image.
    """
    share = (_SHARPNESS * whole).softmax(dim=-1)
    return share / share.mean(dim=-1, keepdim=True)
