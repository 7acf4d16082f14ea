"""Is it there at all? One number per text that tells an absent object from a present one.

The peak of a map says how well the best patch fits; the model's own image embedding says how well
the whole image fits, including what only shows in the large. They err on different images, so their
mean tells more than either. Nothing in it is tuned.

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

import torch
from torch import Tensor

from vlmscope.methods.dense.similarity import Similarity

__all__ = ["PRESENCE", "best_of_each", "presence"]

PRESENCE = "mean of the peak patch's and the whole image's cosine similarity with the text"
"""What the score is, in words, for records."""


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
