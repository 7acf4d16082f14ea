"""A protocol with refinement on top: windows, then colours or SAM's masks, then the protocol's softmax."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import naive_protocol as naive
from dual_families import clip
from panoptic_folder import small_folder
from sams import bold, noise, refiner
from vlmscope.data.datasets import IGNORE, Dataset, WordList, open_dataset
from vlmscope.errors import BadOptionError
from vlmscope.evaluation import choose, evaluate
from vlmscope.evaluation.confusion import confusion_counts, mean_iou
from vlmscope.methods import segmenter
from vlmscope.methods.encoder import dense_tokens
from vlmscope.methods.encoder.pixel_adaptive import refine_by_pixels
from vlmscope.methods.encoder.protocols import find_protocol
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import grid_map
from vlmscope.refine import AutomaticOptions, Refiner

WORDS = {"background": ["sky", "tree"], "cat": ["cat", "small cat"], "bus": ["bus"], "dog": ["dog"]}
ROWS = [[0, 1], [2, 3], [4], [5]]
LOOSE = AutomaticOptions(points=2, least_iou=0.2, least_stability=0.3, most_overlap=1.0)
SIZE = (44, 60)
SMALL = replace(find_protocol("field"), side=48, window=32, stride=16, templates="photo")


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    return clip()


@pytest.fixture(scope="module")
def sam() -> Refiner:
    return bold(refiner())


def maps_of(ready: Any, pixels: NDArray[np.uint8], name: str) -> Tensor:
    """Cosines on the resized image, (words, height, width), or on the grid where there is no window."""
    if name == "gem":
        values = ready.setup.encoder.fit(pixels, 448, keep_ratio=False).values
        tokens = dense_tokens(
            ready.setup.encoder, values, (56, 56), ready.setup.method, ready.setup.options
        )
        unit = torch.nn.functional.normalize(tokens.patches[0], dim=-1)
        return (unit @ ready.text.T).T.reshape(-1, 56, 56)
    values = naive.resized(pixels, 336, ready.setup)
    return naive.slid(values, ready.setup, ready.text, 224, 112)


def decided(maps: Tensor, ready: Any, name: str) -> naive.Naive:
    """Labels from what is painted on the original image: (words, height, width)."""
    if name == "field":
        return naive.decided(maps * 65.0, ROWS, 0.1, 0, 0.1)
    scale = ready.setup.encoder.family.logit_scale(ready.setup.encoder.hf)
    return naive.decided(maps[2:] * scale, [[], [0, 1], [2], [3]], 0.35, 0, None)


def by_colours(maps: Tensor, pixels: NDArray[np.uint8]) -> Tensor:
    """Painted at the working size, there refined, and painted on the image."""
    grid = (35, 48)  # the longer side is 48
    small = naive.painted(maps, grid).flatten(1).T.numpy().astype(np.float32)
    _, refined = refine_by_pixels(grid_map(SIZE, grid), small, pixels, 3, 48)
    return naive.painted(torch.from_numpy(refined).T.reshape(-1, *grid), SIZE)


def by_masks(maps: Tensor, masks: list[NDArray[np.bool_]]) -> Tensor:
    """Every pixel of a mask has the mask's mean, the later one on top."""
    painted = naive.painted(maps, SIZE)
    voted = painted.clone()
    for mask in masks:
        voted[:, torch.from_numpy(mask)] = painted[:, torch.from_numpy(mask)].mean(
            dim=1, keepdim=True
        )
    return voted


def agree(found: Any, expected: naive.Naive) -> None:
    sure = expected.margin > 1e-5
    assert sure.mean() > 0.97
    np.testing.assert_array_equal(found.labels[sure], expected.labels[sure])


@pytest.mark.parametrize("name", ["field", "gem"])
@pytest.mark.parametrize("way", ["colours", "masks", "both"])
def test_refinement_stands_between_windows_and_softmax(
    model: DualEncoder, sam: Refiner, name: str, way: str
) -> None:
    pixels, protocol = noise(*SIZE, seed=3), find_protocol(name, "voc21")
    if name == "gem":  # of four words of random weights none is ever as probable as .85
        protocol = replace(protocol, background=0.35)
    options: dict[str, Any] = {}
    if way != "masks":
        options |= {"refine_pixels": 3, "refine_side": 48}
    if way != "colours":
        options |= {"refine": sam, "refine_masks": LOOSE}
    ready = segmenter(model, WORDS, "clearclip", protocol=protocol, text_cache=False, **options)
    maps = maps_of(ready, pixels, name)
    plain = decided(naive.painted(maps, SIZE), ready, name)
    painted = naive.painted(maps, SIZE)
    if way != "masks":
        maps = painted = by_colours(maps, pixels)
    if way != "colours":
        assert ready.votes is not None
        masks = [each.mask for each in ready.votes.masks(pixels)]
        assert masks
        painted = by_masks(maps, masks)
    expected = decided(painted, ready, name)
    found = ready(pixels)
    agree(found, expected)
    assert (expected.labels != plain.labels).any()  # it does something
    assert found.details["protocol"]["id"] == name


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    words = WordList("four", {"cat": ("cat", "small cat"), "bus": ("bus",), "zebra": ("dog",)})
    root = small_folder(tmp_path_factory.mktemp("data")).write()
    return open_dataset("coco-panoptic", root, words)


def test_eval_gives_what_segment_gives_and_says_what_is_on_top(
    data: Dataset, model: DualEncoder, sam: Refiner
) -> None:
    options = {"clip@px": {"refine_pixels": 2}}
    found = evaluate(
        data, model, choose(["clip", "clip@px"], options), tasks=["segmentation"], protocol=SMALL,
        refiner=sam, refine_masks=LOOSE, progress=False, text_cache=False,
    )  # fmt: skip
    labels = ["clip", "clip+sam:vote", "clip@px", "clip@px+sam:vote"]
    assert [run.label for run in found.runs] == labels
    classes = {label: [str(n) for n in names] for label, names in data.words.classes.items()}
    for label in labels:
        more: dict[str, Any] = {"refine_pixels": 2} if "@px" in label else {}
        more |= {"refine": sam, "refine_masks": LOOSE} if "sam" in label else {}
        ready = segmenter(model, classes, "clip", protocol=SMALL, text_cache=False, **more)
        counts = []
        for image_id in data.image_ids:
            sample = data.load(image_id)
            assert sample.labels is not None
            where = sample.labels != IGNORE
            own = ready(sample.image).labels.astype(int)
            counts.append(confusion_counts(sample.labels[where], own[where], 3))
        assert found[label]["mIoU"].interval == mean_iou([each for each in counts if each], 3)
    assert "refined" not in found["clip"].setting
    assert (
        found["clip@px"].setting["refined"].startswith("beyond the protocol: by colours, 2 times")
    )
    assert "votes" in found["clip+sam:vote"].setting


def test_a_discount_changes_what_a_protocol_compares(data: Dataset, model: DualEncoder) -> None:
    message = r"option discount \(0.4\) contradicts the protocol field, which sets it to 0.0"
    with pytest.raises(BadOptionError, match=message):
        segmenter(model, WORDS, protocol="field", discount=0.4)
    with pytest.raises(BadOptionError, match=message):
        evaluate(data, model, choose(["gem"], {"gem": {"discount": 0.4}}), protocol="field")


def test_an_image_smaller_than_a_window_is_seen_whole(model: DualEncoder) -> None:
    """The protocol makes the shorter side longer than a window, however small the image is."""
    ready = segmenter(model, WORDS, "clip", protocol="field", refine_pixels=2, text_cache=False)
    found = ready(noise(5, 9))
    assert found.labels.shape == (5, 9)
