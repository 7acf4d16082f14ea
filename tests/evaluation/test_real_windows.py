"""Sliding windows on photographs: their borders show no more than without windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import vlmscope as vs
from vlmscope.methods.encoder import window
from vlmscope.methods.encoder.window import WindowPlan

SHARED = Path(__file__).resolve().parents[3] / "shared"
MODEL = SHARED / "models" / "deit-tiny-imagenet"
PHOTOGRAPHS = SHARED / "data" / "coco-panoptic-100" / "images"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(
        not (MODEL.is_dir() and PHOTOGRAPHS.is_dir()),
        reason=f"needs deit-tiny-imagenet and coco-panoptic-100 under {SHARED}",
    ),
]

OPTIONS = {"method": "clearclip", "side": 448, "templates": "none"}


def step_ratio(maps: NDArray[np.float32]) -> float:
    """Mean step between neighbours across borders of windows of 224 by 112, over that elsewhere."""
    plan = WindowPlan.over(maps.shape[1:], 16, 224, 112)
    at, elsewhere = [], []
    for axis in (0, 1):
        starts = {corner[axis] for corner in plan.corners}
        borders = starts | {start + plan.size[axis] for start in starts}
        steps = np.abs(np.diff(maps, axis=axis + 1)).mean(axis=(0, 2 - axis))
        for cell, step in enumerate(steps, start=1):
            (at if cell in borders else elsewhere).append(step)
    return float(np.mean(at) / np.mean(elsewhere))


@pytest.mark.parametrize("flat", [False, True], ids=["tapered", "flat"])
def test_window_borders_do_not_show(monkeypatch: pytest.MonkeyPatch, flat: bool) -> None:
    if flat:  # what a plain average does: this test tells the two apart
        monkeypatch.setattr(window, "taper", torch.ones)
    model = vs.load(str(MODEL), device="cpu")
    within, without = [], []
    for path in sorted(PHOTOGRAPHS.iterdir())[:5]:
        for ratios, how in ((within, {"window": (224, 112)}), (without, {})):
            found = vs.segment(model, path, "tabby, pizza, golden retriever", **OPTIONS, **how)
            ratios.append(step_ratio(found.score_maps))
    assert (np.mean(within) <= 1.05 * np.mean(without)) != flat
