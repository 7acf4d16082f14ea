"""What the text side makes of the words: those it does not know, and those it cannot tell apart.

A map comes out either way, so without a word about it the first of two classes that are read alike
takes all of their pixels, and a word that the model never learned points somewhere like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmscope.errors import quoted
from vlmscope.models import DualEncoder

__all__ = ["alike_caution", "read_alike", "unknown_caution"]

_SAME = 1e-4  # between unit vectors; padding in a batch moves the same text by about 1e-6


def read_alike(vectors: Tensor, owners: Sequence[int]) -> list[tuple[int, ...]]:
    """Groups of owners that have texts with the same embedding, each ascending, first owner first.

    Args:
        vectors: unit vectors (texts, joint).
        owners: whose every text is; texts of one owner may be alike.
    """
    values = vectors.detach().double().cpu()
    # the same vectors are neighbours along any direction: no product of all with all, which 65,535
    # classes would make long
    direction = torch.arange(1, values.shape[1] + 1, dtype=torch.float64).square().cos()
    order = (values @ direction).argsort(stable=True)
    same = (values[order[1:]] - values[order[:-1]]).norm(dim=1) < _SAME
    runs: list[set[int]] = [set()]
    for text, goes_on in zip(order.tolist(), [True, *same.tolist()], strict=True):
        if not goes_on:
            runs.append(set())
        runs[-1].add(owners[text])
    return sorted({tuple(sorted(run)) for run in runs if len(run) > 1})


def alike_caution(encoder: DualEncoder, names: Sequence[str], effect: str) -> str:
    """A sentence about names that a model reads alike.

    Args:
        encoder: the model.
        names: two or more.
        effect: what that does to the result, a clause.
    """
    return f"{encoder.id} reads {quoted(names)} alike and cannot tell them apart: {effect}."


def unknown_caution(encoder: DualEncoder, texts: Sequence[str]) -> tuple[str, ...]:
    """A sentence about the words that a model's vocabulary lacks; none where it knows all."""
    words = encoder.family.unknown_words(encoder.processor, texts)
    if not words:
        return ()
    return (f"The vocabulary of {encoder.id} lacks {quoted(words)}: read as 'unknown'.",)
