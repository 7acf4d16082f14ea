"""Every patch of an image against every text: raw cosine similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.encoder.texts import phrase_embeddings
from vlmscope.methods.encoder.tower import DenseFormula, DenseTokens, tokens_of_methods
from vlmscope.methods.encoder.window import WindowPlan
from vlmscope.models import DualEncoder
from vlmscope.types import TokenMap

__all__ = [
    "PRESENCE",
    "DenseAnswer",
    "Similarity",
    "against",
    "best_of_each",
    "compare",
    "compare_together",
    "presence",
    "similarity",
]


PRESENCE = "mean of the peak patch's and the whole image's cosine similarity with the text"
"""What the score is, in words, for records."""

_TOKENS_AT_A_TIME = 4096  # of the windows of one pass


class RefinedFormula(DenseFormula, Protocol):
    """A formula for the tower whose similarities have a last step of their own."""

    def refine(self, similarity: Tensor, options: Any) -> Tensor:
        """A last step on cosine similarities (batch, patches, phrases)."""
        ...

    def cautions(self, encoder: DualEncoder, options: Any) -> tuple[str, ...]:
        """Sentences to read before trusting this method on this model."""
        ...


@dataclass(frozen=True, eq=False)
class DenseAnswer:
    """A method on a model under options."""

    method: RefinedFormula
    encoder: DualEncoder
    options: Any

    @property
    def side(self) -> int:
        """Side of the resized image in pixels."""
        return int(self.options.side or self.encoder.card.side or self.encoder.native_side)

    @property
    def view(self) -> tuple[int, bool, int, int]:
        """What of the image is seen how: side, whether its ratio is kept, window and stride."""
        options = self.options
        return self.side, options.keep_ratio, options.window, options.stride


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
    return compare_together([how], pixels, text)[0]


def compare_together(
    hows: Sequence[DenseAnswer], pixels: NDArray[np.uint8], text: Tensor
) -> list[Similarity]:
    """As :func:`compare` for several methods of one model that see the image alike: one pass for all.

    Args:
        hows: of one :attr:`DenseAnswer.view`.
        pixels, text: as there.

    Raises:
        BadOptionError: a side, window or stride out of range.
        ValueError: methods that do not see the image alike.
    """
    how = hows[0]
    if any(each.encoder is not how.encoder or each.view != how.view for each in hows):
        raise ValueError("Methods that are compared together share the model and the view.")
    encoder, patch = how.encoder, how.encoder.patch
    fitted = encoder.fit(pixels, how.side, how.options.keep_ratio)
    plan = WindowPlan.over(fitted.grid, patch, how.options.window, how.options.stride)
    batch = max(1, _TOKENS_AT_A_TIME // (plan.size[0] * plan.size[1]))
    runs = [(each.method, each.options) for each in hows]
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in hows]
    for values in plan.cut(fitted.values, patch, batch):
        tokens = tokens_of_methods(encoder, values, plan.size, runs, pooled=True)
        for scores, own in zip(found, tokens, strict=True):
            scores.append(_scores(own, text))
    return [
        _similarity(each, scores, plan, fitted.token_map)
        for each, scores in zip(hows, found, strict=True)
    ]


def against(how: DenseAnswer, tokens: DenseTokens, token_map: TokenMap, text: Tensor) -> Similarity:
    """Compare what a pass over a whole image has yielded with text embeddings.

    Args:
        how: method, model and options.
        tokens: of a batch of one, the image's own embedding with them.
        token_map: geometry of the patches.
        text: unit vectors (texts, joint).
    """
    whole = WindowPlan.over(token_map.views[0].grid, how.encoder.patch, 0, 0)
    return _similarity(how, [_scores(tokens, text)], whole, token_map)


def _scores(tokens: DenseTokens, text: Tensor) -> tuple[Tensor, Tensor]:
    """Of windows' patches (windows, patches, texts), and of the windows (windows, texts)."""
    assert tokens.pooled is not None  # it was asked for
    return _cosine(tokens.patches, text), _cosine(tokens.pooled, text)


def _similarity(
    how: DenseAnswer,
    scores: Sequence[tuple[Tensor, Tensor]],
    plan: WindowPlan,
    token_map: TokenMap,
) -> Similarity:
    blended = plan.blend(torch.cat([patches for patches, _ in scores]))
    refined = how.method.refine(blended[None], how.options)[0]
    whole = torch.cat([whole for _, whole in scores]).amax(dim=0)
    return Similarity(refined, whole, token_map, len(plan.corners))


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


def presence(found: Similarity) -> Tensor:
    """Float32 (texts,): how much speaks for each text's object being in the image.

    Comparable between images and texts of one model and method; not a probability.
    """
    return (found.patches.amax(dim=0) + found.whole) / 2


def best_of_each(values: Tensor, owners: Sequence[int], classes: int) -> Tensor:
    """The largest value among each class's texts: (..., texts) -> (..., classes).

    Args:
        values: float (..., texts).
        owners: the class of every text; every class has one at least.
        classes: how many classes.
    """
    if len(owners) == classes:  # one text each, in order
        return values
    index = torch.tensor(owners).expand(values.shape)
    empty = values.new_full((*values.shape[:-1], classes), -torch.inf)
    return empty.scatter_reduce(-1, index, values, reduce="amax")
