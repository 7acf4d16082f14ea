"""Real CLIP on photographs: what the projections are, and what the settings come to on a few images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem import Settings
from vlmscope.reproduce.gem.images import Lens
from vlmscope.reproduce.gem.spectra import PROJECTIONS, spectral_norms

SHARED = Path(__file__).resolve().parents[4] / "shared"
MODEL = SHARED / "models" / "clip-vit-b16-coco-words"
DATA = SHARED / "data" / "coco-panoptic-100"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(
        not (MODEL.is_dir() and DATA.is_dir()),
        reason=f"needs clip-vit-b16-coco-words and coco-panoptic-100 under {SHARED}",
    ),
]


@pytest.fixture(scope="module")
def tower() -> DualEncoder:
    model = vs.load(str(MODEL), device="cpu")
    assert isinstance(model, DualEncoder)
    return model


@pytest.fixture(scope="module")
def photographs() -> Dataset:
    return open_dataset("coco-panoptic", DATA)


def test_every_head_of_the_last_six_blocks_is_a_contraction(tower: DualEncoder) -> None:
    blocks = spectral_norms(tower)
    assert len(blocks) == 12
    assert all(norm < 1 for block in blocks[-6:] for p in PROJECTIONS for norm in block[p])
    assert any(norm > 2 for norm in blocks[0]["q"])


def test_what_one_photograph_shows(tower: DualEncoder, photographs: Dataset) -> None:
    """Directions that are clear on any photograph; how much, the command measures on all of them."""
    lens = Lens(tower, photographs, Settings(side=224))
    record: dict[str, Any] = lens.measure(photographs.load(photographs.image_ids[0]))
    spread = np.array(record["iterating"]["spread"])  # (projections, iterations)
    assert (np.diff(spread, axis=1) < 0).all()
    effective = np.array(record["iterating"]["effective"])
    assert (np.diff(effective, axis=1) < 0).all()
    assert 3 < min(record["temperatures"]) < max(record["temperatures"]) < 10

    def gap(way: str) -> float:
        within, across, *_ = record["ways"][way]["means"]
        return float(within - across)

    assert gap("gem") > gap("temperature-0.001") > 0
    assert lens.texts == [name for names in photographs.words.classes.values() for name in names]
