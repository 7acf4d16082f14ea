"""Every patch of an image against every text: raw cosine similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.dense.templates import phrase_embeddings
from vlmscope.methods.dense.window import WindowPlan
from vlmscope.models import DualEncoder
from vlmscope.types import TokenMap

if TYPE_CHECKING:
    from vlmscope.methods.dense.engine import DenseMethod

__all__ = ["DenseAnswer", "Similarity", "compare", "similarity"]

_TOKENS_AT_A_TIME = 4096  # of the windows of one pass


@dataclass(frozen=True, eq=False)
class DenseAnswer:
    """A method on a model under options."""

    method: DenseMethod
    encoder: DualEncoder
    options: Any

    @property
    def side(self) -> int:
        """Side of the resized image in pixels."""
        return int(self.options.side or self.encoder.card.side or self.encoder.native_side)


@dataclass(frozen=True, eq=False)
class Similarity:
    """One image against some texts, on the CPU.

    Attributes:
        patches: float32 (patches, texts), cosine similarity after the method's last step.
        whole: float32 (texts,), cosine similarity of the model's own image embedding; under sliding
            windows that of the window where it is largest.
        token_map: geometry of the patches.
        windows: how many there were; 1 for the whole image at once.
    """

    patches: Tensor = field(repr=False)
    whole: Tensor = field(repr=False)
    token_map: TokenMap
    windows: int


def compare(how: DenseAnswer, pixels: NDArray[np.uint8], text: Tensor) -> Similarity:
    """Compare an image with text embeddings, in one pass through the tower or window by window.

    Args:
        how: method, model and options.
        pixels: uint8 (height, width, 3).
        text: unit vectors (texts, joint).

    Raises:
        BadOptionError: a side, window or stride out of range.
    """
    from vlmscope.methods.dense.engine import dense_tokens

    patch = how.encoder.patch
    fitted = how.encoder.fit(pixels, how.side, how.options.keep_ratio)
    plan = WindowPlan.over(fitted.grid, patch, how.options.window, how.options.stride)
    batch = max(1, _TOKENS_AT_A_TIME // (plan.size[0] * plan.size[1]))
    cosines, wholes = [], []
    for values in plan.cut(fitted.values, patch, batch):
        tokens = dense_tokens(how.encoder, values, plan.size, how.method, how.options, pooled=True)
        assert tokens.pooled is not None
        cosines.append(_cosine(tokens.patches, text))
        wholes.append(_cosine(tokens.pooled, text))
    blended = plan.blend(torch.cat(cosines))
    refined = how.method.refine(blended[None], how.options)[0]
    whole = torch.cat(wholes).amax(dim=0)
    return Similarity(refined, whole, fitted.token_map, len(plan.corners))


def _cosine(vectors: Tensor, text: Tensor) -> Tensor:
    """(..., joint) against unit vectors (texts, joint): float32 (..., texts) on the CPU.

    In float32 whatever the weights are: half precision would round away small differences.
    """
    return (F.normalize(vectors.float(), dim=-1) @ text.float().T).cpu()


def similarity(
    how: DenseAnswer, pixels: NDArray[np.uint8], phrases: Sequence[str]
) -> tuple[Tensor, TokenMap]:
    """Cosine similarity of every patch with every phrase.

    Args:
        how: method, model and options.
        pixels: uint8 (height, width, 3).
        phrases: names or expressions.

    Returns:
        float32 (patches, phrases) on the CPU, raw and comparable, and the geometry of the patches.
    """
    found = compare(how, pixels, phrase_embeddings(how.encoder, phrases, how.options.templates))
    return found.patches, found.token_map
