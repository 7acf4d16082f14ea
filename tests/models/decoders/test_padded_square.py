"""DeepSeek-VL and Janus: squares that the processor pads to, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from transformers import DeepseekVLHybridImageProcessorPil, DeepseekVLImageProcessorPil

import vlmscope as vs
from lvlms import made
from lvlms.deepseek_vl import deepseek_vl
from lvlms.janus import janus
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.decoders.padded_square import padded_square

PHRASE = "the small red circle"


def picture(height: int = 90, width: int = 180) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(90, 180), (181, 50), (7, 900), (900, 7), (3, 5), (640, 640)])
@pytest.mark.parametrize("least", [4, 14])
def test_the_padding_is_where_the_processor_puts_it(shape: tuple[int, int], least: int) -> None:
    side = 48
    white = np.full((*shape, 3), 255, dtype=np.uint8)
    images = DeepseekVLImageProcessorPil(
        size={"height": side, "width": side},
        min_size=least,
        image_mean=[0.0] * 3,
        image_std=[1.0] * 3,
    )
    bright = np.asarray(images(images=[Image.fromarray(white)])["pixel_values"][0]).mean(0) > 0.5
    y, x, square = padded_square(shape, side, least)
    assert bright.shape == (square, square)
    for axis, lit, length in ((y, bright.any(1), shape[0]), (x, bright.any(0), shape[1])):
        edges = np.flatnonzero(lit)
        assert axis.offset == edges[0]
        assert axis.scale * length + axis.offset == pytest.approx(edges[-1] + 1)


@pytest.mark.parametrize("shape", [(90, 180), (181, 50), (3, 300)])
def test_the_hybrids_small_square_is_made_of_the_large_one(shape: tuple[int, int]) -> None:
    from vlmscope.models.decoders.deepseek_vl import DeepseekVlHybridFamily

    white = np.full((*shape, 3), 255, dtype=np.uint8)
    plain = {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}
    images = DeepseekVLHybridImageProcessorPil(
        size={"height": 48, "width": 48},
        high_res_size={"height": 96, "width": 96},
        min_size=4,
        **plain,
        **{f"high_res_{name}": value for name, value in plain.items()},
    )
    values = np.asarray(images(images=[Image.fromarray(white)])["pixel_values"][0]).mean(0)
    y, x = DeepseekVlHybridFamily().axes(images, shape)
    # a border that falls within a pixel makes it grey: count light, not pixels
    for axis, light, length in ((y, values.max(1), shape[0]), (x, values.max(0), shape[1])):
        assert np.clip(light / light.max(), 0, 1).sum() == pytest.approx(
            axis.scale * length, abs=0.51
        )
        middle = float((light * (np.arange(48) + 0.5)).sum() / light.sum())
        assert middle == pytest.approx(axis.scale * length / 2 + axis.offset, abs=0.51)


def test_borders_are_tokens_that_lie_outside_the_image() -> None:
    tokens = vs.token_map(made("deepseek-vl"), picture(), PHRASE)
    assert tokens.placement == "pad"
    (view,) = tokens.views
    assert view.y_edges[[0, -1]].tolist() == [-45.0, 135.0]
    assert tokens.seen == (0.0, 0.0, 180.0, 90.0)


def test_delimiters_of_janus_have_the_image_role() -> None:
    tokens = vs.token_map(made("janus"), picture(), PHRASE)
    names = [tokens.tokens[position] for position in tokens.positions("image")]
    assert names[0] == "<begin_of_image>" and names[-1] == "<end_of_image>"
    assert len(tokens.image_positions) == len(names) - 2


def test_januss_system_sentence_is_system() -> None:
    tokens = vs.token_map(made("janus-system"), picture(), PHRASE)
    words = [tokens.tokens[position] for position in tokens.positions("system")]
    assert words[:2] == ["<bos>", "You"] and "tasks" in words
    assert [tokens.tokens[position] for position in tokens.positions("phrase")] == PHRASE.split()


@pytest.mark.parametrize("hybrid", [False, True])
def test_another_number_of_tokens_is_refused_with_both(hybrid: bool) -> None:
    with pytest.raises(ModelMismatchError, match="writes 49 image tokens.* makes 36"):
        deepseek_vl(hybrid=hybrid, tokens=49)
    with pytest.raises(ModelMismatchError, match="writes 36 image tokens.* makes 49"):
        janus(tokens=36)


def changed(name: str, **settings: object) -> vs.models.LoadedModel:
    """The model with a processor of other settings, which is put back."""
    model = made(name)
    images = model.processor.image_processor
    before = {key: getattr(images, key) for key in settings}
    try:
        for key, value in settings.items():
            setattr(images, key, value)
        return vs.from_pretrained_model(model.hf, model.processor, name="changed")
    finally:
        for key, value in before.items():
            setattr(images, key, value)


@pytest.mark.parametrize("setting", ["do_pad", "do_resize"])
def test_a_processor_that_makes_no_square_is_refused(setting: str) -> None:
    with pytest.raises(ModelMismatchError, match=f"{setting}=False.*Set them to True"):
        changed("deepseek-vl", **{setting: False})


def test_a_processor_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(ModelMismatchError, match="64x64 pixels.*takes 48x48"):
        changed("deepseek-vl", size={"height": 64, "width": 64})
    with pytest.raises(ModelMismatchError, match="64x64 pixels.*takes 96x96"):
        changed("deepseek-vl-hybrid", high_res_size={"height": 64, "width": 64})


def test_unknown_towers_are_refused() -> None:
    model = made("deepseek-vl-hybrid")
    for config in (model.hf.config.vision_config, model.hf.config.high_res_vision_config):
        kind = type(config).model_type
        config.model_type = "strange_vision_model"
        try:
            with pytest.raises(UnsupportedError, match=f"strange_vision_model.*{kind}"):
                vs.from_pretrained_model(model.hf, model.processor, name="strange")
        finally:
            del config.model_type
