"""From a rendered set to its score, for every set of label maps and for labelled points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import IGNORE, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS
from vlmscope.evaluation import choose, evaluate
from vlmscope.models import DualEncoder

IMAGES = 2


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    loaded = vs.load("tiny-clip")
    assert isinstance(loaded, DualEncoder)
    return loaded


@pytest.mark.parametrize("name", [layout.dataset for layout in MAP_LAYOUTS])
def test_every_set_is_measured(model: DualEncoder, tmp_path: Path, name: str) -> None:
    make_tiny(name, tmp_path / "set", IMAGES)
    data = open_dataset(name, tmp_path / "set", tmp_path / "set" / "words.json")
    found = evaluate(data, model, choose(["gem"]), progress=False)
    scores = {score.metric: score for score in found["gem"].scores}
    assert {"mIoU", "pixel accuracy", "presence AUC", "pointing"} <= set(scores)
    labels = [data.load(image_id).labels for image_id in data.image_ids]
    counted = np.concatenate([each[each != IGNORE] for each in labels if each is not None])
    assert scores["mIoU"].n == counted.size and scores["mIoU"].images == IMAGES
    assert scores["mIoU"].detail["classes_present"] == len(np.unique(counted))
    assert scores["presence AUC"].interval is not None
    assert scores["presence AUC"].interval.value > 0.7  # the words name what is there
    words = found.protocol["words"]
    assert words["title"] == f"what stands for {name}" and words["digest"] == data.words.digest
    assert words.get("background") == (data.words.background or None)


@pytest.mark.parametrize("kind", ["plain", "field"])
def test_a_vocabulary_of_ours_is_in_the_protocol(
    model: DualEncoder, tmp_path: Path, kind: str
) -> None:
    """Several words of a class, and a word of two classes (bed is also part of the background)."""
    make_tiny("coco-object", tmp_path / "set", 1)
    data = open_dataset("coco-object", tmp_path / "set", kind)
    found = evaluate(data, model, choose(["gem"]), tasks=["segmentation"], progress=False)
    words = found.protocol["words"]
    assert (words["title"], words["version"]) == (f"coco-object {kind}", "1")
    assert (words["classes"], words["names"]) == (81, 81 if kind == "plain" else 26 + 79 + 8)
    assert words["background"] == "background"


def test_labelled_points_are_measured(model: DualEncoder, tmp_path: Path) -> None:
    make_tiny("openimages-points", tmp_path / "set", IMAGES)
    data = open_dataset("openimages-points", tmp_path / "set")
    found = evaluate(data, model, choose(["gem", "clip"]), progress=False)
    pairs = data.protocol["counts"]["objects"]
    for run in ("gem", "clip"):
        mean, pooled = found[run].scores
        assert (mean.metric, pooled.metric) == ("points mIoU", "points mIoU pooled")
        assert mean.n == pooled.n == pairs and mean.images == IMAGES
        assert mean.interval is not None and 0 < mean.interval.value < 1
    assert "published" in found.protocol["tasks"]["labelled-points"]


def test_labelled_points_of_a_method_that_answers_phrase_by_phrase(tmp_path: Path) -> None:
    make_tiny("openimages-points", tmp_path / "set", 1)
    data = open_dataset("openimages-points", tmp_path / "set")
    llava = vs.load("tiny-llava")
    found = evaluate(data, llava, choose(["mean-attention"]), progress=False)
    assert found["mean-attention"]["points mIoU"].n == data.protocol["counts"]["objects"]
