"""The page of runs that are none of our methods: comparators, and runs with SAM's masks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from opponents import Planted, boxes
from sams import refiner
from views import blocks_of, page_view, pictures_of, words_of
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.evaluation import choose, evaluate, write_report
from vlmscope.evaluation.page.eval_results import eval_result_entries
from vlmscope.evaluation.scores import Evaluation


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("any") / "m"
    make_tiny("refcoco-m", folder, 3)
    guests: dict[str, Any] = {
        "blind": Planted(lambda phrase: boxes()),
        "fixed": Planted(lambda phrase: boxes((0, 0, 40, 40)), id="other"),
        "choosy": Planted(lambda phrase: "too long", id="third"),
    }
    return evaluate(
        open_dataset("refcoco-m", folder),
        vs.load("tiny-llava", device="cpu"),
        choose(["localization-heads"]),
        against=guests,
        refiner=refiner(),
        refine_prompts=["box"],
        progress=False,
    )


def test_every_run_has_examples_parts_and_a_place_in_failures(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    data, text, page = write_report(evaluation, tmp_path)
    record = json.loads(data.read_text("utf-8"))
    labels = [run.label for run in evaluation.runs]
    assert len(labels) == 8 and set(record["breakdowns"]) == set(labels)
    assert len(record["failures"]["pairs"]) == 8 * 7 // 2
    view = page_view(page)
    content, titles = words_of(view), [each["text"] for each in blocks_of(view, "heading")]
    for label in labels:
        for group in ("the best", "the worst", "unchosen"):
            assert f"{label}: {group}" in titles
    assert len(pictures_of(view)) == sum(
        len(run.rows)
        for run in evaluation.sentences.examples  # type: ignore[union-attr]
    )
    assert "no box" in content and "owner/planted" in content
    assert content.count("a box is not taken for one") == 3
    assert "owner/planted" in text.read_text("utf-8")


def test_two_runs_that_find_nothing_fail_together(evaluation: Evaluation) -> None:
    assert evaluation.sentences is not None and evaluation.sentences.failures is not None
    [pair] = [
        pair for pair in evaluation.sentences.failures.pairs if pair.labels == ("blind", "choosy")
    ]
    assert (pair.both.interval, pair.expected) == ((1, 1, 1), 1)
    same = [
        pair
        for pair in evaluation.sentences.failures.pairs
        if pair.labels == ("localization-heads", "localization-heads+sam:box")
    ]
    assert [(p.first.interval or [None])[0] for p in same] == [0]  # SAM moves no box


def test_runs_without_masks_have_no_mask_scores_in_parts(evaluation: Evaluation) -> None:
    assert evaluation.sentences is not None
    metrics = {
        label: {score.metric for each in ways for part in each.parts.values() for score in part}
        for label, ways in evaluation.sentences.breakdowns.items()
    }
    assert metrics["fixed"] == {"Acc@0.5"}
    assert metrics["fixed+sam:box"] == metrics["localization-heads"] == {"Acc@0.5", "RES mIoU"}


def test_heads_are_credited_with_sams_masks_too_and_guests_are_not_entered(
    evaluation: Evaluation,
) -> None:
    run = evaluation["localization-heads+sam:box"]
    assert run.setting["heads"]["heads"] == ["L2H0", "L2H3", "L2H4"]
    assert run.setting["heads_overlap"] == {"images": 0, "scored": 3}
    notes = [entry["notes"] for entry in eval_result_entries(evaluation)]
    names = {re.search(r"; \S+(?: \S+)? of (\S+), refcoco-m val", note)[1] for note in notes}  # type: ignore[index]
    assert names == {"localization-heads", "localization-heads+sam:box"}
