"""Rows: every score on sentences is worked out again from them, in the plainest way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError
from vlmscope.evaluation import rows as rows_module
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation
from vlmscope.methods import get_method

KEYS = ["id", "image", "text", "method", "box", "point", "score", "truth", "iou", "mask_iou"]
STEPS = [percent / 100 for percent in range(50, 100, 5)]


def measured(tmp_path: Path, like: str, methods: list[str], **more: Any) -> tuple[Evaluation, Any]:
    if not (tmp_path / like).exists():
        make_tiny(like, tmp_path / like, 2)
    model = "tiny-llava" if "mean-attention" in methods else "tiny-clip"
    data = open_dataset(like, tmp_path / like)
    file = tmp_path / "rows.jsonl"
    loaded = vs.load(model, device="cpu")
    found = evaluate(data, loaded, choose(methods), progress=False, rows=file, **more)
    return found, [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def worked_out(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The scores of one method, straight from the definitions."""
    there = [row for row in rows if not row["absent"]]
    masked = [row for row in there if row["mask_iou"] is not None]
    values = {f"Acc@{t}": np.mean([r["iou"] >= t for r in there]) for t in (0.5, 0.75, 0.9)}
    values["mAcc"] = np.mean([np.mean([r["iou"] >= t for r in there]) for t in STEPS])
    values["centre"] = np.mean([_centre(row) for row in there])
    values["pointing"] = np.mean([row["pointing"] for row in there])
    values["chance"] = np.mean([row["chance"] for row in there])
    inside, union = (sum(row[key] for row in masked) for key in ("inside", "union"))
    values["RES oIoU"] = inside / union
    values["RES mIoU"] = np.mean([row["mask_iou"] for row in masked])
    for t in (0.5, 0.6, 0.7, 0.8, 0.9):
        values[f"Pr@{t}"] = np.mean([row["mask_iou"] >= t for row in masked])
    absent = [row["score"] for row in rows if row["absent"]]
    if absent:
        pairs = [(p["score"] > n) + (p["score"] == n) / 2 for p in there for n in absent]
        values["absent AUC"] = np.mean(pairs)
    return {name: float(value) for name, value in values.items()}


def _centre(row: dict[str, Any]) -> bool:
    if row["box"] is None:
        return False
    x, y = (row["box"][0] + row["box"][2]) / 2, (row["box"][1] + row["box"][3]) / 2
    x0, y0, x1, y1 = row["truth"]
    return bool(x0 <= x < x1 and y0 <= y < y1)


@pytest.mark.parametrize(
    ("like", "methods"),
    [
        ("refcoco-m", ["mean-attention"]),
        ("grefcoco", ["mean-attention"]),
        ("grefcoco", ["gem", "clip"]),
        ("reasonseg", ["mean-attention"]),
    ],
)
def test_every_score_comes_from_the_rows(tmp_path: Path, like: str, methods: list[str]) -> None:
    found, rows = measured(tmp_path, like, methods)
    for run in found.runs:
        own = [row for row in rows if row["method"] == run.label]
        again = worked_out(own)
        if like == "reasonseg":
            again["ReasonSeg gIoU"], again["ReasonSeg cIoU"] = again["RES mIoU"], again["RES oIoU"]
        scores = {each.metric: each.interval for each in run.scores}
        assert set(again) == set(scores)
        for name, interval in scores.items():
            assert interval is not None and interval.value == pytest.approx(again[name], abs=1e-9)


def test_a_row_per_sentence_and_method(tmp_path: Path) -> None:
    found, rows = measured(tmp_path, "grefcoco", ["gem", "clip"])
    sentences = found.protocol["dataset"]["counts"]["sentences"]
    assert len(rows) == 2 * sentences
    assert len({(row["id"], row["method"]) for row in rows}) == len(rows)
    assert all(list(row)[:10] == KEYS for row in rows)
    data = open_dataset("grefcoco", tmp_path / "grefcoco")
    referents = {r.id: r for i in data.image_ids for r in data.load(i).referents}
    for row in rows:
        referent = referents[row["id"]]
        assert (row["text"], row["absent"]) == (referent.label, referent.absent)
        assert row["truth"] == (None if referent.absent else list(map(float, referent.target.box)))
        assert (row["iou"] is None) == (row["mask_iou"] is None) == referent.absent
        if not referent.absent:
            assert row["iou"] == pytest.approx(_iou(row["box"], row["truth"]))


def _iou(one: Any, two: Any) -> float:
    if one is None:
        return 0.0
    wide = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    high = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return wide * high / (sum(areas) - wide * high)


def test_rows_say_what_ground_says(tmp_path: Path) -> None:
    _, rows = measured(tmp_path, "refcoco-m", ["mean-attention"])
    data = open_dataset("refcoco-m", tmp_path / "refcoco-m")
    sample = data.load(data.image_ids[0])
    model = vs.load("tiny-llava", device="cpu")
    texts = [referent.label for referent in sample.referents]
    for row, found in zip(
        rows, vs.ground(model, sample.image, texts, "mean-attention"), strict=False
    ):
        assert row["text"] == found.phrase and row["score"] == found.score
        assert row["box"] == list(found.box or ()) and row["point"] == list(found.point or ())


def test_all_sentences_of_an_image_go_in_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = get_method("mean-attention")
    calls: list[list[str]] = []
    inner = type(method).reads

    def counted(self: Any, model: Any, phrases: Any, request: Any) -> Any:
        calls.append([phrase.text for phrase in phrases])
        return inner(self, model, phrases, request)

    monkeypatch.setattr(type(method), "reads", counted)
    found, rows = measured(tmp_path, "grefcoco", ["mean-attention"])
    assert len(calls) == found.images == 2
    assert [text for call in calls for text in call] == [row["text"] for row in rows]


def test_rows_after_an_interruption_are_those_of_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(tmp_path, "grefcoco", ["gem"])
    (tmp_path / "rows.jsonl").unlink()
    state, inner, seen = tmp_path / "state.jsonl", rows_module.sentence_rows, []

    def interrupted(sample: Any, *more: Any) -> Any:
        if len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(sample.image_id)
        return inner(sample, *more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("vlmscope.evaluation.job.sentence_rows", interrupted)
        measured(tmp_path, "grefcoco", ["gem"], resume=state)
    assert not (tmp_path / "rows.jsonl").exists()
    assert measured(tmp_path, "grefcoco", ["gem"], resume=state) == whole


def test_a_run_that_was_broken_off_anywhere_ends_with_the_same_digits(tmp_path: Path) -> None:
    """The last digits of a text's embedding depend on its batch, and batches on what went before."""
    state = tmp_path / "state.jsonl"
    scenes = open_dataset("tiny-scenes")

    def run() -> bytes:
        methods = choose(["gem", "clip"])
        evaluate(scenes, vs.load("tiny-clip"), methods, limit=3, resume=state, progress=False)
        return state.read_bytes()

    whole = run()
    lines = whole.splitlines(keepends=True)
    for count in range(1, len(lines)):
        state.write_bytes(b"".join(lines[:count]) + lines[count][:40])
        assert run() == whole, count


def test_what_is_kept_of_an_image_is_text(tmp_path: Path) -> None:
    """Some hundred bytes a sentence, however large its masks are."""
    state = tmp_path / "state.jsonl"
    _, rows = measured(tmp_path, "grefcoco", ["gem"], resume=state)
    assert state.stat().st_size < 1_000 * len(rows)


def test_rows_of_tasks_without_sentences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match="no task here is about sentences.*Add one of: ref"):
        measured(tmp_path, "refcoco-m", ["gem"], tasks=["pointing"])
    assert not (tmp_path / "rows.jsonl").exists()
