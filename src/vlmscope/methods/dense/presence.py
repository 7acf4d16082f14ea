"""Is it there at all? One number per text that tells an absent object from a present one.

The peak of a map says how well the best patch fits; the model's own image embedding says how well
the whole image fits, including what only shows in the large. They err on different images, so their
mean tells more than either.
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
