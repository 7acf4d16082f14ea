"""Examples: best and worst are what they say, and the unchosen know nothing of results."""

from __future__ import annotations

from typing import Any

import pytest

from made_rows import made_row, random_rows
from vlmscope.evaluation.breakdowns.examples import _Least, examples_of


def ids(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize("seed", range(4))
def test_best_and_worst_are_the_extremes_of_different_images(seed: int) -> None:
    rows = random_rows(150, seed)
    found = examples_of("run", iter(rows), seed=seed)
    there = [row for row in rows if not row["absent"]]
    for shown, best in ((found.best, max), (found.worst, min)):
        images = [row["image"] for row in shown]
        assert len(images) == len(set(images)) == 4
        extremes = [
            best((r["iou"], r["mask_iou"]) for r in there if r["image"] == image)
            for image in {row["image"] for row in there}
        ]
        wanted = sorted(extremes, reverse=best is max)[:4]
        assert [(row["iou"], row["mask_iou"]) for row in shown] == wanted


def test_the_unchosen_do_not_depend_on_results_or_order() -> None:
    rows = random_rows(150, 0)
    shown = ids(examples_of("run", rows, seed=1).unchosen)
    worse = [row if row["absent"] else {**row, "iou": 0.0, "score": -1.0} for row in rows]
    assert ids(examples_of("other", worse[::-1], seed=1).unchosen) == shown
    assert len(shown) == len(set(shown)) == 12
    assert ids(examples_of("run", rows, seed=2).unchosen) != shown


def test_every_sentence_is_drawn_about_equally_often() -> None:
    rows = [made_row(number) for number in range(48)]
    counts = dict.fromkeys(ids(rows), 0)
    for seed in range(200):
        for each in ids(examples_of("run", rows, seed=seed).unchosen):
            counts[each] += 1
    assert sum(counts.values()) == 2_400
    assert min(counts.values()) > 25 and max(counts.values()) < 80  # 50 each, give or take 4 sigma


def test_small_sets_show_what_there_is() -> None:
    rows = [made_row(0), made_row(1, absent=True, iou=None, mask_iou=None)]
    found = examples_of("run", rows)
    assert ids(found.best) == ids(found.worst) == ["s0"]
    assert sorted(ids(found.unchosen)) == ["s0", "s1"]
    assert set(found.to_dict()) == {"best", "worst", "unchosen"}


def test_equal_ones_are_shown_by_lot_not_by_order() -> None:
    rows = [made_row(number, image=f"i{number}", iou=0.0) for number in range(40)]
    shown = ids(examples_of("run", rows, seed=0).worst)
    assert shown == ids(examples_of("run", rows[::-1], seed=0).worst)
    assert shown != ids(rows[:4])


def test_a_few_rows_are_kept_whatever_their_number() -> None:
    least = _Least(3, lambda row: (row["iou"], 0.0, row["id"]), lambda row: row["image"])
    for row in random_rows(500, 3):
        if not row["absent"]:
            least.add(row)
            assert len(least._kept) <= 3
