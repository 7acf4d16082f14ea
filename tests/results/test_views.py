"""What a view shows of a result is the result."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from views import blocks_of
from vlmscope.cli import main
from vlmscope.methods.encoder.options import PIXEL_OPTIONS
from vlmscope.post import mask_coverage
from vlmscope.results import AnswerComparison, Grounding, Segmentation, deviations
from vlmscope.results.geometry_blocks import label_runs, mask_block
from vlmscope.results.repeat import _OF_CLASSES
from vlmscope.types import BACKGROUND, Answer, WrittenBox
from vlmscope.types import View as Grid
from vlmscope.types.views import paint_views
from vlmscope.viewer import View


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    pixels = np.full((96, 128, 3), 90, np.uint8)
    pixels[20:50, 30:70] = (220, 30, 30)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def grounding(picture: Image.Image) -> Grounding:
    return vs.ground(vs.load("tiny-llava"), picture, "red square")


def unpacked(view: View) -> View:
    return View.unpack(view.pack())


def mask_of(block: dict[str, Any]) -> np.ndarray:
    """The mask of a block, by the words of the format."""
    values = np.arange(len(block["counts"])) % 2 == 1
    return np.repeat(values, block["counts"]).reshape(block["size"])


def painted(scene: dict[str, Any]) -> np.ndarray:
    """What the viewer paints: cells bilinearly on pixels, then moved to the scale."""
    views, grids, start = [], [], 0
    for each in scene["cells"]["views"]:
        y, x = np.array(each["y_edges"]), np.array(each["x_edges"])
        count = (len(y) - 1) * (len(x) - 1)
        grids.append(scene["map"][start : start + count].reshape(len(y) - 1, -1).astype(float))
        views.append(Grid(each["name"], np.arange(count), y, x))
        start += count
    low, high = scene["scale"]
    values = paint_views(views, grids, tuple(scene["cells"]["size"]), "bilinear")
    return np.clip((values - low) / (high - low), 0, 1)


def test_a_scene_is_painted_as_the_heat_map(grounding: Grounding) -> None:
    (scene,) = blocks_of(unpacked(grounding.view()), "scene")
    np.testing.assert_allclose(painted(scene), grounding.heatmap, atol=1e-5)
    np.testing.assert_array_equal(mask_of(scene["mask"]), grounding.mask)
    assert tuple(scene["box"]) == grounding.box and tuple(scene["point"]) == grounding.point
    assert len(scene["instances"]) == len(grounding.instances)
    assert scene["score"] == grounding.score and scene["warnings"] == list(grounding.warnings)


def test_a_scene_speaks_of_the_evidence_for_its_heads(grounding: Grounding) -> None:
    (scene,) = blocks_of(grounding.view(), "scene")
    assert grounding.head_set is not None and grounding.head_set.evidence is not None
    evidence = grounding.head_set.evidence
    assert ["verified on", f"{evidence.samples} samples"] in scene["evidence"]
    bare = replace(grounding, head_set=replace(grounding.head_set, evidence=None))
    (scene,) = blocks_of(bare.view(), "scene")
    assert scene["evidence"] is None
    other = replace(grounding, head_set=None, details={})
    assert blocks_of(other.view(), "scene")[0]["evidence"] == [], "no heads, so none to prove"


def test_chance_is_the_score_of_an_even_spread(grounding: Grounding) -> None:
    (scene,) = blocks_of(grounding.view(), "scene")
    located = grounding.located
    assert located is not None
    covered = mask_coverage(located.token_map, located.mask).mean()
    assert scene["chance"]["value"] == pytest.approx(located.weights.sum() * covered)
    assert 0 < scene["chance"]["value"] < scene["score"]
    other = replace(grounding, head_set=None, method="gem")
    assert blocks_of(other.view(), "scene")[0]["chance"] is None


@pytest.mark.parametrize("model", ["tiny-llava", "tiny-clip"])
def test_the_lines_to_repeat_it_repeat_it(
    model: str, picture: Image.Image, tmp_path: Path, capsys: Any
) -> None:
    picture.save(tmp_path / "it's.png")
    first = vs.ground(vs.load(model), picture, "red 'square'", keep="peak", sigma=0.8)
    (scene,) = blocks_of(first.view(), "scene")
    names: dict[str, Any] = {}
    exec(scene["python"].replace("'IMAGE'", repr(str(tmp_path / "it's.png"))), names)
    again = names["grounding"]
    assert (again.box, again.score) == (first.box, first.score)
    words = shlex.split(scene["command"])
    words[words.index("IMAGE")] = str(tmp_path / "it's.png")
    assert words[0] == "vlmscope"
    assert main([*words[1:], "--json", "--quiet"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["groundings"]
    assert (result["box"], result["score"]) == (list(first.box or ()), first.score)


def test_options_of_classes_are_no_option_of_a_phrase() -> None:
    assert PIXEL_OPTIONS == _OF_CLASSES


def test_a_grounding_without_its_map_shows_its_score_map(grounding: Grounding) -> None:
    bare = replace(grounding, located=None)
    (scene,) = blocks_of(unpacked(bare.view()), "scene")
    assert painted(scene).shape == grounding.image_size
    np.testing.assert_array_equal(scene["map"], grounding.score_map.ravel())


def test_where_nothing_lights_up_there_is_no_mask(grounding: Grounding) -> None:
    flat = replace(grounding, mask=np.zeros_like(grounding.mask), box=None, point=None)
    (scene,) = blocks_of(unpacked(flat.view()), "scene")
    assert scene["mask"] is None and scene["box"] is None and scene["instances"] == []


def test_a_large_image_is_made_smaller_and_a_lossless_one_is_kept(grounding: Grounding) -> None:
    (small,) = blocks_of(grounding.view(side=64), "scene")
    (whole,) = blocks_of(grounding.view(lossless=True), "scene")
    assert small["size"] == whole["size"] == list(grounding.image_size)
    assert Image.open(io.BytesIO(small["image"].data)).size == (64, 48)
    kept = Image.open(io.BytesIO(whole["image"].data))
    np.testing.assert_array_equal(np.asarray(kept), grounding.image)


def test_methods_share_one_scale(picture: Image.Image) -> None:
    comparison = vs.compare_methods(
        vs.load("tiny-llava"),
        picture,
        ["red square", "blue dot"],
        methods=["localization-heads", "mean-attention"],
    )
    view = unpacked(comparison.view())
    blocks = blocks_of(view, "compare")
    assert [len(block["scenes"]) for block in blocks] == [2, 2]
    for block, groundings in zip(blocks, comparison.by_phrase(), strict=True):
        for scene, each in zip(block["scenes"], groundings, strict=True):
            assert scene["scale"] == block["scale"] and scene["title"] == each.method
            expected = np.clip(deviations(each) / block["scale"][1], 0, 1)
            np.testing.assert_allclose(painted(scene), expected, atol=1e-4)


def test_an_answer_stands_beside_where_it_looked(grounding: Grounding) -> None:
    said = WrittenBox((1.0, 2.0, 30.0, 40.0), (0.0, 0.0, 0.2, 0.4), ())
    comparison = AnswerComparison(
        phrase="red square",
        model="tiny-llava",
        prompt="where?",
        text="[0, 0, 1, 1]",
        answer=Answer("[0, 0, 1, 1]", (said,)),
        looked={"last_text": grounding},
    )
    (block,) = blocks_of(unpacked(comparison.view()), "compare")
    own, looked = block["scenes"]
    assert (own["title"], own["box"]) == ("says", [1.0, 2.0, 30.0, 40.0])
    assert tuple(looked["box"]) == grounding.box


def test_a_segmentation_is_its_labels_in_runs() -> None:
    labels = np.zeros((4, 6), np.uint16)
    labels[:, 3:], labels[3, :2] = 1, BACKGROUND
    segmentation = Segmentation(
        names=("red dog", "cat"),
        method="gem",
        model="m",
        image=np.zeros((4, 6, 3), np.uint8),
        labels=labels,
        score_maps=np.zeros((2, 2, 3), np.float32),
        presence=np.array([0.5, 0.25], np.float32),
    )
    (block,) = blocks_of(unpacked(segmentation.view()), "segmentation")
    kinds, lengths = block["labels"].reshape(-1, 2).T
    expected = labels.astype(int)
    expected[labels == BACKGROUND] = -1
    np.testing.assert_array_equal(np.repeat(kinds, lengths).reshape(4, 6), expected)
    assert block["areas"] == [10, 12, 2] and block["confidence"] is None
    assert block["colours"][0] == [224, 43, 43], "a red dog is shown in red"


@pytest.mark.parametrize("first", [False, True])
def test_masks_are_runs_that_begin_with_zeros(first: bool) -> None:
    mask = np.random.default_rng(0).random((5, 7)) > 0.5
    mask[0, 0] = first
    block = mask_block(mask)
    assert block is not None
    np.testing.assert_array_equal(mask_of(block), mask)
    assert block["counts"].dtype == np.int32 and (block["counts"][0] == 0) == first


def test_runs_of_one_label() -> None:
    np.testing.assert_array_equal(label_runs(np.full((2, 3), 7)), [7, 6])
