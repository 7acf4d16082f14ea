"""What is special to Pixtral towers: break tokens, fitted sizes, what does not fit."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made
from lvlms.pixtral import mistral_large4
from vlmscope.attention import shared_prefix
from vlmscope.errors import BadImageError, ModelMismatchError, UnsupportedError

PHRASE = "the small red circle"


def picture(height: int = 40, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["mistral3", "pixtral"])
def test_a_row_of_tokens_ends_in_a_break_that_lies_on_no_grid(name: str) -> None:
    tokens = vs.token_map(made(name), picture(), PHRASE)
    rows, columns = tokens.views[0].grid
    written = [tokens.tokens[position] for position in tokens.positions("image")]
    line = ["[IMG]"] * columns
    assert written == [*[*line, "[IMG_BREAK]"] * (rows - 1), *line, "[IMG_END]"]
    assert {tokens.tokens[position] for position in tokens.image_positions} == {"[IMG]"}


def test_a_side_is_stretched_to_whole_tokens_and_never_padded() -> None:
    tokens = vs.token_map(made("mistral3"), picture(41, 63), PHRASE)
    (view,) = tokens.views
    assert view.grid == (6, 8)  # of 8 pixels
    assert view.seen((41, 63)) == (0.0, 0.0, 63.0, 41.0)


def test_patches_that_make_no_whole_token_are_claimed_by_none() -> None:
    tokens = vs.token_map(made("lighton-ocr-gaps"), picture(45, 60), PHRASE)
    (view,) = tokens.views
    assert view.grid == (4, 6)  # nine rows of patches, two to a token
    assert view.seen((45, 60)) == pytest.approx((0.0, 0.0, 60.0, 40.0))


def test_an_image_of_one_token_is_refused_with_the_size_of_a_token() -> None:
    with pytest.raises(BadImageError, match="one image token.*8 pixels wide"):
        vs.token_map(made("mistral3"), picture(7, 8), PHRASE)
    assert len(vs.token_map(made("pixtral"), picture(7, 8), PHRASE).image_positions) == 1


def test_an_image_whose_short_side_would_vanish_is_refused() -> None:
    with pytest.raises(BadImageError, match="900x4 pixels.*less than a pixel"):
        vs.token_map(made("pixtral"), picture(900, 4), PHRASE)


def test_a_processor_of_other_tokens_is_refused() -> None:
    model = made("mistral3")
    processor = copy.copy(model.processor)
    processor.spatial_merge_size = 1
    with pytest.raises(ModelMismatchError, match="1x1 patches of 4 pixels.*2x2 patches of 4"):
        vs.from_pretrained_model(model.hf, processor)


def test_a_processor_that_crops_is_refused() -> None:
    model = made("pixtral")
    processor = copy.copy(model.processor)
    processor.image_processor = copy.copy(model.processor.image_processor)
    processor.image_processor.do_center_crop = True
    with pytest.raises(ModelMismatchError, match="do_center_crop=True"):
        vs.from_pretrained_model(model.hf, processor)


def test_a_tower_that_would_lose_its_first_patch_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = made("pixtral")
    monkeypatch.setattr(model.hf.config, "vision_feature_select_strategy", "default")
    with pytest.raises(UnsupportedError, match="first patch would be lost"):
        vs.from_pretrained_model(model.hf, model.processor)


def test_rows_of_keys_that_an_indexer_left_out_are_refused() -> None:
    """Its mask is made for the model's own kernels alone: theirs would be rows of another model."""
    model = mistral_large4(index_topk=16)
    with pytest.raises(
        UnsupportedError, match=r"picks 16 of \d+ positions.*of at most 16 positions"
    ):
        with vs.capture(model):
            vs.prefill(model, picture(), PHRASE)
    out = model.hf(**model.encode([picture()], [PHRASE]).inputs)
    assert out.logits.isfinite().all()


def test_layers_that_read_the_keys_of_others_come_back_to_a_prefix() -> None:
    model = made("mistral-large-4")
    assert [model.family.keys_of_another_layer(model.hf, layer) for layer in range(3)] == [
        False,
        False,
        True,
    ]
    prefix = shared_prefix(model, picture())
    prefix.answer("a dog", 3)
    held = {name: len(each.keys[0, 0]) for name, each in enumerate(prefix._cache.layers[:2])}
    picking = {name: each.indexer_keys.shape[1] for name, each in enumerate(prefix._cache.layers)}
    assert set(held.values()) == set(picking.values()) == {prefix.length}
