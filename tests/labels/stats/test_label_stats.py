"""What a folder holds, counted, and decisions that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from label_folders import failure, row, thing, write_folder
from vlmscope.errors import BadOptionError, BadSampleError, OutputError
from vlmscope.labels import LabelFolder
from vlmscope.labels.audit import audit_labels
from vlmscope.labels.stats import label_stats

pytest.importorskip("pyarrow")


@pytest.fixture
def labels(tmp_path: Path) -> LabelFolder:
    first = [
        thing("a", "cat", 0.2, box=[0.0, 0.0, 10.0, 10.0], picture_hash=0b1000),
        thing("a", "cat", 0.4, instance=1, warnings=["Look twice."], picture_hash=0b1000),
        row("a", "dog", picture_hash=0b1000),
        row("b", "cat", picture_hash=2**64 - 1),
        row("b", "dog", picture_hash=2**64 - 1),
        failure("c", "BadImageError", "It is empty."),
    ]
    second = [
        failure("d", "BadImageError", "It is a folder."),
        failure("e", "OutOfMemoryError"),
        thing("f", "cat", None, box=[0.0, 0.0, 100.0, 80.0], picture_hash=0b1011),
        row("f", "dog", picture_hash=0b1011),
    ]
    return write_folder(tmp_path / "labels", first, second, fingerprint="f1")


def test_counts(labels: LabelFolder) -> None:
    found = label_stats(labels)
    written = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [written[key] for key in ("images", "failed_images", "images_without_objects")] == [
        6,
        3,
        1,
    ]
    assert (written["rows"], written["objects"]) == (10, 3)
    assert written["failures"]["BadImageError"] == {
        "images": 2,
        "first": "c",
        "message": "It is empty.",
    }
    assert written["phrases"]["cat"]["found"] == 2
    assert written["phrases"]["cat"]["images"] == 3
    assert written["phrases"]["cat"]["mean_score"] == pytest.approx(0.3)  # one has no score
    assert written["never_found"] == ["dog"]
    assert (written["objects_with_warnings"], written["warnings"]) == (1, {"Look twice.": 1})
    assert written["sizes"] == {"small": 1, "medium": 2, "large": 0}
    assert written["scores"]["count"] == 2
    assert written["scores"]["quantiles"]["0.5"] == pytest.approx(0.3)
    assert written["area_shares"]["quantiles"]["1"] == 1.0
    assert written["near_duplicates"] == {"bits": 3, "images": 2, "groups": 1, "ids": [["a", "f"]]}
    assert written["precision"] is written["least_score"] is None


def test_fewer_bits_are_fewer_duplicates(labels: LabelFolder) -> None:
    assert label_stats(labels, near=1).near.groups == 0
    with pytest.raises(BadOptionError):
        label_stats(labels, near=64)


def test_a_folder_in_which_all_failed(tmp_path: Path) -> None:
    found = label_stats(write_folder(tmp_path / "labels", [failure("a"), failure("b")]))
    assert (found.counts.failed, found.scores, found.near.images) == (2, None, 0)


def test_nothing_labelled_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no labels yet"):
        label_stats(write_folder(tmp_path / "labels"))


def _decided(labels: LabelFolder, tmp_path: Path, **changes: Any) -> Path:
    """What the page of an audit of all objects would download: the first rejected, the rest accepted."""
    page = audit_labels(labels, tmp_path / "page.html", source=lambda name: b"")
    made = [
        {
            "id": each.id,
            "phrase": each.found.phrase,
            "instance": each.found.instance,
            "score": each.found.score,
            "stratum": each.stratum,
            "decision": "accept" if number else "reject",
        }
        for number, each in enumerate(page.sample.objects)
    ]
    file = {"format": "vlmscope-decisions/1", **page.sample.to_dict(), "decisions": made, **changes}
    (tmp_path / "decisions.json").write_text(json.dumps(file))
    return tmp_path / "decisions.json"


def test_decisions_say_the_precision(labels: LabelFolder, tmp_path: Path) -> None:
    found = label_stats(labels, _decided(labels, tmp_path))
    assert found.precision is not None and found.precision.value is not None
    assert found.precision.value.value == pytest.approx(2 / 3)
    assert found.least_score is not None and "too few" in found.least_score.sentence
    assert found.notes == ()
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_folder_that_grew_is_said(labels: LabelFolder, tmp_path: Path) -> None:
    decisions = _decided(labels, tmp_path)
    more = [thing(f"new {number}") for number in range(5)]
    grown = write_folder(tmp_path / "more", more, fingerprint="f1")
    (grown.path / "parts/0.parquet").rename(labels.path / "parts/2.parquet")
    (note,) = label_stats(labels, decisions).notes
    assert "had 3 such objects when the page was made and has 8 now" in note


def test_decisions_of_another_folder(labels: LabelFolder, tmp_path: Path) -> None:
    decisions = _decided(labels, tmp_path, fingerprint="f2")
    with pytest.raises(BadSampleError, match=r"about another job \(f2\)"):
        label_stats(labels, decisions)


def test_decisions_about_what_is_not_there(labels: LabelFolder, tmp_path: Path) -> None:
    decisions = _decided(labels, tmp_path)
    value = json.loads(decisions.read_text())
    for key, wrong in (("id", "z"), ("score", 0.77), ("instance", 5)):
        made = [dict(each) for each in value["decisions"]]
        made[0][key] = wrong
        decisions.write_text(json.dumps({**value, "decisions": made}))
        with pytest.raises(
            BadSampleError, match="1 of 3 decisions are about objects that are not in"
        ):
            label_stats(labels, decisions)
