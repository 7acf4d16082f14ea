"""Patches gathered by how alike they are somewhere else: the attention of ProxyCLIP.

Lan et al., "ProxyCLIP", ECCV 2024, the proxy attention module: features of another model, or of
another block, are the proxy that says which patches belong together; values are CLIP's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.models.encoders.blocks import merge_heads

__all__ = ["alike", "gathered", "proxy_attention"]


def alike(features: Tensor) -> Tensor:
    """Cosine of every patch with every other: (batch, patches, dim) -> (batch, patches, patches)."""
    unit = F.normalize(features, dim=-1)
    return unit @ unit.transpose(1, 2)


def proxy_attention(cosines: Tensor, beta: float, gamma: float) -> Tensor:
    """Softmax(gamma (s - beta mean(s))) over what is not below 0 in it.

    The mean is that of the image. A patch always attends to itself: where the whole image is so much
    alike that beta times the mean is more than 1, it attends to nothing else.

    Args:
        cosines: s, float (batch, patches, patches).
        beta: how many times the mean similarity a patch needs to be attended to.
        gamma: sharpness.

    Returns:
        Of the same shape; rows sum to 1.
    """
    logits = (cosines - beta * cosines.mean(dim=(1, 2), keepdim=True)) * gamma
    hidden = logits < 0
    hidden.diagonal(dim1=1, dim2=2).fill_(False)
    return logits.masked_fill_(hidden, -torch.inf).softmax(dim=-1)


def gathered(weights: Tensor, values: Tensor, prefix: int) -> Tensor:
    """Patches' values under one attention for all heads, heads merged.

    Args:
        weights: (batch, patches, patches).
        values: (batch, heads, prefix + patches, head_dim).
        prefix: special tokens in front; their rows of the result are 0, for nothing attends there.

    Returns:
        (batch, prefix + patches, heads * head_dim).
    """
    patches = weights @ merge_heads(values[:, :, prefix:])
    return F.pad(patches, (0, 0, prefix, 0))
