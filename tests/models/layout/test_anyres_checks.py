"""Tiled families without a model: what is refused, what one image becomes, how images are joined."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, LlavaNextImageProcessorPil

from fake_processors import TOKEN, FakeProcessor, FiveWords
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.decoders.llava_next import LlavaNextFamily
from vlmscope.models.layout.anyres import AnyresImage, check_frames, check_resolutions
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.tiles import Tile
from vlmscope.models.prompts.prompt import Expansion

FAMILY = LlavaNextFamily()
RESOLUTIONS = [[28, 56], [56, 28], [56, 56]]


def model(strategy: str = "default", resolutions: list[list[int]] = RESOLUTIONS) -> Any:
    """What a family reads of a model with tiles of 28 pixels and 2x2 tokens."""
    vision = SimpleNamespace(model_type="clip_vision_model", image_size=28, patch_size=14)
    config = SimpleNamespace(
        model_type="llava_next",
        image_token_id=4,
        vision_feature_select_strategy=strategy,
        vision_config=vision,
        image_grid_pinpoints=resolutions,
    )
    embeddings = SimpleNamespace(weight=torch.zeros(5, 1))
    return SimpleNamespace(config=config, get_input_embeddings=lambda: embeddings)


def square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


class Pictures(LlavaNextImageProcessorPil):
    """Remembers the images that it was shown."""

    def __init__(self, side: int = 28, crop: int = 28) -> None:
        super().__init__(
            size={"shortest_edge": side}, crop_size=square(crop), image_grid_pinpoints=RESOLUTIONS
        )
        self.shown: list[Image.Image] = []

    def __call__(self, images: list[Image.Image], **options: object) -> Any:
        self.shown += images
        return super().__call__(images=images, **options)


class Processor(FakeProcessor):
    """Writes the image tokens of 28x56 pixels, or ``more``: a tile, two rows, a newline for each."""

    def __init__(self, images: Any = None, tokenizer: Any = None, more: int = 0) -> None:
        super().__init__(images or Pictures(), 14 + more, tokenizer)


def test_what_belongs_together_is_taken_and_tried_on_one_small_picture() -> None:
    processor = Processor()
    FAMILY.check(model(), processor)
    (picture,) = processor.image_processor.shown
    assert picture.mode == "RGB" and picture.size == (12, 8)


@pytest.mark.parametrize(
    ("hf", "processor", "words"),
    [
        (model(), SimpleNamespace(image_processor=Pictures()), "SimpleNamespace has no tokenizer"),
        (
            model(),
            Processor(tokenizer=FiveWords(image_token_id=3)),
            "as id 3, the model expects id 4",
        ),
        (model(), Processor(CLIPImageProcessorPil()), "CLIPImageProcessorPil does not belong"),
        (model(resolutions=[[28, 56]]), Processor(), "image_grid_pinpoints"),
        (model(), Processor(Pictures(crop=14)), r"\[14, 28\] pixels.*takes 28"),
        (model(), Processor(more=1), "writes 15 image tokens.* makes 14"),
    ],
)
def test_what_does_not_belong_together_is_refused(hf: Any, processor: Any, words: str) -> None:
    with pytest.raises(ModelMismatchError, match=words):
        FAMILY.check(hf, processor)


def test_a_class_token_has_no_place_among_tiles() -> None:
    with pytest.raises(UnsupportedError, match="'full' keeps the class token"):
        FAMILY.check(model("full"), Processor())


# -- resolutions and frames --------------------------------------------------------------


def pictures(**changed: Any) -> Any:
    """Settings of an image processor for :func:`model`, some of them changed."""
    return SimpleNamespace(**({"image_grid_pinpoints": RESOLUTIONS, "size": square(28)} | changed))


def test_a_crop_counts_only_where_it_is_done() -> None:
    check_resolutions(model(), pictures())
    check_resolutions(model(), pictures(do_center_crop=False, crop_size=square(14)))
    check_resolutions(model(), pictures(do_center_crop=True, crop_size=square(28)))
    with pytest.raises(ModelMismatchError, match=r"\[14, 28\] pixels"):
        check_resolutions(model(), pictures(do_center_crop=True, crop_size=square(14)))


@pytest.mark.parametrize("resolutions", [[], [[28, 56], [42, 56]], [[28, 56], [56, 42]]])
def test_resolutions_are_whole_tiles_and_there_is_one(resolutions: list[list[int]]) -> None:
    images = pictures(image_grid_pinpoints=resolutions)
    with pytest.raises(ModelMismatchError, match="no multiples of its tile of 28"):
        check_resolutions(model(resolutions=resolutions), images)


def test_frames_are_the_tiles_and_the_whole_image() -> None:
    fitted = AnyresImage((10, 10), (56, 56), Tile(28, 2, 14))
    check_frames(torch.zeros(1, 5, 3, 28, 28), fitted)
    for shape in ((1, 4, 3, 28, 28), (1, 5, 3, 14, 28), (1, 5, 3, 28, 14)):
        with pytest.raises(ModelMismatchError, match=f"makes {shape[1]} frames of {shape[3]}x"):
            check_frames(torch.zeros(shape), fitted)


# -- one image, several images -----------------------------------------------------------


def test_an_image_becomes_frames_tokens_and_grids() -> None:
    """50x100 fits 28x56 as a whole."""
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    inputs = FAMILY.image_inputs(model(), Processor(), image, "processor")
    assert inputs.tensors["pixel_values"].shape == (1, 3, 3, 28, 28)
    assert inputs.tensors["image_sizes"].tolist() == [[50, 100]]
    assert inputs.expansion == Expansion(TOKEN, (14,)) and inputs.placement == "pad"
    thumbnail, tiles = inputs.layouts
    assert (thumbnail.name, tiles.name) == ("thumbnail", "tiles")
    np.testing.assert_allclose(tiles.y_edges, [0, 25, 50])
    np.testing.assert_allclose(tiles.x_edges, [0, 25, 50, 75, 100])


def test_frames_of_another_size_are_refused_whatever_is_written() -> None:
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    with pytest.raises(ModelMismatchError, match="frames of 14x14 pixels"):
        FAMILY.image_inputs(model(), Processor(Pictures(14, 14)), image, "processor")


def inputs_of(frames: int, value: float, size: tuple[int, int]) -> ImageInputs:
    tensors = {
        "pixel_values": torch.full((1, frames, 3, 4, 4), value),
        "image_sizes": torch.tensor([size]),
    }
    return ImageInputs(tensors, Expansion(TOKEN, (1,)), (), "pad")


def test_images_with_fewer_tiles_are_filled_up_with_zeros() -> None:
    few, many = inputs_of(2, 1.0, (5, 6)), inputs_of(4, 2.0, (7, 8))
    joined = FAMILY.join([[few], [many]])
    values = joined["pixel_values"]
    assert values.shape == (2, 4, 3, 4, 4)
    assert values[:, :, 0, 0, 0].tolist() == [[1, 1, 0, 0], [2, 2, 2, 2]]
    assert joined["image_sizes"].tolist() == [[5, 6], [7, 8]]
    assert FAMILY.join([[few]])["pixel_values"].shape == (1, 2, 3, 4, 4)


def test_boxes_are_parts_of_a_padded_square_with_a_caution() -> None:
    boxes = FAMILY.boxes
    assert (boxes.form, boxes.full, boxes.frame) == ("lists", 1.0, "square")
    assert "LLaVA issue 606" in boxes.source and "not documented" in boxes.caution
