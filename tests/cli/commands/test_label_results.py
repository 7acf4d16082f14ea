"""``vlmscope export``, ``stats`` and ``audit`` on a folder of labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from label_folders import failure, row, thing, write_folder, write_pictures
from views import blocks_of, page_view

pytest.importorskip("pyarrow")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    names = [f"{number}.png" for number in range(4)]
    source = {"kind": "folder", "place": str(write_pictures(tmp_path / "pictures", *names))}
    rows = [thing(name, "cat", at / 4, picture_hash=1 << 9 * at) for at, name in enumerate(names)]
    rows += [row(names[-1], "dog")]
    return write_folder(tmp_path / "labels", rows, fingerprint="f1", kept={"source": source}).path


def test_export(run: Any, labels: Path, tmp_path: Path) -> None:
    result = run("export", labels, "--format", "csv", "--out", tmp_path / "o.csv", "-q")
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("o.csv: 4 objects of 2 phrases in 4 images (csv)\n")
    result = run(
        *(
            "export",
            labels,
            "-f",
            "webdataset",
            "-o",
            tmp_path / "w",
            "--least-score",
            0.3,
            "--json",
        )
    )
    assert json.loads(result.out)["below_least_score"] == 2
    assert (tmp_path / "w/labels-000000.tar").exists()


def test_export_says_what_was_left_out(run: Any, tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a"), failure("b")]).path
    result = run("export", labels, "-o", tmp_path / "o.json", "-q")
    assert result.code == 1
    assert "left out: 1 images that could not be labelled" in result.out


def test_stats(run: Any, labels: Path) -> None:
    result = run("stats", labels)
    assert (result.code, result.err) == (0, "")
    assert "4 images (0 failed, 0 without an object), 4 objects" in result.out
    assert "never found: dog" in result.out
    assert json.loads(run("stats", labels, "--json").out)["objects"] == 4


def test_stats_of_failed_images_are_findings(run: Any, tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a", warnings=["Odd."]), failure("b")]).path
    result = run("stats", labels)
    assert result.code == 1
    assert "failed: 1 BadImageError, such as b: It is empty." in result.out
    assert "  1: Odd." in result.out


def test_audit_and_the_precision_of_its_decisions(run: Any, labels: Path, tmp_path: Path) -> None:
    result = run("audit", labels, "--count", 3, "--out", tmp_path / "page.html")
    assert result.code == 0
    assert "page.html: 3 of 4 objects" in result.out
    assert f"vlmscope stats {labels} --decisions decisions.json" in result.err
    (held,) = blocks_of(page_view(tmp_path / "page.html"), "decisions")
    made = [{**each, "picture": None, "decision": "accept"} for each in held["items"]]
    (tmp_path / "d.json").write_text(json.dumps({**held["file"], "decisions": made}))
    result = run("stats", labels, "--decisions", tmp_path / "d.json")
    assert result.code == 0
    assert "decisions: 3 accepted, 0 rejected, 0 unsure, 0 not looked at" in result.out
    assert "precision: 1.000 [" in result.out
    assert "too few to choose a least score" in result.out


def test_audit_without_its_pictures_is_a_finding(run: Any, labels: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures/0.png").unlink()
    result = run("audit", labels, "-o", tmp_path / "page.html", "-q")
    assert result.code == 1
    assert "no picture: 0.png: There is no image '0.png' in the source." in result.err
    (tmp_path / "pictures").rename(tmp_path / "moved")
    result = run(
        "audit", labels, "-o", tmp_path / "page.html", "-q", "--source", tmp_path / "moved"
    )
    assert result.code == 1 and (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["export", "LABELS", "-o", "FOLDER/o", "-f", "cooco"], "Did you mean 'coco'"),
        (["export", "LABELS", "-o", "FILE/o"], "Cannot write"),
        (["export", "LABELS", "-o", "FOLDER/o.json", "-f", "voc"], "--out names a folder here"),
        (["export", "FOLDER", "-o", "FOLDER/o"], "holds no job.json"),
        (["export", "LABELS"], "Missing option '--out'"),
        (["stats", "FOLDER"], "holds no job.json"),
        (["stats", "LABELS", "--decisions", "FOLDER/none.json"], "Cannot read the decisions"),
        (["stats", "LABELS", "--decisions", "LABELS/job.json"], "holds no decisions"),
        (["stats", "LABELS", "--near", "20"], "near takes a whole number"),
        (["audit", "LABELS", "-o", "FILE/page.html"], "Cannot write"),
        (["audit", "LABELS", "-o", "FOLDER/p.html", "--count", "0"], "count takes a whole number"),
        (["audit", "LABELS", "-o", "FOLDER/p.html", "--least-score", "2"], "no object of a score"),
        (["audit", "LABELS", "-o", "FOLDER/p.html", "--source", "none"], "There is no image"),
    ],
)
def test_what_cannot_be_done(
    refused: Callable[..., str], labels: Path, tmp_path: Path, words: list[str], expected: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    places = {"LABELS": labels, "FOLDER": tmp_path / "folder", "FILE": tmp_path / "file"}
    for name, place in places.items():
        words = [word.replace(name, str(place)) for word in words]
    refused(words, expected)
