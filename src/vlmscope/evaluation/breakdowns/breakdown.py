"""Acc@0.5 and mean mask IoU of parts of a data set: by object size, phrase length, kind of phrase."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vlmscope.evaluation.breakdowns.phrase_kinds import KINDS, phrase_kinds, words_of
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.ref_l4 import LARGEST_MEDIUM, SMALLEST_MEDIUM
from vlmscope.metrics.score import Score

__all__ = [
    "ACCURACY",
    "BREAKDOWNS",
    "MASK_IOU",
    "REF_L4_SIZES",
    "Breakdown",
    "BreakdownScores",
    "breakdown_scores",
]

ACCURACY, MASK_IOU = "Acc@0.5", "RES mIoU"
"""The scores of a part, defined as those of the whole."""

_HIT = 0.5
_SHARES = (0.01, 0.04, 0.16, 0.36)  # squares of tenths of a side: 1, 2, 4 and 6
_WORDS = (2, 3, 4, 6, 10)


@dataclass(frozen=True)
class Breakdown:
    """A way to part sentences.

    Attributes:
        id: what it is called.
        rule: which sentence belongs where, word for word for the report.
        parts: names, in order.
        of: from a row to the parts that its sentence belongs to: one, several or none.
    """

    id: str
    rule: str
    parts: tuple[str, ...]
    of: Callable[[Mapping[str, Any]], Sequence[str]]


@dataclass(frozen=True)
class BreakdownScores:
    """The scores of one run, part by part.

    Attributes:
        id, rule: of the breakdown.
        parts: name of a part -> its scores: Acc@0.5, and RES mIoU where the set has masks.
    """

    id: str
    rule: str
    parts: Mapping[str, tuple[Score, ...]]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        parts = {
            name: {score.metric: score.to_dict() for score in scores}
            for name, scores in self.parts.items()
        }
        return {"rule": self.rule, "parts": parts}


def breakdown_scores(
    rows: Iterable[Mapping[str, Any]], breakdowns: Sequence[Breakdown], *, seed: int = 0
) -> list[BreakdownScores]:
    """The scores of the parts of one run's sentences; those that mean nothing are left out.

    Args:
        rows: one per sentence (:mod:`vlmscope.evaluation.rows`), read once; sums per image are kept.
        breakdowns: ways to part them.
        seed: of the bootstraps over images.

    Raises:
        BadSampleError: a sentence that is there twice.
    """
    sums = ImageSums.of(
        (row for row in rows if not row["absent"]), lambda row: _measured(row, breakdowns)
    )
    masks = bool(sums["masks"].any())
    return [
        BreakdownScores(
            each.id,
            each.rule,
            {part: _scores(sums, _key(each, part), masks, seed) for part in each.parts},
        )
        for each in breakdowns
    ]


def _measured(row: Mapping[str, Any], breakdowns: Sequence[Breakdown]) -> dict[str, float]:
    mask = row["mask_iou"]
    hit, drawn, overlap = float(row["iou"] >= _HIT), float(mask is not None), float(mask or 0.0)
    numbers = {"masks": drawn}
    for each in breakdowns:
        chosen = each.of(row)
        for part in each.parts:
            inside, key = float(part in chosen), _key(each, part)
            numbers[f"{SENTENCES} {key}"] = inside
            numbers[f"{ACCURACY} {key}"] = inside * hit
            numbers[f"masks {key}"] = inside * drawn
            numbers[f"{MASK_IOU} {key}"] = inside * overlap
    return numbers


def _scores(sums: ImageSums, key: str, masks: bool, seed: int) -> tuple[Score, ...]:
    every, drawn = f"{SENTENCES} {key}", f"masks {key}"
    if not masks:
        groups: list[tuple[tuple[str, ...], str]] = [((ACCURACY,), every)]
    elif np.array_equal(sums[every], sums[drawn]):  # one draw of images serves both
        groups = [((ACCURACY, MASK_IOU), every)]
    else:
        groups = [((ACCURACY,), every), ((MASK_IOU,), drawn)]
    return tuple(
        replace(score, metric=metric)
        for metrics, over in groups
        for metric, score in zip(
            metrics,
            sums.scores([f"{metric} {key}" for metric in metrics], over=over, seed=seed),
            strict=True,
        )
    )


def _key(breakdown: Breakdown, part: str) -> str:
    return f"{breakdown.id}: {part}"


# -- the ways --------------------------------------------------------------------------


_SIZES = ("below 1%", "1 to 4%", "4 to 16%", "16 to 36%", "36% or more")
_LENGTHS = ("1", "2", "3", "4 to 5", "6 to 9", "10 or more")
_ROOTS = ("small", "medium", "large")


def _size(row: Mapping[str, Any]) -> tuple[str]:
    return (_SIZES[bisect_right(_SHARES, row["share"])],)


def _length(row: Mapping[str, Any]) -> tuple[str]:
    return (_LENGTHS[bisect_right(_WORDS, len(words_of(row["text"])))],)


def _root(row: Mapping[str, Any]) -> tuple[str]:
    x0, y0, x1, y1 = row["truth"]
    root = math.sqrt((x1 - x0) * (y1 - y0))
    if root < SMALLEST_MEDIUM:
        return (_ROOTS[0],)
    return (_ROOTS[1] if root <= LARGEST_MEDIUM else _ROOTS[2],)


BREAKDOWNS = (
    Breakdown(
        "object size",
        "share of the image that the object's mask covers, or its box where there is no mask; the "
        "lower end of a part belongs to it",
        _SIZES,
        _size,
    ),
    Breakdown(
        "phrase length",
        "words of the sentence: runs of letters and digits, with apostrophes and hyphens inside",
        _LENGTHS,
        _length,
    ),
    Breakdown(
        "kind of phrase",
        "by lists of English words (vlmscope/evaluation/breakdowns/phrase_kinds.py); a sentence may "
        "have several kinds, plain is one with no other, and one without a letter from a to z has none",
        KINDS,
        lambda row: phrase_kinds(row["text"]),
    ),
)
"""The ways to part any set of sentences."""

REF_L4_SIZES = Breakdown(
    "Ref-L4 size",
    f"square root of the box's width times height in pixels: small below {SMALLEST_MEDIUM}, large above "
    f"{LARGEST_MEDIUM}; Acc@0.5 with an IoU of .5 or more, unlike Ref-L4 Acc@0.5",
    _ROOTS,
    _root,
)
"""Ref-L4's own sizes, for that set."""
