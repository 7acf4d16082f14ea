"""What is special to Gemma 3n: a pooled tower of timm's, and layers that read the keys of others."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made, waiting
from vlmscope.attention import shared_prefix
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models import LoadedModel


@pytest.fixture(params=["gemma3n"])
def model(request: pytest.FixtureRequest) -> LoadedModel:
    if request.param in waiting():
        pytest.skip("its tower is timm's, which is not installed")
    return made(request.param)


def test_a_token_is_nine_places_of_the_finer_stage(model: LoadedModel) -> None:
    tokens = vs.token_map(model, np.zeros((192, 96, 3), np.uint8), "the red circle")
    [view] = tokens.views
    assert view.grid == (4, 4)
    assert view.boxes[5].tolist() == [24.0, 48.0, 48.0, 96.0]  # 48 pixels of the square each way
    fused: list[torch.Tensor] = []
    tower = model.hf.model.vision_tower.timm_model
    hook = tower.msfa.ffn.register_forward_hook(lambda *args: fused.append(args[2]))
    with torch.no_grad():
        made_of = tower.forward_features(torch.rand(1, 3, 192, 192))
    hook.remove()
    assert fused[0].shape[-2:] == (12, 12)
    means = fused[0].unflatten(-1, (4, 3)).unflatten(-3, (4, 3)).mean((-3, -1))
    torch.testing.assert_close(made_of, tower.msfa.norm(means))


def test_the_last_layers_read_the_keys_of_earlier_ones(model: LoadedModel) -> None:
    shared = [model.family.keys_of_another_layer(model.hf, layer) for layer in range(4)]
    assert shared == [False, False, True, True]
    prefix = shared_prefix(model, np.zeros((60, 90, 3), np.uint8))
    prefix.answer("a dog", 3)
    held = [each.keys for each in prefix._cache.layers[:2]]
    assert [keys.shape[-2] for keys in held] == [prefix.length] * 2


def with_settings(model: LoadedModel, **settings: object) -> object:
    processor = copy.copy(model.processor)
    processor.image_processor = copy.copy(processor.image_processor)
    for name, value in settings.items():
        setattr(processor.image_processor, name, value)
    return processor


def test_a_square_that_would_be_resampled_is_refused(model: LoadedModel) -> None:
    processor = with_settings(model, size={"height": 160, "width": 160})
    with pytest.raises(ModelMismatchError, match="squares of 160 pixels.*multiple of 64"):
        vs.from_pretrained_model(model.hf, processor)


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("vision_soft_tokens_per_image", 9, ModelMismatchError, r"3x3 tokens.*makes \[4\]"),
        ("architecture", "resnet50", UnsupportedError, "'resnet50'.*mobilenetv5"),
    ],
)
def test_another_tower_is_refused(
    model: LoadedModel, name: str, value: object, error: type[Exception], words: str
) -> None:
    config = model.hf.config
    holder = config if hasattr(config, name) else config.vision_config
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        with pytest.raises(error, match=words):
            vs.from_pretrained_model(model.hf, model.processor)
    finally:
        setattr(holder, name, before)
