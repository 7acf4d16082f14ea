"""Runs held against one of them: in every score, on both halves, and chosen on one for the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dual_families import clip
from panoptic_folder import small_folder
from vlmscope.data.datasets import WordList, open_dataset
from vlmscope.errors import BadOptionError, BadSampleError, UnknownNameError
from vlmscope.evaluation.breakdowns.comparisons import Comparisons, check_base, comparisons_of
from vlmscope.evaluation.configured_methods import choose
from vlmscope.evaluation.confusion import class_sums, mean_of_union
from vlmscope.evaluation.page.comparison_tables import comparison_tables
from vlmscope.evaluation.report import markdown, write_report
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation
from vlmscope.metrics.paired import SummedScore

IDS = ("a", "b", "c", "d")
# right pixels of class 0 out of ten in each image; the rest is called class 1, which is nowhere true
RIGHT = {"base": (4, 4, 4, 4), "even": (8, 2, 6, 2), "odd": (2, 8, 2, 6)}


def pooled(right: tuple[int, ...], images: tuple[int, ...]) -> float:
    """mIoU over both classes, of which the second is only predicted."""
    return sum(right[i] for i in images) / (10 * len(images)) / 2


def runs(ids: tuple[str, ...] = IDS) -> dict[str, list[SummedScore]]:
    counts = {label: [[[0, 0, n], [0, 1, 10 - n]] for n in right] for label, right in RIGHT.items()}
    return {
        label: [SummedScore("mIoU", ids, sums, mean_of_union(sums))]
        for label, sums in ((label, class_sums(images, 2)) for label, images in counts.items())
    }


def test_halves_and_the_choice_by_hand() -> None:
    found = comparisons_of(runs(), "base", IDS, halves=True)
    assert [each.run for each in found.runs] == ["even", "odd"]
    even = found.runs[0]
    assert even.paired.ratio is not None and even.paired.ratio.value == pytest.approx(18 / 16)
    halves = [each.ratio.value for each in even.halves if each.ratio]
    assert halves == pytest.approx([14 / 8, 4 / 8])  # images a and c, then b and d
    [crossed] = found.crossed
    # the best on the second half is "odd", which is scored on the first: 2 + 2, and the reverse
    assert crossed.chosen == ("odd", "even")
    assert crossed.score is not None
    mixed = (2, 2, 2, 2)
    assert crossed.score.value == pytest.approx(pooled(mixed, (0, 1, 2, 3)))
    assert crossed.paired.ratio is not None
    assert crossed.paired.ratio.value == pytest.approx(0.5)
    assert crossed.paired.difference is not None
    assert crossed.paired.difference.value == pytest.approx(-0.1)


def test_halves_are_those_of_the_evaluation_whatever_images_a_score_has() -> None:
    """The image before them counts nothing, so that b and d are in the first half."""
    found = comparisons_of(runs(), "base", ("before", *IDS), halves=True)
    halves = [each.ratio.value for each in found.runs[0].halves if each.ratio]
    assert halves == pytest.approx([4 / 8, 14 / 8])


def test_without_halves_nothing_is_said_of_them() -> None:
    found = comparisons_of(runs(), "even", IDS)
    assert [each.run for each in found.runs] == ["base", "odd"]
    assert found.crossed == () and found.runs[0].halves == ()
    record = found.to_dict()
    assert "crossed" not in record and "halves" not in record["runs"][0]
    assert "half" not in found.rule
    [table] = comparison_tables(found)
    assert "ratio on halves" not in table.columns and len(table.rows) == 2


def test_a_half_without_a_score_chooses_nothing() -> None:
    found = comparisons_of(runs(("a", "b", "c", "d")), "base", ("a", "x", "b", "y", "c", "z", "d"),
                           halves=True)  # fmt: skip
    assert found.crossed == ()
    assert found.runs[0].halves[1].ratio is None
    [table] = comparison_tables(found)
    assert table.rows[0][4].endswith(" / –")


def test_scores_that_a_run_lacks_are_not_compared() -> None:
    some = runs()
    some["odd"] = []
    assert [each.run for each in comparisons_of(some, "base", IDS).runs] == ["even"]
    some["odd"] = runs(("a", "b", "c", "e"))["odd"]
    with pytest.raises(BadSampleError, match="odd has it on other images"):
        comparisons_of(some, "base", IDS)


@pytest.mark.parametrize(
    ("base", "halves", "labels", "images", "error", "reason"),
    [
        (None, True, ["gem"], 2, BadOptionError, "--ratio-to RUN"),
        ("gme", False, ["gem", "clip"], 2, UnknownNameError, "gem"),
        ("gem", False, ["gem"], 2, BadOptionError, "takes two"),
        ("gem", True, ["gem", "clip"], 1, BadOptionError, "two images"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    base: str | None,
    halves: bool,
    labels: list[str],
    images: int,
    error: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(error, match=reason):
        check_base(base, halves, labels, images)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    words = WordList("words", {"cat": ("cat",), "bus": ("bus",), "zebra": ("dog",)})
    data = open_dataset("coco-panoptic", small_folder(tmp_path_factory.mktemp("d")).write(), words)
    choices = choose(["clip", "maskclip", "clearclip"], {}, {"keep_ratio": False})
    return evaluate(data, clip(), choices, progress=False, ratio_to="clip", halves=True)


def test_every_score_of_an_evaluation(evaluation: Evaluation, tmp_path: Path) -> None:
    compared = evaluation.comparisons
    assert isinstance(compared, Comparisons)
    names = {"pointing", "mIoU", "mIoU present", "pixel accuracy"}
    names |= {f"{kind} AUC" for kind in ("presence", "peak", "rivals")}
    assert {(each.run, each.metric) for each in compared.runs} == {
        (run, name) for run in ("maskclip", "clearclip") for name in names
    }
    for each in compared.runs:
        one, two = (evaluation[label][each.metric].interval for label in (each.run, "clip"))
        assert one is not None and two is not None
        if each.paired.ratio is not None:
            assert each.paired.ratio.value == pytest.approx(one.value / two.value)
        assert each.paired.difference is not None
        assert each.paired.difference.value == pytest.approx(one.value - two.value)
    data, text, page = write_report(evaluation, tmp_path)
    record = json.loads(data.read_text("utf-8"))["comparisons"]
    assert record["base"] == "clip" and len(record["runs"]) == 14
    first = record["runs"][0]
    assert set(first) == {"run", "metric", "images", "ratio", "difference", "halves"}
    assert set(first["difference"]) == {"value", "low", "high"} and len(first["halves"]) == 2
    for content in (text.read_text("utf-8"), page.read_text("utf-8")):
        assert "Compared with clip" in content
        assert "Chosen on one half, scored on the other" in content
        assert "every other image" in content
    assert np.isfinite(first["difference"]["value"])
    assert "| maskclip | mIoU |" in markdown(evaluation)
