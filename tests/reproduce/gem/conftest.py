"""A rendered set, the CLIP that ships inside, and what is kept of its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem import Settings
from vlmscope.reproduce.gem.images import Lens

IMAGES = 3


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gem") / "coco"
    make_tiny("coco-panoptic", place, IMAGES)
    return place


@pytest.fixture(scope="package")
def data(root: Path) -> Dataset:
    return open_dataset("coco-panoptic", root)


@pytest.fixture(scope="package")
def encoder() -> DualEncoder:
    model = vs.load("tiny-clip")
    assert isinstance(model, DualEncoder)
    return model


@pytest.fixture(scope="package")
def lens(encoder: DualEncoder, data: Dataset) -> Lens:
    return Lens(encoder, data, Settings(side=0, pixel_step=1))


@pytest.fixture(scope="package")
def records(lens: Lens, data: Dataset) -> dict[str, dict[str, Any]]:
    """Image -> what is kept of it."""
    return {image_id: lens.measure(data.load(image_id)) for image_id in data.image_ids}
