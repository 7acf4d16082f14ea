"""What runs on an encoder when nothing is named, and what on a wide CLIP is decided by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from dual_families import DUAL, READERS, clip
from vlmscope.errors import BadOptionError
from vlmscope.methods import segmenter
from vlmscope.methods.catalogue import default_method
from vlmscope.methods.encoder import DenseSetup
from vlmscope.methods.encoder.defaults import default_side
from vlmscope.methods.encoder.similarity import compare
from vlmscope.models import DualEncoder
from vlmscope.types import BACKGROUND


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 56, 3), np.uint8)


@pytest.fixture(scope="module")
def wide() -> DualEncoder:
    """A CLIP of 512 channels, as wide as the narrowest that counts as wide."""
    return clip(hidden_size=512, num_attention_heads=8, num_hidden_layers=2)


@pytest.mark.parametrize("family", DUAL)
def test_sc_clip_where_it_was_measured_and_gem_on_other_families(family: str) -> None:
    encoder = DUAL[family]()
    names = ["dog", "sky"] if family in READERS else ["zebra", "sky"]
    expected = "sc-clip" if encoder.family.id in ("clip", "vit", "deit") else "gem"
    assert vs.ground(encoder, noise(), names[0]).method == expected
    assert vs.segment(encoder, noise(), names).method == expected


@pytest.mark.parametrize("family", ["siglip", "blip"])
def test_width_alone_does_not_make_a_clip(family: str) -> None:
    encoder = DUAL[family](hidden_size=512, num_attention_heads=8, num_hidden_layers=2)
    assert default_method(encoder)[0].id == "gem"


def test_a_wide_clip_has_sc_clip_and_gem_one_word_away(wide: DualEncoder) -> None:
    assert vs.ground(wide, noise(), "dog", side=32).method == "sc-clip"
    assert vs.segment(wide, noise(), "dog, sky", side=32).method == "sc-clip"
    assert vs.ground(wide, noise(), "dog", "gem", side=32).method == "gem"
    assert vs.segment(wide, noise(), "dog, sky", "gem", side=32).method == "gem"


def test_gem_runs_where_the_default_cannot() -> None:
    alone = clip(hidden_size=512, num_attention_heads=8, num_hidden_layers=1)
    assert vs.segment(alone, noise(), "dog, sky", side=32).method == "gem"
    assert vs.ground(alone, noise(), "dog", side=32).method == "gem"


def test_a_wide_clip_is_shown_448_pixels_and_others_what_they_were_trained_on(
    wide: DualEncoder,
) -> None:
    assert default_side(wide) == 448
    assert default_side(clip()) == 32
    assert default_side(DUAL["vit"](hidden_size=512, num_attention_heads=8)) == 32
    ready = segmenter(wide, "dog, sky")
    assert ready.setup.side == 448
    assert isinstance(ready.setup, DenseSetup)
    assert segmenter(wide, "dog, sky", side=64).setup.side == 64


def test_presence_is_told_among_rivals_where_classes_compete_on_a_wide_clip(
    wide: DualEncoder,
) -> None:
    assert segmenter(wide, "dog, sky").presence_rule == "rivals"
    assert segmenter(wide, "dog, sky", presence_rule="mean").presence_rule == "mean"
    assert segmenter(wide, "dog, sky", compete=False).presence_rule == "mean"
    assert segmenter(clip(), "dog, sky").presence_rule == "mean"
    with pytest.raises(BadOptionError, match=r"never above 0.*0\.2.*presence_rule='mean'"):
        segmenter(wide, "dog, sky", least_presence=0.2)
    with pytest.raises(BadOptionError, match="never above 0"):
        segmenter(clip(), "dog, sky", least_presence=0.2, presence_rule="rivals")
    assert segmenter(wide, "dog, sky", least_presence=0.2, presence_rule="mean").least_presence


def test_background_words_take_the_pixels_that_they_fit_best(wide: DualEncoder) -> None:
    pixels = noise()
    found = vs.segment(wide, pixels, "dog, bus", side=32)
    assert found.details["background_words"] == [
        "sky",
        "tree",
        "grass",
    ]  # that this tokenizer knows
    ready = segmenter(wide, "dog, bus", side=32, background_words=False)
    words = [f"a photo of a {word}." for word in ("dog", "bus", "sky", "tree", "grass")]
    seen = compare(ready.setup, pixels, wide.text_embeddings(words))
    scores = seen.patches.numpy()
    rivals = np.column_stack([scores[:, :2], scores[:, 2:].max(axis=1)])
    painted = np.stack([seen.token_map.to_pixels(column) for column in rivals.T])
    expected = painted.argmax(axis=0)
    clear = np.ptp(np.sort(painted, axis=0)[-2:], axis=0) > 1e-5
    labels = np.where(found.labels == BACKGROUND, 2, found.labels)
    assert clear.mean() > 0.99 and 0 < (labels == 2).mean() < 1
    np.testing.assert_array_equal(labels[clear], expected[clear])
    plain = ready(pixels)
    np.testing.assert_array_equal(found.presence, plain.presence)
    np.testing.assert_allclose(found.score_maps, plain.score_maps, atol=1e-6)
    assert (plain.labels != BACKGROUND).all() and "background_words" not in plain.details


def test_a_word_that_a_class_has_is_no_rival(wide: DualEncoder) -> None:
    ready = segmenter(wide, {"plants": ["Trees", "green grass"], "dog": "dog"})
    assert ready.beside is not None and ready.beside.words == ("sky",)
    assert segmenter(wide, "sky, tree, grass").beside is None


@pytest.mark.parametrize(
    ("classes", "options"),
    [
        ("dog, background", {}),
        ("dog, bus", {"background": 0.5}),
        ("dog, bus", {"least_score": 0.1}),
        ("dog, bus", {"compete": False}),
        ("dog, bus", {"protocol": "field"}),
    ],
)
def test_nothing_is_added_where_something_else_says_what_is_background(
    wide: DualEncoder, classes: str, options: dict[str, Any]
) -> None:
    assert segmenter(wide, classes, **options).beside is None


def test_narrow_towers_give_every_pixel_a_class_unless_words_are_asked_for() -> None:
    assert segmenter(clip(), "dog, bus").beside is None
    ready = segmenter(clip(), "dog, bus", background_words=True)
    assert ready.beside is not None and ready.beside.words == ("sky", "tree", "grass")
    assert ready.header["background_words"] == ["sky", "tree", "grass"]


@pytest.mark.parametrize(
    ("family", "classes", "options", "message"),
    [
        ("clip", "dog, bus", {"compete": False}, "nothing competes"),
        ("clip", "dog, background", {}, "a class 'background' says"),
        ("clip", "dog, bus", {"protocol": "gem"}, "the protocol gem says"),
        ("vit", "zebra, sky", {}, "reads any word"),
    ],
)
def test_words_that_would_be_ignored_are_refused(
    family: str, classes: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadOptionError, match=message):
        segmenter(DUAL[family](), classes, background_words=True, **options)
