"""A decision with a threshold: chosen on one split, applied to another, and never to its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError
from vlmscope.evaluation.entrants.configured_methods import choose, configure_methods
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation
from vlmscope.evaluation.thresholds import Thresholds

DECIDED = {"GRES gIoU", "GRES cIoU", "N_acc", "T_acc", "GREC F1", "GREC F1=1", "GREC N_acc"}
DECIDED |= {"GREC T_acc", "absent N_acc", "absent T_acc", "absent accuracy"}
DECIDED |= {"GRES Pr@0.7", "GRES Pr@0.8", "GRES Pr@0.9"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thresholds") / "set"
    make_tiny("grefcoco", folder, 3)
    return folder


@pytest.fixture(scope="module")
def model() -> Any:
    return vs.load("tiny-llava", device="cpu")


def run(root: Path, model: Any, split: str, **more: Any) -> Evaluation:
    data = open_dataset("grefcoco", root, split=split)
    return evaluate(data, model, choose(["mean-attention"]), progress=False, **more)


@pytest.fixture(scope="module")
def file(root: Path, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "thresholds.json"
    found = run(root, model, "val", thresholds_out=path)
    metrics = {each.metric for each in found.runs[0].scores}
    assert "absent AUC" in metrics and not metrics & DECIDED
    assert found.protocol["threshold"].startswith(
        "none, so these scores are left out: absent N_acc"
    )
    return path


def test_every_decided_score_comes_from_the_rows(
    root: Path, model: Any, file: Path, tmp_path: Path
) -> None:
    thresholds, place = Thresholds.load(file), tmp_path / "rows.jsonl"
    found = run(root, model, "testA", thresholds=thresholds, rows=place)
    rows = [json.loads(line) for line in place.read_text("utf-8").splitlines()]
    [value] = found.protocol["threshold"]["values"].values()
    assert found.protocol["threshold"]["chosen_on"] == "grefcoco val"
    absent = [row for row in rows if row["absent"]]
    there = [row for row in rows if not row["absent"]]
    assert absent and there
    for row in rows:
        assert row["rejected"] == (row["score"] < value)
    expected = {
        "N_acc": np.mean([row["rejected"] for row in absent]),
        "T_acc": np.mean([not row["rejected"] for row in there]),
        "absent accuracy": np.mean([row["rejected"] == row["absent"] for row in rows]),
        "GRES gIoU": np.mean([_iou(row) for row in rows]),
        "GRES cIoU": _ratio(rows),
        "GREC F1": np.mean([_f1(row, value) for row in rows]),
        "GREC F1=1": np.mean([_f1(row, value) == 1 for row in rows]),
    }
    expected |= {
        f"GREC {name}": _answered(absent, there, value)[name] for name in ("N_acc", "T_acc")
    }
    expected |= {f"absent {name}": expected[name] for name in ("N_acc", "T_acc")}
    for t in (0.7, 0.8, 0.9):
        expected[f"GRES Pr@{t}"] = np.mean([_iou(row) >= t for row in there])
    assert set(expected) == DECIDED
    for name, number in expected.items():
        interval = found.runs[0][name].interval
        assert interval is not None and interval.value == pytest.approx(number, abs=1e-9), name
    assert found.runs[0]["absent accuracy"].detail["chosen_on"] == "grefcoco val"


def _iou(row: dict[str, Any]) -> float:
    if row["absent"]:
        return float(row["rejected"])
    return 0.0 if row["rejected"] else row["inside"] / row["union"]


def _ratio(rows: list[dict[str, Any]]) -> float:
    inside = union = 0
    for row in rows:
        right = row["absent"] and row["rejected"]
        inside += 0 if row["rejected"] else row["inside"]
        union += 0 if right else row["union"]
    return inside / union


def _f1(row: dict[str, Any], value: float) -> float:
    answers = [box for box, s in zip(row["boxes"], row["scores"], strict=True) if s >= value]
    if not answers and not row["truths"]:
        return 1.0
    pairs = sorted(
        ((_giou(a, t), i, j) for i, a in enumerate(answers) for j, t in enumerate(row["truths"])),
        key=lambda each: -each[0],
    )
    matched: list[tuple[int, int]] = []
    for overlap, i, j in pairs:
        if overlap >= 0.5 and all(i != a and j != b for a, b in matched):
            matched.append((i, j))
    return 2 * len(matched) / (len(answers) + len(row["truths"]))


def _giou(one: Any, two: Any) -> float:
    wide = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    high = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    union = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two)) - wide * high
    hull = (max(one[2], two[2]) - min(one[0], two[0])) * (max(one[3], two[3]) - min(one[1], two[1]))
    return wide * high / union - (hull - union) / hull


def _answered(absent: Any, there: Any, value: float) -> dict[str, float]:
    none = [
        [not any(s >= value for s in row["scores"]) for row in kind] for kind in (absent, there)
    ]
    return {"N_acc": float(np.mean(none[0])), "T_acc": 1 - float(np.mean(none[1]))}


def test_the_split_it_was_chosen_on_is_refused(root: Path, model: Any, file: Path) -> None:
    thresholds = Thresholds.load(file)
    with pytest.raises(BadSampleError, match="chosen on 'grefcoco val' and cannot be scored there"):
        run(root, model, "val", thresholds=thresholds)
    # under another name its sentences betray it
    [(digest, value)] = thresholds.values.items()
    renamed = replace(value, split="another")
    other = replace(thresholds, split="another", values={digest: renamed})
    with pytest.raises(BadSampleError, match="chosen on the sentence"):
        run(root, model, "val", thresholds=other)


def test_thresholds_of_something_else_are_refused(root: Path, model: Any, file: Path) -> None:
    thresholds = Thresholds.load(file)
    with pytest.raises(BadOptionError, match="chosen on groundingme, and grefcoco is another"):
        run(root, model, "testA", thresholds=replace(thresholds, dataset="groundingme"))
    with pytest.raises(
        ModelMismatchError, match="of scores of other, the model here is tiny-llava"
    ):
        run(root, model, "testA", thresholds=replace(thresholds, model="other"))
    [other] = configure_methods(model, choose(["relative-attention"]))
    with pytest.raises(BadOptionError, match="no threshold for relative-attention.*mean-attention"):
        thresholds.of(other)


def test_a_threshold_where_nothing_is_absent_is_refused(
    root: Path, model: Any, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadOptionError, match="which no task of grefcoco asks here"):
        run(root, model, "testA", thresholds=Thresholds.load(file), tasks=["pointing"])
    with pytest.raises(BadOptionError, match="which no task of grefcoco asks here"):
        run(root, model, "val", thresholds_out=tmp_path / "t.json", tasks=["referring"])
    with pytest.raises(BadOptionError, match="Without a threshold there is no score of gres, grec"):
        run(root, model, "val", tasks=["gres", "grec"])


def test_a_file_that_holds_none_is_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(BadOptionError, match="Cannot read the thresholds .*No such file"):
        Thresholds.load(tmp_path / "none.json")
    whole = json.loads(file.read_text())
    spoiled: list[Any] = [[], {}, {**whole, "format": "x"}, {**whole, "runs": [{"label": "a"}]}]
    spoiled.append({**whole, "runs": 3})
    for content in spoiled:
        (tmp_path / "bad.json").write_text(json.dumps(content))
        with pytest.raises(BadOptionError, match="holds no thresholds"):
            Thresholds.load(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadOptionError, match="Cannot read"):
        Thresholds.load(tmp_path / "bad.json")


def test_the_tasks_of_a_set_are_what_it_offers(root: Path, tmp_path: Path) -> None:
    assert open_dataset("grefcoco", root).tasks[2:] == ("absent", "gres", "grec")
    make_tiny("reasonseg", tmp_path / "r", 2)
    assert open_dataset("reasonseg", tmp_path / "r").tasks == ("pointing", "referring", "reasonseg")
    make_tiny("refcoco", tmp_path / "c", 1)
    assert open_dataset("refcoco", tmp_path / "c").tasks == ("pointing", "referring")
