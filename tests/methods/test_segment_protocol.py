"""Protocols by name in ``segment``: each equals a plain-loop implementation, and nothing contradicts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import naive_protocol as naive
import vlmscope as vs
from dual_families import clip, vit
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.methods import segmenter
from vlmscope.methods.encoder import dense_tokens, phrase_embeddings
from vlmscope.methods.encoder.protocols import SegmentationProtocol, find_protocol
from vlmscope.models import DualEncoder
from vlmscope.results import Segmentation

CLASSES = {
    "background": ["sky", "grass", "tree"],
    "pet": ["dog", "cat"],
    "person": ["man", "woman", "child", "person"],
    "bus": ["bus"],
    "star": ["star"],
}
WORDS = [[0, 1, 2], [3, 4], [5, 6, 7, 8], [9], [10]]


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return clip()


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth patches of colour: neighbouring windows see something of their own."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 9, 3), np.uint8)
    return np.kron(small, np.ones((height // 6 + 1, width // 9 + 1, 1), np.uint8))[:height, :width]


def agree(found: Segmentation, expected: naive.Naive, floor: float | None) -> None:
    """Wherever float32 can tell the classes apart, and them from the background."""
    clear = expected.margin > 1e-5
    if floor is not None:
        clear &= np.abs(expected.best - floor) > 1e-6
    assert clear.mean() > 0.97
    np.testing.assert_array_equal(found.labels[clear], expected.labels[clear])


SMALL = SegmentationProtocol(
    "field", side=48, window=32, stride=16, templates="imagenet", logit_scale=40.0, background=0.1
)


@pytest.mark.parametrize("size", [(48, 48), (61, 83), (200, 97), (30, 121)])
@pytest.mark.parametrize("method", ["gem", "clearclip", "clip", "cls-attention"])
def test_windows_at_every_edge(encoder: DualEncoder, size: tuple[int, int], method: str) -> None:
    protocol = replace(SMALL, logit_scale=300.0, background=0.3, least_area=0.2)
    found = vs.segment(encoder, picture(*size), CLASSES, method, protocol=protocol)
    ready = segmenter(encoder, CLASSES, method, protocol=protocol)
    values = naive.resized(picture(*size), 48, ready.setup)
    maps = naive.slid(values, ready.setup, ready.text, 32, 16)
    expected = naive.decided(naive.painted(maps, size) * 300.0, WORDS, 0.3, 0, 0.2)
    agree(found, expected, 0.3)
    assert len(np.unique(found.labels)) > 1


@pytest.mark.parametrize("name", ["field", "field@voc21", "field@context60"])
def test_the_field_as_it_is(encoder: DualEncoder, name: str) -> None:
    pixels = picture(75, 120)
    found = vs.segment(encoder, pixels, CLASSES, "clearclip", protocol=name)
    ready = segmenter(encoder, CLASSES, "clearclip", protocol=name)
    torch.testing.assert_close(
        ready.text,
        phrase_embeddings(
            encoder, [word for words in CLASSES.values() for word in words], "imagenet"
        ),
    )
    values = naive.resized(pixels, 336, ready.setup)
    assert values.shape[-2:] == (336, 538)
    maps = naive.slid(values, ready.setup, ready.text, 224, 112)
    scale = {"field": 40.0, "field@voc21": 65.0, "field@context60": 50.0}[name]
    area = 0.1 if name == "field@voc21" else None
    expected = naive.decided(naive.painted(maps, (75, 120)) * scale, WORDS, 0.1, 0, area)
    agree(found, expected, 0.1)
    assert found.details["windows"] == 2 * 4
    assert found.details["logit_scale"] == scale


def test_gem_squashes_and_leaves_the_background_out(encoder: DualEncoder) -> None:
    pixels = picture(60, 90)
    protocol = replace(find_protocol("gem"), side=64, background=0.3)
    found = vs.segment(encoder, pixels, CLASSES, "gem", protocol=protocol)
    ready = segmenter(encoder, CLASSES, "gem", protocol=protocol)
    values = encoder.fit(pixels, 64, keep_ratio=False).values
    scale = encoder.family.logit_scale(encoder.hf)
    foreground = [[i - 3 for i in rows] for rows in WORDS[1:]]
    tokens = _cosines(ready, values)
    logits = naive.painted(tokens[3:], (60, 90)) * scale
    expected = naive.decided(logits, [[], *foreground], 0.3, 0, None)
    agree(found, expected, 0.3)
    assert 0 < (found.labels == 0).mean() < 1


def _cosines(ready: Any, values: torch.Tensor) -> torch.Tensor:
    setup = ready.setup
    tokens = dense_tokens(setup.encoder, values, (8, 8), setup.method, setup.options)
    unit = torch.nn.functional.normalize(tokens.patches[0], dim=-1)
    return (unit @ ready.text.T).T.reshape(-1, 8, 8)


def test_every_number_stands_in_the_record(encoder: DualEncoder) -> None:
    found = vs.segment(encoder, picture(40, 60), CLASSES, "clip", protocol="field@voc21")
    record = found.details
    assert record["protocol"] == {
        "id": "field",
        "dataset": "voc21",
        "side": 336,
        "keep_ratio": True,
        "window": 224,
        "stride": 112,
        "templates": "imagenet",
        "logit_scale": 65.0,
        "background": 0.1,
        "least_area": 0.1,
        "foreground_only": False,
    }
    assert record["background"] == 0.1
    assert record["options"]["window"] == 224


def test_free_is_what_was_there_before(encoder: DualEncoder) -> None:
    pixels = picture(40, 60)
    before = vs.segment(encoder, pixels, CLASSES, background=0.2)
    free = vs.segment(encoder, pixels, CLASSES, background=0.2, protocol="free")
    np.testing.assert_array_equal(before.labels, free.labels)
    np.testing.assert_array_equal(before.score_maps, free.score_maps)
    assert before.details == free.details
    assert "protocol" not in free.details


def test_classes_without_a_background_have_none(encoder: DualEncoder) -> None:
    some = {name: words for name, words in CLASSES.items() if name != "background"}
    found = vs.segment(encoder, picture(40, 60), some, protocol=replace(SMALL, background=0.99))
    assert found.areas[-1] == 0
    assert found.details["background"] is None


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("side", 224),
        ("window", (224, 56)),
        ("templates", "photo"),
        ("logit_scale", 100.0),
        ("background", 0.2),
        ("least_presence", 0.1),
        ("least_score", 0.2),
        ("compete", False),
        ("smoothing", "gaussian"),
    ],
)
def test_what_contradicts_a_protocol_is_named(
    encoder: DualEncoder, option: str, value: Any
) -> None:
    name = "stride" if option == "window" else option
    with pytest.raises(BadOptionError, match=f"option {name} .* contradicts the protocol field"):
        vs.segment(encoder, picture(40, 60), CLASSES, protocol="field", **{option: value})


def test_what_agrees_with_it_is_taken(encoder: DualEncoder) -> None:
    ready = segmenter(encoder, CLASSES, protocol="field", window=(224, 112), side=336)
    assert ready.protocol.id == "field"


def test_names_and_patches_that_do_not_fit(encoder: DualEncoder) -> None:
    with pytest.raises(UnknownNameError, match="field@voc21"):
        segmenter(encoder, CLASSES, protocol="field@voc")
    with pytest.raises(UnknownNameError, match="gem"):
        segmenter(encoder, CLASSES, protocol="gems")
    with pytest.raises(BadOptionError, match="multiple of the patch"):
        segmenter(encoder, CLASSES, protocol=replace(SMALL, window=36))
    with pytest.raises(BadOptionError, match="two or more besides"):
        segmenter(encoder, {"background": "sky", "bus": "bus"}, protocol="gem")
    with pytest.raises(BadOptionError, match="and ade20k is measured on"):
        find_protocol("field@voc21", "ade20k")


def test_a_classifier_takes_its_labels() -> None:
    found = vs.segment(vit(), picture(40, 60), ["zebra", "sky"], protocol=SMALL)
    assert found.areas.sum() == 40 * 60
