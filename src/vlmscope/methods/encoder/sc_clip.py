"""SC-CLIP (Bai et al., "Self-Calibrated CLIP", 2024): repaired patches, gathered by middle blocks.

Outliers in front of the last block are replaced by their neighbours; patches are gathered by how
alike they are in a middle block, which also joins the last block's attention; and the sum of earlier
blocks goes through the last block a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.depths import depth_of
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.outliers import FACTORS, outliers, repaired
from vlmscope.methods.encoder.proxies import alike, proxy_attention
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, VisionBlock, merge_heads
from vlmscope.options import option

__all__ = ["ScClip", "ScClipOptions", "spread"]

# of the attention by a middle block, in the published program
_BETA, _GAMMA = 1.0, 3.0
_TINY = 1e-6

# depths of the published program, as shares of the 12 blocks of a ViT-B
_MIDDLE, _EARLY, _FIRST, _LAST = 9 / 12, 4 / 12, 4 / 12, 10 / 12


@dataclass(frozen=True)
class ScClipOptions(DenseOptions):
    """Options of SC-CLIP; the defaults are those of its published program for a ViT-B/16."""

    outliers: float = option(
        0.05,
        "share of the patches that are replaced by their neighbours; 0: none",
        at_least=0.0,
        at_most=0.9,
    )
    neighbours: int = option(
        30, "how many patches, near in feature space, each is compared with", at_least=1, whole=True
    )
    factor: str = option(
        "own",
        "what makes an outlier: what the published program computes (own), or the local outlier "
        "factor that the paper names (lof)",
        choices=FACTORS,
    )
    middle: int = option(
        0,
        "after how many blocks patches are compared, in front of the last block and for its "
        "attention; 0: after three quarters of them",
        at_least=0,
        whole=True,
    )
    early: int = option(
        0,
        "after how many blocks patches are compared to gather what the last block yields; 0: after "
        "a third of them",
        at_least=0,
        whole=True,
    )
    first_level: int = option(
        0,
        "the sum for the second pass starts with what stands after so many blocks; 0: a third",
        at_least=0,
        whole=True,
    )
    last_level: int = option(
        0, "and ends with what stands after so many; 0: ten twelfths", at_least=0, whole=True
    )
    similar: float = option(
        0.4,
        "least cosine similarity of patches that are gathered",
        at_least=-1.0,
        at_most=1.0,
    )
    class_token: float = option(
        0.3,
        "how much of the class token in front of the last block is added behind it (the program; "
        "the paper's text has none)",
        at_least=0.0,
    )
    attention: str = option(
        "mean",
        "how key-key attention and that by the middle block are joined: their mean (the program), "
        "their sum (the paper), or key-key alone",
        choices=("mean", "sum", "keys"),
    )
    aggregate: bool = option(True, "gather patches by how alike they are in earlier blocks")
    multi_level: bool = option(True, "the second pass, with the sum of earlier blocks")


@dataclass(frozen=True)
class _Depths:
    """After how many blocks what is read; ``levels`` from, to."""

    middle: int
    early: int
    levels: range
    last: int

    @classmethod
    def of(cls, options: Any, blocks: int) -> _Depths:
        first = depth_of("first_level", options.first_level, _FIRST, blocks)
        end = depth_of("last_level", options.last_level, _LAST, blocks)
        if end < first:
            raise BadOptionError(
                f"The levels of the second pass end after {end} blocks and start after {first}. Give "
                "a last_level that is not before first_level."
            )
        return cls(
            depth_of("middle", options.middle, _MIDDLE, blocks),
            depth_of("early", options.early, _EARLY, blocks),
            range(first, end + 1),
            blocks - 1,
        )


class ScClip(DenseMethod):
    """Outliers repaired, patches gathered by earlier blocks, several levels through the last block."""

    id = "sc-clip"
    summary = "outliers repaired, patches gathered by middle blocks, several levels summed"
    options = ScClipOptions
    least_blocks = 2

    def path(self, options: Any, blocks: int) -> DensePath:
        depths = _Depths.of(options, blocks)
        levels = depths.levels if options.multi_level else ()
        watches = {depths.middle, depths.early, depths.last, *levels}
        return DensePath(1, residual=False, feed_forward=False, watches=tuple(sorted(watches)))

    def watch(self, x: Tensor, qkv: QKV, site: Site, options: Any) -> Tensor:
        return x

    def update(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        states: Mapping[int, Tensor] = site.watched
        depths, prefix = _Depths.of(options, site.number + 1), site.prefix
        last = states[depths.last]
        patches = last[:, prefix:]
        lost = outliers(patches, options.outliers, options.neighbours, options.factor)
        patches = repaired(patches, lost, site.grid)
        similar = alike(repaired(states[depths.middle][:, prefix:], lost, site.grid))
        weights = proxy_attention(similar, _BETA, _GAMMA)
        if options.aggregate:
            patches = spread(similar, options.similar) @ patches
        found = _attended(site.block, patches, weights, options.attention)
        class_token = last[:, :1]
        if options.multi_level:
            total = sum(states[level] for level in depths.levels)
            assert isinstance(total, Tensor)  # a range holds one level at least
            found = found + _attended(site.block, total[:, prefix:], weights, options.attention)
            class_token = class_token + total[:, :1]
        if prefix:
            found = found + options.class_token * class_token
        if options.aggregate:
            found = spread(alike(states[depths.early][:, prefix:]), options.similar) @ found
        return F.pad(found, (0, 0, prefix, 0))


def spread(cosines: Tensor, least: float) -> Tensor:
    """Rows of cosines, those below ``least`` left out, divided by their sums."""
    kept = cosines.masked_fill(cosines < least, 0.0)
    return kept / (kept.sum(dim=-1, keepdim=True) + _TINY)


def _attended(block: VisionBlock, patches: Tensor, weights: Tensor, joined: str) -> Tensor:
    """Patches (batch, patches, dim) through a block's attention of keys and of given weights."""
    qkv = block.project(block.norm1(patches))
    found = block.attend(qkv.k, qkv.k, qkv.v)
    if joined != "keys":
        found = found + weights @ merge_heads(qkv.v)
    added: Tensor = block.out(found / 2 if joined == "mean" else found)
    return added
