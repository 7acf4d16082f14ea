"""What is special to Idefics3 and SmolVLM: frames, separators, what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from lvlms.build import special_tokenizer
from lvlms.idefics import SPECIAL, idefics
from vlmscope.errors import BadImageError, ModelMismatchError, UnsupportedError
from vlmscope.models.loading.processors import processor_without_video

PHRASE = "the small red circle"


def picture(height: int = 90, width: int = 180) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def test_separators_have_the_image_role_and_lie_on_no_grid() -> None:
    tokens = vs.token_map(made("smolvlm"), picture(), PHRASE)
    names = {tokens.tokens[position] for position in tokens.positions("image")}
    assert {"<row_1_col_1>", "<row_2_col_4>", "<global-img>", "<fake_token_around_image>"} <= names
    assert {tokens.tokens[position] for position in tokens.image_positions} == {"<image>"}
    assert [view.name for view in tokens.views] == ["tiles", "thumbnail"]


def test_tiles_are_one_grid_and_the_last_view_is_the_whole_image() -> None:
    tokens = vs.token_map(made("idefics3"), picture(), PHRASE)
    tiles, whole = tokens.views
    assert tiles.grid == (8, 16) and whole.grid == (4, 4)
    assert tiles.seen((90, 180)) == whole.seen((90, 180)) == (0.0, 0.0, 180.0, 90.0)
    # the second row of tiles begins behind all tokens and separators of the first
    assert tiles.positions[4 * 16] > tiles.positions[: 4 * 16].max()
    assert np.diff(tiles.positions[:4]).tolist() == [1, 1, 1]
    assert tokens.tokens[tiles.positions[4] - 1] == "<row_1_col_2>"


def test_an_image_that_is_not_split_is_one_view() -> None:
    tokens = vs.token_map(made("smolvlm-whole"), picture(), PHRASE)
    assert [view.name for view in tokens.views] == ["image"]
    assert len(tokens.image_positions) == 16


def refitted(**changes: object) -> vs.models.LoadedModel:
    """The model with a processor of other settings."""
    model = made("smolvlm")
    images = dict(model.processor.image_processor.to_dict())
    images.update(changes.pop("images", {}))
    kind = type(model.processor.image_processor)
    settings = {"image_seq_len": 16, **changes}
    processor = processor_without_video(
        type(model.processor)._whole,
        image_processor=kind(
            **{name: images[name] for name in ("size", "max_image_size", "do_image_splitting")}
        ),
        tokenizer=special_tokenizer(list(SPECIAL), bos=False),
        **settings,
    )
    return vs.from_pretrained_model(model.hf, processor, name="refitted")


def test_a_processor_that_writes_another_number_of_tokens_is_refused_with_both() -> None:
    with pytest.raises(ModelMismatchError, match="writes 325 image tokens.* makes 208"):
        # the check's picture of 8x12 pixels makes 3x4 tiles and the whole: 13 frames
        refitted(image_seq_len=25)


def test_frames_that_cannot_be_shuffled_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match="40x40 pixels.*multiple of 3"):
        refitted(images={"max_image_size": {"longest_edge": 40}})


def test_an_image_processor_of_another_family_is_refused() -> None:
    model = made("smolvlm")
    processor = processor_without_video(
        type(model.processor)._whole,
        image_processor=made("llava").processor.image_processor,
        tokenizer=special_tokenizer(list(SPECIAL), bos=False),
    )
    with pytest.raises(ModelMismatchError, match="CLIPImageProcessor.*SmolVLMImageProcessor"):
        vs.from_pretrained_model(model.hf, processor, name="other")


def test_a_frame_of_zeros_which_the_model_would_drop_is_refused() -> None:
    model = idefics("SmolVLM", image_mean=[0.0, 0.0, 0.0])
    image = picture()
    image[:60, :60] = 0  # the first tile, 45x45, is all zeros with this mean
    with pytest.raises(BadImageError, match="1 of 9 frames.*padding"):
        vs.token_map(model, image, PHRASE)


def test_idefics2_is_refused_for_its_resampler() -> None:
    from transformers import Idefics2Config

    from vlmscope.models.families import FAMILIES

    with pytest.raises(
        UnsupportedError, match="'idefics2', which vlmscope does not read.*resampler"
    ):
        FAMILIES.for_model_type(Idefics2Config.model_type, "a checkpoint")


def test_frames_of_a_batch_are_filled_up_with_zeros() -> None:
    model = made("smolvlm")
    encoded = model.encode([picture(), picture(180, 180)], [PHRASE, PHRASE])
    values = encoded.inputs["pixel_values"]
    assert values.shape[:2] == (2, 17)  # 4x4 tiles and the whole
    assert torch.count_nonzero(values[0, 9:]) == 0 and torch.count_nonzero(values[1, 16]) > 0
