"""Breakdowns: the scores of parts, worked out again in the plainest way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from made_rows import made_row, random_rows
from vlmscope.evaluation.breakdowns import BREAKDOWNS, REF_L4_SIZES, phrase_kinds
from vlmscope.evaluation.breakdowns.breakdown import breakdown_scores
from vlmscope.metrics import mean_over_images

SIZES, LENGTHS, KINDS = BREAKDOWNS


def size_part(share: float) -> str:
    """The part of an object, spelled out."""
    if share < 0.01:
        return "below 1%"
    if share < 0.04:
        return "1 to 4%"
    if share < 0.16:
        return "4 to 16%"
    return "16 to 36%" if share < 0.36 else "36% or more"


@pytest.mark.parametrize("seed", range(3))
def test_parts_have_the_scores_of_their_sentences(seed: int) -> None:
    rows = random_rows(200, seed)
    there = [row for row in rows if not row["absent"]]
    sizes, _, kinds = breakdown_scores(iter(rows), BREAKDOWNS, seed=5)
    for part in SIZES.parts:
        check(sizes.parts[part], [row for row in there if size_part(row["share"]) == part])
    for part in KINDS.parts:
        check(kinds.parts[part], [row for row in there if part in phrase_kinds(row["text"])])


def check(scores: Any, rows: list[dict[str, Any]]) -> None:
    accuracy, masks = scores
    assert (accuracy.metric, masks.metric) == ("Acc@0.5", "RES mIoU")
    images = [row["image"] for row in rows]
    assert (accuracy.n, accuracy.images) == (len(rows), len(set(images)))
    if not rows:
        assert accuracy.interval is masks.interval is None
        return
    for score, values in (
        (accuracy, [float(row["iou"] >= 0.5) for row in rows]),
        (masks, [row["mask_iou"] for row in rows]),
    ):
        assert score.interval.value == pytest.approx(np.mean(values))
        assert score.interval == pytest.approx(mean_over_images(values, images, seed=5))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("mug", "1"),
        ("red mug", "2"),
        ("the red mug", "3"),
        ("a b c d", "4 to 5"),
        ("a b c d e", "4 to 5"),
        ("a b c d e f", "6 to 9"),
        (" ".join("abcdefghi"), "6 to 9"),
        (" ".join("abcdefghij"), "10 or more"),
        ("it's, well - red-hot!", "3"),
    ],
)
def test_lengths(text: str, part: str) -> None:
    assert LENGTHS.of(made_row(0, text=text)) == (part,)


@pytest.mark.parametrize(
    ("box", "part"),
    [
        ((0, 0, 127.9, 127.9), "small"),
        ((0, 0, 128, 128), "medium"),
        ((10, 10, 266, 266), "medium"),
        ((0, 0, 64, 1025), "large"),
    ],
)
def test_sizes_of_ref_l4(box: tuple[float, ...], part: str) -> None:
    assert REF_L4_SIZES.of(made_row(0, truth=list(box))) == (part,)


def test_without_masks_there_is_no_score_of_masks() -> None:
    scores = breakdown_scores(random_rows(40, 1, masks=False), BREAKDOWNS)
    assert {s.metric for each in scores for part in each.parts.values() for s in part} == {
        "Acc@0.5"
    }


def test_rows_that_mean_nothing_leave_every_part_empty() -> None:
    rows = [made_row(0, absent=True, iou=None, share=None, truth=None)]
    for each in breakdown_scores(rows, BREAKDOWNS):
        assert {score.n for part in each.parts.values() for score in part} == {0}


def test_rows_are_read_once_and_none_is_kept() -> None:
    alive: list[int] = [0]

    class Counted(dict[str, Any]):
        def __init__(self, row: Mapping[str, Any]) -> None:
            super().__init__(row)
            alive[0] += 1

        def __del__(self) -> None:
            alive[0] -= 1

    most = [0]

    def stream() -> Iterator[Mapping[str, Any]]:
        for row in random_rows(300, 2):
            yield Counted(row)
            most[0] = max(most[0], alive[0])

    breakdown_scores(stream(), BREAKDOWNS)
    assert most[0] <= 3
