"""Comparators on trial: what they find is scored as it stands, and nothing is made up for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from detectors import tiny_florence, tiny_grounding_dino, tiny_owlv2
from opponents import Planted, boxes
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.evaluation import comparators
from vlmscope.evaluation.comparators import Found
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.report import markdown
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation, remarks
from vlmscope.evaluation.thresholds import Thresholds

BOX = (10.0, 20.0, 50.0, 60.0)
FAR = (0.0, 0.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for like in ("refcoco-m", "grefcoco"):
        make_tiny(like, folder / like, 2)
    return folder


@pytest.fixture(scope="module")
def data(root: Path) -> Dataset:
    return open_dataset("refcoco-m", root / "refcoco-m")


@pytest.fixture(scope="module")
def model() -> Any:
    return vs.load("tiny-llava", device="cpu")


def truths(data: Dataset) -> dict[str, Any]:
    """The objects by what is said of them; what is said of two has the first."""
    referents = [r for image in data.image_ids for r in data.load(image).referents]
    return {r.label: r.target for r in reversed(referents)}


def measured(
    data: Dataset, model: Any, tmp_path: Path, *against: Any, **options: Any
) -> tuple[Evaluation, list[dict[str, Any]]]:
    rows = tmp_path / "rows.jsonl"
    result = evaluate(
        data,
        model,
        choose(["mean-attention"]),
        against=against,
        rows=rows,
        progress=False,
        **options,
    )
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    return result, [line for line in lines if line["method"] != "mean-attention"]


def test_geometry_of_the_best_box(data: Dataset, model: Any, tmp_path: Path) -> None:
    result, rows = measured(data, model, tmp_path, Planted(lambda _: boxes(BOX, FAR)))
    assert [run.label for run in result.runs] == ["mean-attention", "planted"]
    for row in rows:
        assert row["box"] == list(BOX) and row["point"] == [30.0, 40.0]
        assert row["score"] == pytest.approx(0.9)
        assert (row["mask_iou"], row["inside"], row["union"]) == (None, None, None)
        x0, y0, x1, y1 = row["truth"]
        assert row["centre"] == (x0 <= 30 < x1 and y0 <= 40 < y1)
    planted = result["planted"]
    assert planted["Acc@0.5"].n == len(rows) > 0
    assert (planted["RES oIoU"].interval, planted["RES oIoU"].n) == (None, 0)
    assert "a box is not taken for one" in planted.setting["mask"]


def test_whoever_finds_the_true_boxes_is_always_right(
    data: Dataset, model: Any, tmp_path: Path
) -> None:
    known = truths(data)
    right = Planted(lambda phrase: boxes(known[phrase].box, FAR))
    drawn = Planted(
        lambda phrase: boxes(known[phrase].box, mask=known[phrase].mask), id="drawn", draws=True
    )
    result, rows = measured(data, model, tmp_path, right, drawn)
    unlike = sum(row["iou"] < 1 for row in rows if row["method"] == "planted")
    sentences = result["planted"]["Acc@0.9"].n
    # two objects of one sentence cannot both be found
    assert result["planted"]["Acc@0.9"].interval.value == pytest.approx(1 - unlike / sentences)
    assert unlike < sentences / 4
    res = result["drawn"]["RES mIoU"]
    assert res.n == sentences and res.interval.value > 0.75
    assert result["drawn"].setting["mask"] == "its own"


def test_nothing_found_is_wrong_and_not_left_out(data: Dataset, model: Any, tmp_path: Path) -> None:
    result, rows = measured(data, model, tmp_path, Planted(lambda _: boxes()))
    assert all(row["box"] is None and row["iou"] == 0 and not row["pointing"] for row in rows)
    assert {row["score"] for row in rows} == {0.0}
    for metric in ("Acc@0.5", "mAcc", "centre", "pointing"):
        assert result["planted"][metric].interval.value == 0
        assert result["planted"][metric].n == len(rows)


def test_a_phrase_that_it_cannot_be_asked_is_wrong_and_counted(
    data: Dataset, model: Any, tmp_path: Path
) -> None:
    known = truths(data)
    long = sorted(known)[0]

    def answer(phrase: str) -> Found | str:
        if phrase == long:
            return "The phrase has 21 tokens."
        return boxes(BOX, notes=("cut to 7 of 9",) if len(phrase) > 20 else ())

    result, rows = measured(data, model, tmp_path, Planted(answer))
    refused = [row for row in rows if row["text"] == long]
    assert refused and all(row["box"] is None for row in refused)
    cut = sum(len(row["text"]) > 20 and row["text"] != long for row in rows)
    noted = result["planted"]["noted"]
    assert noted.detail["notes"] == {"cut to N of N": cut, "The phrase has N tokens.": len(refused)}
    assert (noted.detail["count"], noted.n) == (cut + len(refused), len(rows))
    assert f"planted: {cut} x cut to N of N" in remarks(result)
    assert f"- planted: {cut} x cut to N of N" in markdown(result)
    assert len(result.skipped) == 0 and result["mean-attention"]["Acc@0.5"].n == len(rows)


def test_each_revision_has_records_of_its_own(data: Dataset, model: Any, tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"

    def run(comparator: Planted) -> Any:
        return measured(data, model, tmp_path, comparator, resume=state)

    first = Planted(lambda _: boxes(BOX))
    _, before = run(first)
    again = Planted(lambda _: pytest.fail("it was asked again"))
    assert run(again)[1] == before
    for other in (
        Planted(lambda _: boxes(FAR), revision="two"),
        Planted(lambda _: boxes(FAR), name="owner/other"),
        Planted(lambda _: boxes(FAR), dtype="float16"),
    ):
        _, rows = run(other)
        assert other.calls == len(rows) and all(row["box"] == list(FAR) for row in rows)
    assert run(again)[1] == before


def test_labels_that_meet_are_refused(data: Dataset, model: Any) -> None:
    two = [Planted(lambda _: boxes(BOX)), Planted(lambda _: boxes(FAR))]
    with pytest.raises(BadOptionError, match="Two runs are called 'planted'"):
        evaluate(data, model, choose(["mean-attention"]), against=two, progress=False)
    with pytest.raises(BadOptionError, match="Two runs are called 'mean-attention'"):
        named = {"mean-attention": two[0]}
        evaluate(data, model, choose(["mean-attention"]), against=named, progress=False)
    named = {"planted@one": two[0], "planted@two": two[1]}
    result = evaluate(data, model, choose(["mean-attention"]), against=named, progress=False)
    assert [run.label for run in result.runs][1:] == ["planted@one", "planted@two"]
    assert {run.method for run in result.runs[1:]} == {"planted"}


def test_tasks_that_compare_classes_are_left_out_and_said() -> None:
    scenes, clip = open_dataset("tiny-scenes"), vs.load("tiny-clip", device="cpu")
    planted = Planted(lambda _: boxes(BOX))
    run = {"against": [planted], "progress": False, "limit": 1}
    result = evaluate(scenes, clip, choose(["gem"]), **run)
    assert result.protocol["left_out"] == (
        "segmentation, presence: they compare classes, which these cannot: planted"
    )
    assert remarks(result)[0].startswith("left out: segmentation")
    assert "mIoU" not in [score.metric for score in result["gem"].scores]
    with pytest.raises(UnsupportedError, match="which the comparator 'planted' cannot"):
        evaluate(scenes, clip, choose(["gem"]), tasks=["segmentation"], **run)
    alone = evaluate(scenes, clip, choose(["gem"]), progress=False, limit=1)
    assert "left_out" not in alone.protocol


@pytest.fixture(scope="module")
def general(root: Path) -> Dataset:
    return open_dataset("grefcoco", root / "grefcoco", split="val")


def test_scores_tell_what_is_absent(
    general: Dataset, model: Any, root: Path, tmp_path: Path
) -> None:
    absent = {r.label for i in general.image_ids for r in general.load(i).referents if r.absent}
    certain = Planted(lambda phrase: boxes(BOX, scores=[0.1 if phrase in absent else 0.8]))
    out = tmp_path / "t.json"
    result, _ = measured(general, model, tmp_path, certain, thresholds_out=out)
    assert result["planted"]["absent AUC"].interval.value == 1
    thresholds = Thresholds.load(out)
    assert [value.value for value in thresholds.values.values()][1] == pytest.approx(0.8)
    other = open_dataset("grefcoco", root / "grefcoco", split="testA")
    result, rows = measured(other, model, tmp_path, certain, thresholds=thresholds)
    assert result["planted"]["GREC F1"].n == len(rows)
    assert all("rejected" in row for row in rows)


def test_without_scores_nothing_is_decided_by_a_threshold(
    general: Dataset, model: Any, root: Path, tmp_path: Path
) -> None:
    silent = Planted(lambda _: boxes(BOX, FAR, scores=False), scored=False)
    out = tmp_path / "t.json"
    result, rows = measured(general, model, tmp_path, silent, thresholds_out=out)
    assert all(row["score"] is None and row["scores"] == [None, None] for row in rows)
    metrics = [score.metric for score in result["planted"].scores]
    assert "absent AUC" not in metrics and "GRES gIoU" not in metrics
    assert result["planted"].setting["left_out"].startswith("absent, gres: they are decided by")
    assert list(Thresholds.load(out).labels.values()) == ["mean-attention"]
    other = open_dataset("grefcoco", root / "grefcoco", split="testA")
    result, rows = measured(other, model, tmp_path, silent, thresholds=Thresholds.load(out))
    assert not any("rejected" in row for row in rows)
    assert result["mean-attention"]["absent accuracy"].n == len(rows)


def test_all_boxes_without_scores_are_answers(general: Dataset, model: Any, tmp_path: Path) -> None:
    referents = general.load(general.image_ids[0]).referents
    several = {r.label: [each.box for each in r.instances] for r in referents if not r.absent}

    def all_of_them(phrase: str) -> Found:
        return boxes(*several.get(phrase, [FAR]), scores=False)

    every = Planted(all_of_them, scored=False)
    first = Planted(lambda p: boxes(several.get(p, [FAR])[0], scores=False), "first", scored=False)
    none = Planted(lambda _: boxes(scores=False), "none", scored=False)
    result, rows = measured(general, model, tmp_path, every, first, none, limit=1)
    assert any(len(row["truths"]) > 1 for row in rows)
    meant = np.mean([not row["absent"] for row in rows if row["method"] == "planted"])
    assert result["planted"]["GREC F1"].interval.value == pytest.approx(meant)
    assert result["first"]["GREC F1"].interval.value < meant
    # no box is no rejection: it is wrong of what is there and of what is not
    for metric in ("GREC F1", "GREC N_acc", "GREC T_acc"):
        assert result["none"][metric].interval.value == 0
    with pytest.raises(BadOptionError, match="Without a threshold there is no score of gres"):
        measured(general, model, tmp_path, every, tasks=["gres"])


def test_a_threshold_of_nobody_is_refused(general: Dataset, model: Any, tmp_path: Path) -> None:
    silent = Planted(lambda _: boxes(BOX, scores=False), scored=False)
    with pytest.raises(BadOptionError, match="which none of answer, planted gives"):
        evaluate(
            general,
            model,
            choose(["answer"]),
            against=[silent],
            thresholds_out=tmp_path / "t.json",
            progress=False,
        )


BUILDS: dict[str, Any] = {
    "grounding-dino": tiny_grounding_dino,
    "owlv2": tiny_owlv2,
    "florence-2-segmentation": tiny_florence,
}


@pytest.mark.parametrize("id", BUILDS)
def test_rows_hold_what_the_detector_finds(
    id: str, data: Dataset, model: Any, tmp_path: Path
) -> None:
    detector = comparators.wrap(id, *BUILDS[id]())
    result, rows = measured(data, model, tmp_path, detector, limit=1)
    image = data.load(data.image_ids[0]).image
    for row in rows:
        found = detector.find(image, row["text"])
        assert row["box"] == (None if found.box is None else list(found.box))
        assert (row["score"], row["asked"]) == (found.score, found.text)
        assert (row["inside"] is None) == (not detector.draws)
        assert row["notes"] == list(found.notes) and row.get("answer") == found.answer
    run = result[id]
    assert run.setting["revision"] == detector.revision and run.setting["dtype"] == "float32"
    assert (run["RES oIoU"].n > 0) == detector.draws
    assert run["noted"].n == len(rows)
