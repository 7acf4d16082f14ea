"""Padded squares without a model, worked out by hand: where the image lies, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, DeepseekVLImageProcessorPil

from fake_processors import TOKEN, FakeProcessor, FiveWords
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.decoders.deepseek_vl import DeepseekVlFamily
from vlmscope.models.decoders.padded_square import check_side, padded_square
from vlmscope.models.layout.placement import Axis
from vlmscope.models.prompts.prompt import Expansion

FAMILY = DeepseekVlFamily()


@pytest.mark.parametrize(
    ("size", "side", "least", "y", "x", "square"),
    [
        ((20, 40), 10, 1, Axis(5 / 20, 2.0), Axis(10 / 40, 0.0), 10),  # two rows above, three below
        ((40, 20), 10, 1, Axis(10 / 40, 0.0), Axis(5 / 20, 2.0), 10),
        ((4, 4), 10, 1, Axis(2.5, 0.0), Axis(2.5, 0.0), 10),
        ((1, 40), 10, 3, Axis(3.0, 3.0), Axis(10 / 40, 0.0), 10),  # no shorter than three
        ((40, 40), 10, 12, Axis(12 / 40, 0.0), Axis(12 / 40, 0.0), 12),
    ],
)
def test_the_longer_side_fills_the_square(
    size: tuple[int, int], side: int, least: int, y: Axis, x: Axis, square: int
) -> None:
    assert padded_square(size, side, least) == (y, x, square)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 8, 8), (1, 2, 3, 8, 8)])
def test_squares_are_as_computed_and_as_wanted(shape: tuple[int, ...]) -> None:
    check_side(torch.zeros(shape), computed=8, wanted=8)
    for computed, wanted in ((8, 6), (6, 8), (6, 6)):
        words = f"makes 8x8 pixels .*say {computed}x{computed}.* takes {wanted}x{wanted}"
        with pytest.raises(ModelMismatchError, match=words):
            check_side(torch.zeros(shape), computed, wanted)


@pytest.mark.parametrize("shape", [(1, 3, 6, 8), (1, 3, 8, 6)])
def test_what_is_no_square_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelMismatchError, match=f"makes {shape[2]}x{shape[3]} pixels"):
        check_side(torch.zeros(shape), computed=8, wanted=8)


# -- a family at 42 pixels and 3x3 tokens ------------------------------------------------


def model(tower: str = "siglip_vision_model") -> Any:
    """What a family reads of a model."""
    vision = SimpleNamespace(model_type=tower, image_size=42, patch_size=14)
    config = SimpleNamespace(model_type="deepseek_vl", image_token_id=4, vision_config=vision)
    embeddings = SimpleNamespace(weight=torch.zeros(5, 1))
    return SimpleNamespace(config=config, get_input_embeddings=lambda: embeddings)


class Pictures(DeepseekVLImageProcessorPil):
    """Remembers the images that it was shown."""

    def __init__(self, side: int = 42, **settings: Any) -> None:
        super().__init__(size={"height": side, "width": side}, min_size=7, **settings)
        self.shown: list[Image.Image] = []

    def __call__(self, images: list[Image.Image], **options: object) -> Any:
        self.shown += images
        return super().__call__(images=images, **options)


class Processor(FakeProcessor):
    """Writes a number of image tokens for the first image."""

    def __init__(self, images: Any = None, tokenizer: Any = None, tokens: int = 9) -> None:
        super().__init__(images or Pictures(), tokens, tokenizer)


def test_what_belongs_together_is_taken_and_tried_on_one_small_picture() -> None:
    processor = Processor()
    FAMILY.check(model(), processor)
    (picture,) = processor.image_processor.shown
    assert picture.mode == "RGB" and picture.size == (12, 8)


@pytest.mark.parametrize(
    ("processor", "words"),
    [
        (SimpleNamespace(image_processor=Pictures()), "SimpleNamespace has no tokenizer"),
        (Processor(tokenizer=FiveWords(image_token_id=3)), "as id 3, the model expects id 4"),
        (Processor(CLIPImageProcessorPil()), "CLIPImageProcessorPil does not belong"),
        (Processor(Pictures(do_pad=False)), "do_resize=True, do_pad=False.*Set them to True"),
        (Processor(Pictures(do_resize=False)), "do_resize=False, do_pad=True.*Set them to True"),
        (Processor(Pictures(side=28)), "makes 28x28 pixels.*takes 42x42"),
        (Processor(tokens=4), "writes 4 image tokens.* makes 9"),
    ],
)
def test_what_does_not_belong_together_is_refused(processor: Any, words: str) -> None:
    with pytest.raises(ModelMismatchError, match=words):
        FAMILY.check(model(), processor)


def test_another_tower_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'clip_vision_model'; known is siglip"):
        FAMILY.check(model("clip_vision_model"), Processor())


@pytest.mark.parametrize(
    ("size", "y_edges", "x_edges", "placement"),
    [
        # 42x21 after the resize: ten columns of padding on the left, eleven on the right
        ((84, 42), [0, 28, 56, 84], [-20, 8, 36, 64], "pad"),
        ((42, 84), [-20, 8, 36, 64], [0, 28, 56, 84], "pad"),
        ((84, 84), [0, 28, 56, 84], [0, 28, 56, 84], "resize"),
        # 4x42 would be lower than 7: stretched by 7/4 of what its width is
        ((8, 84), [-17 * 8 / 7, -3 * 8 / 7, 11 * 8 / 7, 25 * 8 / 7], [0, 28, 56, 84], "squash"),
    ],
)
def test_cells_lie_where_the_processor_puts_the_image(
    size: tuple[int, int], y_edges: list[float], x_edges: list[float], placement: str
) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    inputs = FAMILY.image_inputs(model(), Processor(), image, "processor")
    assert list(inputs.tensors) == ["pixel_values"]
    assert inputs.tensors["pixel_values"].shape == (1, 3, 42, 42)
    assert inputs.expansion == Expansion(TOKEN, (9,)) and inputs.placement == placement
    (layout,) = inputs.layouts
    assert layout.name == "image" and layout.offsets.tolist() == list(range(9))
    np.testing.assert_allclose(layout.y_edges, y_edges)
    np.testing.assert_allclose(layout.x_edges, x_edges)
