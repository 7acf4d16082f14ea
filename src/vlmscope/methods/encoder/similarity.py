"""Every patch of an image against every text: raw cosine similarity, and presence, made of it.

Presence is one number per text that tells an absent object from a present one. The peak of a map says
how well the best patch fits; the model's own image embedding says how well the whole image fits,
including what only shows in the large. They err on different images, so their mean tells more than
either. Nothing in it is tuned.

ROC-AUC of presence / of the peak, over all pairs of image and class (``vlmscope eval --task
presence``):

============= ============================ ============================
method        100 photographs, DeiT-tiny   200 scenes, tiny-clip
============= ============================ ============================
gem           .900 / .882                  .997 / .946
clip-surgery  .905 / .895                  .996 / .936
maskclip      .900 / .871                  .996 / .933
sclip         .878 / .814                  .995 / .955
clip          .867 / .713                  .985 / .608
============= ============================ ============================

(gem with temperature=perplexity. The whole image alone: .867 on photographs, .997 on scenes.)

Tried and no better, on the same pairs (gem): the peak's z-score within its map (.539 / .478), the
contrast with the mean of null texts (.883 / .932 for the peak, .869 / .995 for the whole image),
z-scores over null texts summed (.898 / .992), softmax over all labels (.868 / .942), the mean of the
map (.817 / .736). Contrast with null texts costs embeddings and gains nothing.

As a gate, in ``segment``: mIoU with the background as a class, 48 classes of which most are absent, on
the 100 photographs (DeiT-tiny), thresholds chosen on one half and measured on the other, both ways, five
splits. 83% of the labelled pixels are background:

===================================== ===== ============ ========
what makes a pixel background         gem   clip-surgery maskclip
===================================== ===== ============ ========
nothing                               .110  .130         .093
softmax probability (``background``)  .139  .161         .117
presence of its class                 .128  .131         .119
cosine similarity (``least_score``)   .177  .217         .145
both (``least_presence`` with it)     .232  .254         .204
===================================== ===== ============ ========

(gem with temperature=perplexity. The softmax at its best scale, chosen with it: .173 for gem. The
presence gate with a softmax threshold on all classes: .133, on those that are left: .113. Compared on a
112x112 raster; ``segment`` at full size, gem, thresholds chosen on all images: .141 softmax, .241 both.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.encoder.defaults import default_side
from vlmscope.methods.encoder.texts import phrase_embeddings
from vlmscope.methods.encoder.tower import DenseFormula, DenseTokens, tokens_of_methods
from vlmscope.methods.encoder.window import WindowPlan
from vlmscope.models import DualEncoder
from vlmscope.post.maps import need_finite
from vlmscope.types import TokenMap

__all__ = [
    "PRESENCE",
    "DenseSetup",
    "Similarity",
    "against",
    "best_of_each",
    "compare",
    "compare_together",
    "presence",
    "scores_of",
    "similarity",
]

PRESENCE = "mean of the peak patch's and the whole image's cosine similarity with the text"
"""What the score is, in words, for records."""

_TOKENS_AT_A_TIME = 4096  # of the windows of one pass


class RefinedFormula(DenseFormula, Protocol):
    """A formula for the tower whose similarities have a last step of their own.

    Attributes:
        score_is: what the largest value of a map is, in words.
    """

    score_is: str

    def companions(self, encoder: DualEncoder, options: Any) -> Tensor | None:
        """Unit vectors (n, joint) that an image is compared with besides the texts; None: none."""
        ...

    def refine(self, similarity: Tensor, whole: Tensor, options: Any) -> Tensor:
        """A last step: cosines (batch, patches, texts + n), (batch, texts + n) -> of the texts."""
        ...

    def record(self) -> dict[str, Any]:
        """What a result says of the method beside its options: JSON values."""
        ...

    def cautions(self, encoder: DualEncoder, options: Any) -> tuple[str, ...]:
        """Sentences to read before trusting this method on this model."""
        ...


@dataclass(frozen=True, eq=False)
class DenseSetup:
    """A method on a model under options."""

    method: RefinedFormula
    encoder: DualEncoder
    options: Any

    @cached_property
    def side(self) -> int:
        """Side of the resized image in pixels."""
        return int(self.options.side) or default_side(self.encoder)

    @cached_property
    def companions(self) -> Tensor | None:
        """What an image is compared with besides the texts; see ``DenseMethod.companions``.

        Raises:
            BadOptionError, UnsupportedError: as there.
        """
        return self.method.companions(self.encoder, self.options)

    @property
    def view(self) -> tuple[int, bool, int, int]:
        """What of the image is seen, and how: side, whether its ratio is kept, window and stride."""
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


def compare(setup: DenseSetup, pixels: NDArray[np.uint8], text: Tensor) -> Similarity:
    """Compare an image with text embeddings, in one pass through the tower or window by window.

    Args:
        setup: method, model and options.
        pixels: uint8 (height, width, 3).
        text: unit vectors (texts, joint).

    Raises:
        BadOptionError: a side, window or stride out of range.
    """
    return compare_together([setup], pixels, text)[0]


def compare_together(
    setups: Sequence[DenseSetup], pixels: NDArray[np.uint8], text: Tensor
) -> list[Similarity]:
    """As :func:`compare` for several methods of one model that see the image alike: one pass for all.

    Args:
        setups: of one :attr:`DenseSetup.view`.
        pixels, text: as there.

    Raises:
        BadOptionError: a side, window or stride out of range.
        ValueError: methods that do not see the image alike.
    """
    setup = setups[0]
    if any(each.encoder is not setup.encoder or each.view != setup.view for each in setups):
        raise ValueError("Methods that are compared together share the model and the view.")
    encoder, patch = setup.encoder, setup.encoder.patch
    fitted = encoder.fit(pixels, setup.side, setup.options.keep_ratio)
    plan = WindowPlan.over(fitted.grid, patch, setup.options.window, setup.options.stride)
    batch = max(1, _TOKENS_AT_A_TIME // (plan.size[0] * plan.size[1]))
    runs = [(each.method, each.options) for each in setups]
    scores: list[list[tuple[Tensor, Tensor]]] = [[] for _ in setups]
    for values in plan.cut(fitted.values, patch, batch):
        tokens = tokens_of_methods(encoder, values, plan.size, runs, pooled=True)
        for each, of_method, method_tokens in zip(setups, scores, tokens, strict=True):
            of_method.append(scores_of(each, method_tokens, text))
    return [
        _similarity(each, of_method, plan, fitted.token_map)
        for each, of_method in zip(setups, scores, strict=True)
    ]


def against(
    setup: DenseSetup, tokens: DenseTokens, token_map: TokenMap, text: Tensor
) -> Similarity:
    """Compare what a pass over a whole image has yielded with text embeddings.

    Args:
        setup: method, model and options.
        tokens: of a batch of one, the image's own embedding with them.
        token_map: geometry of the patches.
        text: unit vectors (texts, joint).
    """
    whole = WindowPlan.over(token_map.views[0].grid, setup.encoder.patch, 0, 0)
    return _similarity(setup, [scores_of(setup, tokens, text)], whole, token_map)


def scores_of(setup: DenseSetup, tokens: DenseTokens, text: Tensor) -> tuple[Tensor, Tensor]:
    """Of windows' patches (windows, patches, n), and of the windows (windows, n).

    The method's last step is still to come. The n are the texts, then the method's companions.
    """
    if setup.companions is not None:
        text = torch.cat([text, setup.companions])
    assert tokens.pooled is not None  # it was asked for
    patches = _cosine(tokens.patches, text)
    if tokens.weights is not None:
        patches *= tokens.weights.float().cpu().unsqueeze(-1)
    return patches, _cosine(tokens.pooled, text)


def _similarity(
    setup: DenseSetup,
    scores: Sequence[tuple[Tensor, Tensor]],
    plan: WindowPlan,
    token_map: TokenMap,
) -> Similarity:
    blended = plan.blend(torch.cat([patches for patches, _ in scores]))
    whole = torch.cat([whole for _, whole in scores]).amax(dim=0)
    refined = setup.method.refine(blended[None], whole[None], setup.options)[0]
    return Similarity(refined, whole[: refined.shape[-1]], token_map, len(plan.corners))


def _cosine(vectors: Tensor, text: Tensor) -> Tensor:
    """(..., joint) against unit vectors (texts, joint): float32 (..., texts) on the CPU.

    In float32 whatever the weights are: half precision would round away small differences.

    Raises:
        AttentionError: values that are not finite, which no comparison would show later.
    """
    cosines: Tensor = (F.normalize(vectors.float(), dim=-1) @ text.float().T).cpu()
    need_finite(bool(cosines.isfinite().all()))
    return cosines


def similarity(
    setup: DenseSetup, pixels: NDArray[np.uint8], phrases: Sequence[str]
) -> tuple[Tensor, TokenMap]:
    """Cosine similarity of every patch with every phrase.

    Args:
        setup: method, model and options.
        pixels: uint8 (height, width, 3).
        phrases: names or expressions.

    Returns:
        float32 (patches, phrases) on the CPU, raw and comparable, and the geometry of the patches.
    """
    compared = compare(
        setup, pixels, phrase_embeddings(setup.encoder, phrases, setup.options.templates)
    )
    return compared.patches, compared.token_map


def presence(similarity: Similarity) -> Tensor:
    """Float32 (texts,): setup much speaks for each text's object being in the image.

    Comparable between images and texts of one model and method; not a probability.
    """
    return (similarity.patches.amax(dim=0) + similarity.whole) / 2


def best_of_each(values: Tensor, owners: Sequence[int], classes: int) -> Tensor:
    """The largest value among each class's texts: (..., texts) -> (..., classes).

    Args:
        values: float (..., texts).
        owners: the class of every text; every class has one at least.
        classes: setup many classes.
    """
    if len(owners) == classes:  # one text each, in order
        return values
    index = torch.tensor(owners).expand(values.shape)
    empty = values.new_full((*values.shape[:-1], classes), -torch.inf)
    return empty.scatter_reduce(-1, index, values, reduce="amax")
