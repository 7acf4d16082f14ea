"""CLIP Surgery's feature surgery from the command line: ``ground``, ``segment`` and ``eval``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from dual_families import clip
from panoptic_folder import small_folder

SURGERY = ("--method", "clip-surgery", "--feature-surgery")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random CLIP, as save_pretrained writes it."""
    place = tmp_path_factory.mktemp("clip")
    model = clip()
    model.hf.save_pretrained(place)
    model.processor.save_pretrained(place)
    return place


def test_segment_takes_what_is_subtracted(run: Any, photo: Path, folder: Path) -> None:
    words = ["segment", photo, "--classes", "dog,bus,sky", "--model", folder, *SURGERY, "--json"]
    record = json.loads(run(*words, "--redundant", "code").out)
    assert record["options"]["redundant"] == "code"
    expected = vs.segment(
        vs.load(str(folder)),
        photo,
        "dog,bus,sky",
        "clip-surgery",
        feature_surgery=True,
        redundant="code",
    )
    shown = {each["name"]: each["presence"] for each in record["images"][0]["classes"]}
    for name, presence in zip(expected.names, expected.presence, strict=True):
        assert shown[name] == pytest.approx(float(presence), abs=1e-4)


def test_ground_finds_one_phrase_alone(run: Any, photo: Path, folder: Path) -> None:
    words = ["ground", photo, "dog", "--model", folder, *SURGERY, "--json"]
    record = json.loads(run(*words, "--redundant", "empty").out)
    assert "redundant" in json.dumps(record) and np.isfinite(record["groundings"][0]["score"])


def test_eval_measures_it_several_ways(run: Any, tmp_path: Path, folder: Path) -> None:
    root = small_folder(tmp_path / "data").write()
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"cat": ["cat"], "bus": ["bus"], "zebra": ["sky"]}))
    ways = ("mean", "paper", "code", "empty")
    options = [
        f"clip-surgery@{way}.{each}"
        for way in ways
        for each in ("feature-surgery=yes", f"redundant={way}")
    ]
    call = ["eval", "coco-panoptic", "--root", root, "--words", words, "-m", folder]
    labels = ",".join(["clip-surgery", *(f"clip-surgery@{way}" for way in ways)])
    out = tmp_path / "out"
    result = run(*call, "--method", labels, "--options", ",".join(options), "-o", out)
    assert result.code == 0, result.err
    runs = {each["label"]: each for each in json.loads((out / "report.json").read_text())["runs"]}
    used = [runs[f"clip-surgery@{way}"]["setting"]["options"]["redundant"] for way in ways]
    assert used == list(ways)
    values = {label: each["scores"]["mIoU"]["value"] for label, each in runs.items()}
    # the same is taken from all classes, so the best class of a pixel stays
    assert values["clip-surgery@mean"] == pytest.approx(values["clip-surgery"], abs=0.01)
    assert values["clip-surgery@paper"] == pytest.approx(values["clip-surgery"], abs=0.01)


def test_bad_values_are_one_line(refused: Any, photo: Path, folder: Path) -> None:
    words = ["segment", photo, "--classes", "dog,bus", "--model", folder, *SURGERY]
    refused([*words, "--redundant", "papr"], "redundant", "'papr'", "'paper'")
    refused([*words, "--redundant", "empty", "--templates", "none"], "templates='none' leaves no")
    alone = ["segment", photo, "--classes", "dog", "--model", folder, "--no-compete", *SURGERY]
    refused([*alone, "--redundant", "paper"], "needs two or more", "redundant='empty'")
    call = ["eval", "tiny-scenes", "-m", folder, "--method", "clip-surgery"]
    refused([*call, "--options", "clip-surgery.redundant=papr"], "'papr'", "'paper'")
