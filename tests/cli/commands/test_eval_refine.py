"""``vlmscope eval --refine``: from a rendered set to a report with SAM's masks, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sams import tiny_sam
from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam")
    model, processor = tiny_sam()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refcoco-m")
    make_tiny("refcoco-m", folder, images=2)
    return folder


@pytest.fixture
def call(root: Path) -> list[Any]:
    words = ["eval", "refcoco-m", "--root", root, "--model", "tiny-llava"]
    return [*words, "--method", "mean-attention"]


def test_one_report_compares_all_masks(
    run: Any, call: list[Any], sam: Path, tmp_path: Path
) -> None:
    out, rows = tmp_path / "out", tmp_path / "rows.jsonl"
    result = run(*call, "--refine", sam, "--out", out, "--rows", rows)
    assert result.code == 0, result.err
    labels = [
        "mean-attention",
        *(f"mean-attention+sam:{p}" for p in ("box", "point", "both", "mask")),
    ]
    head, *lines = result.out.splitlines()
    assert head.split() == ["score", *labels]
    assert {"RES", "Acc@0.5", "unprompted"} <= {line.split()[0] for line in lines}
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert [each["label"] for each in report["runs"]] == labels
    box = report["runs"][1]
    assert box["setting"]["sam"] == str(sam)
    assert box["setting"]["sam_revision"].startswith("sha256:")
    assert box["scores"]["unprompted"]["n"] == box["scores"]["RES mIoU"]["n"]
    written = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    assert len(written) == 5 * box["scores"]["RES mIoU"]["n"]
    assert "prompted by the run's box and point" in (out / "report.md").read_text("utf-8")
    again = run(*call, "--refine", sam, "--out", out)
    assert again.out == result.out
    fewer = run(*call, "--refine", sam, "--refine-prompt", "box, mask", "--out", out, "--json")
    assert [each["label"] for each in json.loads(fewer.out)["runs"]] == [
        labels[i] for i in (0, 1, 4)
    ]


def test_what_cannot_be_is_refused_before_a_model_is_loaded(
    refused: Any, call: list[Any], root: Path, tmp_path: Path
) -> None:
    nowhere = [*call[:4], "--model", "no/such-model"]
    refused([*nowhere, "--refine-prompt", "box"], "box", "there is no SAM")
    refused([*nowhere, "--refine", "no/sam", "--refine-prompt", "maks"], "'maks'", "mask")
    refused([*nowhere, "--refine", "no/sam", "--refine-prompt", "box,box"], "once")
    refused([*nowhere, "--refine", "no/sam", "--task", "pointing"], "pointing asks for the mask")
    refused([*call, "--refine", "sam"], "Unknown SAM 'sam'", "facebook/sam-vit-base")
    make_tiny("screenspot", tmp_path / "screens", images=2)
    boxes = ["eval", "screenspot", "--root", tmp_path / "screens", "--model", "no/such-model"]
    refused([*boxes, "--refine", "no/sam"], "screenspot has boxes and no masks")


def test_masks_vote_where_classes_are_compared(
    run: Any, refused: Any, sam: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "panoptic"
    make_tiny("coco-panoptic", folder, images=2)
    words = [
        "eval",
        "coco-panoptic",
        "--root",
        folder,
        "--model",
        "tiny-clip",
        "--method",
        "maskclip",
    ]
    result = run(*words, "--refine", sam, "--sam-points", "2", "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert [each["label"] for each in report["runs"]] == ["maskclip", "maskclip+sam:vote"]
    assert report["runs"][1]["setting"]["sam_masks"]["points"] == 2
    assert "rivals AUC" in report["runs"][0]["scores"]
    refused([*words, "--refine", sam, "--refine-prompt", "box"], "by a grid of points")
    refused([*words, "--sam-points", "2"], "there is no SAM")
