"""Weights that a checkpoint may hold though nothing in the model takes them, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["EVERYWHERE", "POOLER", "TOWER_HEAD", "SpareWeights", "unexplained"]


@dataclass(frozen=True)
class SpareWeights:
    """Some weights that may be left over.

    Attributes:
        pattern: a regular expression, searched in their names as transformers spells them.
        reason: why the model computes the same without them.
    """

    pattern: str
    reason: str


EVERYWHERE = (
    SpareWeights(r"(^|\.)position_ids$", "0, 1, 2 ...: older files stored what is now counted"),
    SpareWeights(r"rotary\w*\.inv_freq$", "follows from the configuration; older files stored it"),
    SpareWeights(
        r"\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.\S+|SCB|weight_format)$",
        "bookkeeping of bitsandbytes; weights that it belongs to are checked by their shapes",
    ),
)
"""What every family may leave over."""

POOLER = SpareWeights(r"(^|\.)pooler\.dense\.", "a summary that the head in use does not read")

TOWER_HEAD = SpareWeights(
    r"(^|\.)vision_(tower|model)\.(vision_model\.)?head\.",
    "SigLIP pools the image for its own text; a decoder reads the patches before that",
)


def unexplained(keys: Iterable[str], spare: Iterable[SpareWeights]) -> list[str]:
    """The names among ``keys`` that neither ``spare`` nor :data:`EVERYWHERE` lets be, sorted."""
    patterns = [re.compile(each.pattern) for each in (*EVERYWHERE, *spare)]
    return sorted(key for key in keys if not any(pattern.search(key) for pattern in patterns))
