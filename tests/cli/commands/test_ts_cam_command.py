"""A TS-CAM's file as the model of a command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from ts_cams import LABELS, as_saved, ts_cam_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)).save(
        tmp_path / "photo.png"
    )
    torch.save(as_saved(ts_cam_weights()), tmp_path / "ts-cam.pth")
    (tmp_path / "ts-cam.txt").write_text("\n".join(LABELS), encoding="utf-8")
    return tmp_path / "ts-cam.pth"


def test_ground_takes_the_file_and_the_options_of_ts_cam(run, weights: Path) -> None:
    photo = weights.with_name("photo.png")
    words = ("ground", photo, "zebra", "--model", weights, "--share", 0.12, "--json", "-q")
    result = run(*words)
    assert result.code == 0, result.err
    [record] = json.loads(result.out)["groundings"]
    found = vs.ground(vs.load(str(weights)), photo, "zebra", share=0.12)
    assert record["method"] == "ts-cam" and record["score"] == found.score
    assert record["box"] == pytest.approx(found.box)


def test_what_does_not_go_with_it_is_said(run, weights: Path) -> None:
    photo = weights.with_name("photo.png")
    result = run("segment", photo, "-c", "zebra, sky", "--model", weights)
    assert result.code == 2 and "Use the method ts-cam" in result.err
    result = run("ground", photo, "zebra", "--model", "tiny-clip", "--method", "ts-cam")
    assert result.code == 2 and "cls-attention" in result.err
