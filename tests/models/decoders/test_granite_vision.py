"""What is special to Granite 4 Vision: tokens of whole windows, and where the image enters the decoder."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from lvlms.granite_vision import granite_vision
from vlmscope.errors import ModelMismatchError

PHRASE = "the small red circle"


def picture(height: int = 90, width: int = 180) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def test_a_token_is_two_patches_wide_and_a_tile_has_half_as_many() -> None:
    model = made("granite4-vision")
    assert model.family.tile(model.hf).cells == 4
    assert model.family.tile(model.hf).step == 14
    thumbnail, tiles = vs.token_map(model, picture(), PHRASE).views
    assert thumbnail.grid == (4, 4) and tiles.grid == (4, 8)


def test_the_image_enters_until_the_last_layer_that_gets_features() -> None:
    """In front of the layer behind it the picture still changes what image positions get."""
    model = made("granite4-vision")
    inputs: dict[int, list[torch.Tensor]] = {0: [], 1: [], 2: []}
    hooks = [
        layer.register_forward_pre_hook(
            lambda module, args, number=number: inputs[number].append(args[0][0])
        )
        for number, layer in enumerate(model.layers)
    ]
    outputs: dict[int, list[torch.Tensor]] = {0: [], 1: [], 2: []}
    hooks += [
        layer.register_forward_hook(
            lambda module, args, out, number=number: outputs[number].append(
                (out[0] if isinstance(out, tuple) else out)[0]
            )
        )
        for number, layer in enumerate(model.layers)
    ]
    try:
        vs.prefill(model, picture(), PHRASE)
    finally:
        for hook in hooks:
            hook.remove()
    behind = [
        number
        for number in (0, 1)
        if not torch.equal(outputs[number][0].view(-1), inputs[number + 1][0].view(-1))
    ]
    assert max(behind) == model.family.image_enters_until(model.hf) == 1


def test_a_processor_of_another_rate_is_refused() -> None:
    model = made("granite4-vision")
    processor = copy.copy(model.processor)
    processor.downsample_rate = "1/4"
    with pytest.raises(ModelMismatchError, match="downsample_rate='1/4'.*'2/4'"):
        vs.from_pretrained_model(model.hf, processor)


def test_windows_that_do_not_divide_the_tower_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match="8x8 patches, which windows of 6"):
        granite_vision(rate="3/6")
