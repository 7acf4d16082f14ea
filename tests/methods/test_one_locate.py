"""One way from maps to a region: a step that is put into it reaches everything that shows a region."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.datasets import open_dataset
from vlmscope.evaluation.entrants.configured_methods import choose, configure_methods
from vlmscope.evaluation.shared_passes import Contender, results_of_methods
from vlmscope.evaluation.words.vocabulary import Vocabulary
from vlmscope.heads.calibrate import calibrate_post
from vlmscope.post import PostOptions
from vlmscope.post.options import with_post
from vlmscope.tiny import render_scene
from vlmscope.types import Box

IMAGE = render_scene(0).image
PHRASE = "the red circle"
LVLM = ("localization-heads", "mean-attention", "relative-attention", "attend-minus-mean")
CLIP = (
    "gem",
    "clip-surgery",
    "maskclip",
    "clearclip",
    "sclip",
    "naclip",
    "self-proxy",
    "sc-clip",
    "resclip",
    "clip",
)


@pytest.fixture
def first_cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A further step of :func:`vlmscope.post.locate`: all weight goes to the first cell."""
    # the package exports a function of the module's name
    module = importlib.import_module("vlmscope.post.locate")
    combine = module.combine

    def combined(*arguments: Any) -> np.ndarray:
        weights = np.zeros_like(combine(*arguments))
        weights[0] = 1.0
        return weights

    monkeypatch.setattr(module, "combine", combined)
    yield


def grounded(model: str, method: str | None = None) -> vs.Grounding:
    return vs.ground(vs.load(model), IMAGE, PHRASE, method=method)


def in_first_cell(point: tuple[float, float] | None, cells: int) -> bool:
    height, width = IMAGE.shape[:2]
    return point is not None and point[0] < width / cells and point[1] < height / cells


@pytest.mark.parametrize(
    ("model", "method"),
    [*(("tiny-llava", each) for each in LVLM), *(("tiny-clip", each) for each in CLIP)],
)
def test_every_method_locates_by_it(model: str, method: str, first_cell: None) -> None:
    found = grounded(model, method)
    assert in_first_cell(found.point, 7)
    assert found.mask[0, 0] and not found.mask[-1, -1]
    assert found.heatmap.argmax() == 0


def test_token_grounding_locates_by_it(first_cell: None) -> None:
    phrases = vs.token_grounding(vs.load("tiny-llava"), IMAGE, "describe the picture").phrases
    assert phrases and all(in_first_cell(each.point, 7) for each in phrases)


def corner() -> Box:
    box = grounded("tiny-llava").box
    assert box is not None
    return box


def test_verification_locates_by_it(first_cell: None) -> None:
    samples = [(IMAGE, PHRASE, corner()), (render_scene(1).image, PHRASE, corner())]
    evidence = vs.verify_heads(vs.load("tiny-llava"), None, samples, progress=False).evidence
    assert evidence is not None
    assert evidence.mean_iou.value == evidence.pointing.value == 1.0
    assert all(row["mean_iou"][0] == 1.0 for row in evidence.per_head)


def test_calibration_locates_by_it(first_cell: None) -> None:
    model = vs.load("tiny-llava")
    settings = [with_post(PostOptions(), model.card.grounding, None)]
    samples = [(IMAGE, PHRASE, corner())]
    [tried] = calibrate_post(model, None, samples, settings, progress=False)
    assert (tried.mean_iou, tried.pointing) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("model", "method"), [("tiny-llava", "mean-attention"), ("tiny-clip", "gem")]
)
def test_evaluation_locates_by_it(model: str, method: str, first_cell: None) -> None:
    dataset, loaded = open_dataset("tiny-scenes"), vs.load(model)
    sample = dataset.load(dataset.image_ids[0])
    methods = configure_methods(loaded, choose([method]))
    words = Vocabulary.of(loaded, dataset.words)
    [result] = results_of_methods([Contender(each, words, sample) for each in methods])
    places = result.places()
    assert places
    for place in places:
        assert place.box is not None and place.box[:2] == (0.0, 0.0)
        assert place.mask[0, 0] and not place.mask[-1, -1]
