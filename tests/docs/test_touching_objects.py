"""The picture of docs/find.md shows what its words say: two apart are two, two that touch are one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "docs" / "building" / "touching_objects.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("touching_objects", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_apart_are_two_and_two_that_touch_are_one(script: ModuleType) -> None:
    assert len(script.ground_discs(script.APART).instances) == 2
    (only,) = script.ground_discs(script.TOUCHING).instances
    assert only.mask[96, 96 - 30] and only.mask[96, 96 + 30]  # the middles of both


def test_the_picture_is_the_one_that_the_script_draws(script: ModuleType) -> None:
    assert script.PICTURE.stat().st_size < 40_000
    kept = np.asarray(Image.open(script.PICTURE).convert("RGB"), dtype=float)
    drawn = np.asarray(script.draw().convert("RGB"), dtype=float)
    assert kept.shape == drawn.shape
    assert np.abs(kept - drawn).mean() < 2
