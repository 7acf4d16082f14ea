"""The report states the protocol, and is written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dual_families import clip
from panoptic_folder import small_folder
from views import words_of
from vlmscope.data.datasets import WordList, open_dataset
from vlmscope.errors import OutputError, UnknownNameError
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.report import markdown, write_report
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation, RunScores, score_table
from vlmscope.version import __version__

WORDS = WordList("my words", {"cat": ("cat",), "bus": ("bus",), "zebra": ("dog",)}, "3")


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = small_folder(tmp_path_factory.mktemp("report") / "data")
    folder.png(9).write_text("no | picture")
    data = open_dataset("coco-panoptic", folder.write(), WORDS)
    options = {"gem@80": {"templates": "imagenet", "side": 48}}
    choices = choose(["gem", "gem@80"], options, {"keep_ratio": False})
    return evaluate(data, clip(), choices, progress=False, seed=5)


def test_json_and_markdown_state_the_protocol(evaluation: Evaluation, tmp_path: Path) -> None:
    data, text, page = write_report(evaluation, tmp_path / "new" / "folder")
    html = words_of(page)
    for content in (data.read_text("utf-8"), text.read_text("utf-8"), html):
        for stated in (
            "coco-panoptic",
            "random-clip",
            "float32",
            "squashed to 32x32",
            "squashed to 48x48",
            "'a photo of a {}.'",
            "mean of 80 templates",
            "my words",
            WORDS.digest,
            "2% to 80% of the image",
            "one confusion matrix",
            "the best of its names",
            "percentile bootstrap over images, 1000 resamples, seed 5",
            __version__,
            "transformers",
            "temperature",
            "is damaged",
        ):
            assert stated in content, stated


def test_json_holds_every_score_with_its_interval(evaluation: Evaluation, tmp_path: Path) -> None:
    path, *_ = write_report(evaluation, tmp_path)
    record = json.loads(path.read_text("utf-8"))
    assert record["format"] == "vlmscope-evaluation/1"
    assert record["images"] == 4
    assert [skipped["image"] for skipped in record["skipped"]] == ["9"]
    gem, other = record["runs"]
    assert (gem["label"], other["label"], other["method"]) == ("gem", "gem@80", "gem")
    assert other["setting"]["options"]["side"] == 48
    for score in gem["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
        assert score["n"] > 0 and score["images"] > 0
    assert gem["scores"]["mIoU"]["classes_present"] == 3
    assert set(gem["scores"]["mIoU"]["iou_by_class"]) == {"cat", "bus", "zebra"}


def test_markdown_has_one_row_per_run_and_says_what_was_skipped(evaluation: Evaluation) -> None:
    lines = markdown(evaluation).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[0].startswith("| run | pointing | chance | mIoU | mIoU present |")
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| gem", "| gem@80"]
    assert len({row.count("|") for row in rows}) == 1
    assert str(evaluation["gem"]["mIoU"]) in rows[2]
    assert "4 images measured, 1 skipped" in "\n".join(lines)
    assert any(line.startswith("- 9: The panoptic picture") for line in lines)


def test_many_scores_stand_below_each_other(evaluation: Evaluation) -> None:
    def many(count: int) -> list[RunScores]:
        [score, *_] = evaluation.runs[0].scores
        scores = tuple(replace(score, metric=f"m{number}") for number in range(count))
        return [replace(run, scores=scores) for run in evaluation.runs]

    heads, rows = score_table(many(8))
    assert heads == ["run", *(f"m{number}" for number in range(8))]
    assert [row[0] for row in rows] == ["gem", "gem@80"]
    turned, lines = score_table(many(9))
    assert turned == ["score", "gem", "gem@80"]
    assert [line[0] for line in lines] == [f"m{number}" for number in range(9)]
    assert {cell for line in lines for cell in line[1:]} == {rows[0][1]}


def test_a_long_list_of_skipped_images_is_cut_in_markdown_alone(evaluation: Evaluation) -> None:
    many = Evaluation(evaluation.protocol, 1, tuple(evaluation.skipped[:1]) * 25, evaluation.runs)
    assert "- and 5 more, all in report.json" in markdown(many)
    assert len(many.to_dict()["skipped"]) == 25


def test_a_folder_that_cannot_be_written_is_an_error(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        write_report(evaluation, tmp_path / "file")


def test_unknown_runs_and_metrics_are_answered_with_the_nearest(evaluation: Evaluation) -> None:
    with pytest.raises(UnknownNameError, match="'gem@8'.*'gem@80'"):
        evaluation["gem@8"]
    with pytest.raises(UnknownNameError, match="'miou'.*'mIoU'"):
        evaluation["gem"]["miou"]
