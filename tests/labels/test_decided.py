"""What people decided about labels: what is exported, and how many were right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from label_folders import run_lengths, thing, write_folder
from vlmscope.cli import main
from vlmscope.errors import BadSampleError
from vlmscope.labels import LabelFolder
from vlmscope.labels.audit import Decisions
from vlmscope.labels.exports import export_labels
from vlmscope.labels.stats import label_stats

pytest.importorskip("pyarrow")

MASK = run_lengths(np.ones((80, 100), dtype=bool))
STRATUM = {"bin": 0, "low": 0.1, "high": 0.9, "warned": False, "objects": 4, "drawn": 4}


@pytest.fixture
def labels(tmp_path: Path) -> LabelFolder:
    """Four objects in two images."""
    rows = [
        thing("a.jpg", score=0.9, mask=MASK, point=[20.0, 30.0]),
        thing("a.jpg", score=0.5, instance=1),
        thing("b.jpg", score=0.4, mask=MASK),
        thing("b.jpg", "dog", score=0.1),
    ]
    return write_folder(tmp_path / "labels", rows, fingerprint="f")


def decided(place: Path, *about: tuple[str, str, int, float, str, Any], job: str = "f") -> Path:
    """A file of decisions: image, phrase, instance, score, verdict, box."""
    names = ("id", "phrase", "instance", "score", "decision")
    entries = [
        {**dict(zip(names, each[:5], strict=True)), "stratum": 0}
        | ({} if each[5] is None else {"box": each[5]})
        for each in about
    ]
    file = place / "decisions.json"
    whole = {"fingerprint": job, "least_score": None, "strata": [STRATUM], "decisions": entries}
    file.write_text(json.dumps({"format": "vlmscope-decisions/1", **whole}))
    return file


EVERY = (
    ("a.jpg", "cat", 0, 0.9, "accept", [1.0, 2.0, 30.5, 40.0]),
    ("a.jpg", "cat", 1, 0.5, "reject", None),
    ("b.jpg", "cat", 0, 0.4, "unsure", None),
    ("b.jpg", "dog", 0, 0.1, "accept", None),
)


def test_rejected_objects_are_left_out_and_boxes_are_those_that_were_drawn(
    labels: LabelFolder, tmp_path: Path
) -> None:
    out = tmp_path / "coco.json"
    done = export_labels(labels, out, decisions=decided(tmp_path, *EVERY))
    assert (done.objects, done.rejected, done.corrected, done.below) == (3, 1, 1, 0)
    whole = json.loads(out.read_text())
    boxes = [each["bbox"] for each in whole["annotations"]]
    assert boxes[0] == [1.0, 2.0, 29.5, 38.0]
    assert len(whole["images"]) == 2
    masked = [bool(each.get("segmentation")) for each in whole["annotations"]]
    assert masked == [False, True, False]  # a mask of another box is none of this one


def test_without_decisions_everything_is_exported(labels: LabelFolder, tmp_path: Path) -> None:
    done = export_labels(labels, tmp_path / "coco.json")
    assert (done.objects, done.rejected, done.corrected) == (4, 0, 0)
    least = export_labels(
        labels, tmp_path / "few.json", least_score=0.4, decisions=decided(tmp_path, *EVERY)
    )
    assert (least.objects, least.rejected, least.below) == (2, 1, 1)


def test_a_label_whose_box_was_drawn_anew_was_not_right(
    labels: LabelFolder, tmp_path: Path
) -> None:
    precision = label_stats(labels, decided(tmp_path, *EVERY)).precision
    assert precision is not None
    assert (precision.accepted, precision.rejected, precision.unsure) == (1, 2, 1)
    assert precision.value is not None and precision.value.value == pytest.approx(1 / 3)


@pytest.mark.parametrize("box", [[], [1, 2, 3], [3, 2, 1, 4], [1, 2, "3", 4], "1,2,3,4", [1] * 4])
def test_a_box_that_is_none_is_refused(tmp_path: Path, box: Any) -> None:
    file = decided(tmp_path, ("a.jpg", "cat", 0, 0.9, "accept", box))
    with pytest.raises(BadSampleError, match="box"):
        Decisions.read(file)


def test_decisions_about_another_job_are_refused(labels: LabelFolder, tmp_path: Path) -> None:
    file = decided(tmp_path, *EVERY, job="other")
    for read in (
        lambda: export_labels(labels, tmp_path / "coco.json", decisions=file),
        lambda: label_stats(labels, file),
    ):
        with pytest.raises(BadSampleError, match="another job"):
            read()
    assert not (tmp_path / "coco.json").exists()


def test_the_command_says_what_was_left_out(
    labels: LabelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = decided(tmp_path, *EVERY), tmp_path / "coco.json"
    assert main(["export", str(labels.path), "-o", str(out), "--decisions", str(file)]) == 0
    said = capsys.readouterr().out
    assert "1 objects that were rejected" in said and "1 objects have the box" in said
