"""How far a projection can stretch: the spectral norms of the query, key and value weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmscope.models import DualEncoder
from vlmscope.models.encoders.blocks import VisionBlock

__all__ = ["PROJECTIONS", "spectral_norms", "weights_of"]

PROJECTIONS = ("q", "k", "v")


def spectral_norms(encoder: DualEncoder) -> list[dict[str, list[float]]]:
    """Of each block, first to last: projection -> the largest singular value of each head's weights.

    A head's projection with a norm below 1 is a contraction: no two inputs are further apart behind it
    than before it. Inputs are what norm1 makes of tokens, its gain included; the norm is of the weights
    alone.
    """
    with encoder.frozen():
        return [_norms(block, _width(block)) for block in encoder.blocks]


def weights_of(block: VisionBlock, width: int) -> dict[str, Tensor]:
    """Projection -> float32 (heads, head_dim, width): what it does to inputs, its bias left out.

    Read off what the projection does to unit vectors, so that it does not matter how a family keeps
    its weights.
    """
    like = next(block.out.parameters())
    nothing = like.new_zeros(1, 1, width)
    axes = torch.eye(width, dtype=like.dtype, device=like.device)[None]
    moved, still = block.project(axes), block.project(nothing)
    return {
        name: (getattr(moved, name) - getattr(still, name))[0].float().transpose(-1, -2)
        for name in PROJECTIONS
    }


def _norms(block: VisionBlock, width: int) -> dict[str, list[float]]:
    return {
        name: torch.linalg.matrix_norm(weights.cpu(), ord=2).tolist()
        for name, weights in weights_of(block, width).items()
    }


def _width(block: VisionBlock) -> int:
    shape: Sequence[int] = next(block.norm1.parameters()).shape
    return int(shape[0])
