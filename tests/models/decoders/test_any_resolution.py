"""Towers for any resolution: what each family does beside the grid that they share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers

import vlmscope as vs
from lvlms import ernie4_5_vl, made, paddleocr_vl
from vlmscope.errors import ModelMismatchError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.decoders.kimi_k25 import KimiK25Family
from vlmscope.models.kept_keys import kept_numbers, query_numbers
from vlmscope.types import Role

PHRASE = "the red circle"


def picture(height: int = 60, width: int = 170, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def of_the_image(tokens: vs.TokenMap) -> list[str]:
    return [tokens.tokens[position] for position in np.flatnonzero(tokens.roles == Role.IMAGE)]


def test_hunyuan_has_a_newline_behind_each_row_and_a_token_on_either_side() -> None:
    tokens = vs.token_map(made("hunyuan-vl"), picture(), PHRASE)
    rows, columns = tokens.views[0].grid
    assert rows > 1 and columns > 1
    assert len(of_the_image(tokens)) == rows * (columns + 1) + 2
    steps = np.diff(tokens.views[0].positions.reshape(rows, columns), axis=1)
    assert (steps == 1).all()
    assert (np.diff(tokens.views[0].positions[::columns]) == columns + 1).all()


def test_hunyuan_counts_the_images_of_each_prompt_and_columns_and_rows_of_each_image() -> None:
    model = made("hunyuan-vl")
    first, second = picture(), picture(110, 70, seed=1)
    alone = model.encode([second], [PHRASE])
    batch = model.encode([first, second], [PHRASE, PHRASE])
    own = alone.inputs["position_ids"][:, 0]
    assert torch.equal(batch.inputs["position_ids"][:, 1, : own.shape[1]], own)
    view = alone.token_maps[0].views[0]
    rows, columns = view.grid
    sequence, column, row, image = own[:, torch.from_numpy(view.positions)]
    assert sequence.tolist() == view.positions.tolist()
    assert column.tolist() == list(range(columns)) * rows
    assert row.tolist() == [number for number in range(rows) for _ in range(columns)]
    assert image.tolist() == [0] * (rows * columns)
    both = model.encode([[first, second]], [PHRASE])
    later = both.token_maps[0].views[1].positions
    assert both.inputs["position_ids"][3, 0, torch.from_numpy(later)].unique().tolist() == [1]


def test_ernie_gives_the_tokens_around_an_image_to_its_experts() -> None:
    model = made("ernie-4.5-vl")
    encoded = model.encode([picture()], [Prompt(PHRASE, answer="a dog")])
    tokens = encoded.token_maps[0]
    words = of_the_image(tokens)
    assert (words[0], words[-1]) == ("<|IMAGE_START|>", "<|IMAGE_END|>")
    assert len(words) == len(tokens.views[0].positions) + 2
    experts = encoded.inputs["moe_mm_token_type_ids"][0].bool().numpy()
    assert (experts == (tokens.roles == Role.IMAGE)).all()


def test_ernie_refuses_a_template_without_the_tokens_around_an_image() -> None:
    model = ernie4_5_vl.ernie4_5_vl()
    template = ernie4_5_vl.TEMPLATE.replace("<|IMAGE_START|>", "").replace("<|IMAGE_END|>", "")
    model.processor.chat_template = template
    with pytest.raises(ModelMismatchError, match="IMAGE_START"):
        vs.token_map(model, picture(), PHRASE)


def test_video_llama_takes_what_a_token_is_from_its_image_processor() -> None:
    image = picture(112, 168)
    single, merged = (
        vs.token_map(made(name), image, PHRASE)
        for name in ("video-llama-3", "video-llama-3-merged")
    )
    assert single.views[0].grid == (8, 12) and merged.views[0].grid == (4, 6)


def test_logits_of_video_llama_are_those_that_are_asked_for() -> None:
    model = made("video-llama-3")
    encoded = model.encode([picture()], [PHRASE])
    every = torch.arange(encoded.length)
    with model.frozen():
        whole = model.family.forward(model.hf, every, **encoded.inputs)
        some = model.family.forward(model.hf, every[[2, -1]], **encoded.inputs)
        theirs = model.hf(**encoded.inputs).logits
    torch.testing.assert_close(whole, theirs, atol=0, rtol=0)
    torch.testing.assert_close(some, theirs[:, [2, -1]], atol=1e-6, rtol=0)


def refused(model: LoadedModel, match: str, **parts: object) -> None:
    processor = type(model.processor).__new__(type(model.processor))
    processor.__dict__.update({**model.processor.__dict__, **parts})
    with pytest.raises(ModelMismatchError, match=match):
        vs.from_pretrained_model(model.hf, processor)


def test_patches_of_another_size_are_refused_with_both_sizes() -> None:
    model = paddleocr_vl.paddleocr_vl()
    other = transformers.PaddleOCRVLImageProcessorPil(patch_size=16)
    refused(model, "768 values, .* takes 588 .14x14 pixels", image_processor=other)
    other = transformers.Qwen2VLImageProcessorPil()
    refused(model, "Qwen2VLImageProcessorPil does not belong", image_processor=other)


# -- Kimi, whose processor needs torchvision: what can be said of it without ---------------


def kimi(**settings: object) -> tuple[SimpleNamespace, SimpleNamespace]:
    """(model, processor) with what the geometry is made of."""
    vision = SimpleNamespace(patch_size=14, merge_kernel_size=(2, 2))
    images = SimpleNamespace(
        **{"patch_size": 14, "max_patches": 64, "size": {"max_height": 512}, **settings}
    )
    config = SimpleNamespace(vision_config=vision)
    return SimpleNamespace(config=config), SimpleNamespace(image_processor=images)


def test_kimi_fills_images_up_below_and_to_the_right() -> None:
    y_edges, x_edges, done = KimiK25Family().edges(*kimi(), (30, 57), (2, 3))
    assert y_edges.tolist() == [0, 28, 56] and x_edges.tolist() == [0, 28, 56, 84]
    assert done == "pad"
    assert KimiK25Family().edges(*kimi(), (28, 56), (1, 2))[2] == "resize"


def test_kimi_makes_large_images_smaller_and_keeps_their_ratio() -> None:
    y_edges, x_edges, _ = KimiK25Family().edges(*kimi(), (280, 560), (3, 6))
    # 20x40 patches are 12.5 times the budget of 64: 79x158 pixels, filled up to 84x168
    np.testing.assert_allclose(y_edges, np.arange(4) * 28 * 280 / 79)
    np.testing.assert_allclose(x_edges, np.arange(7) * 28 * 560 / 158)
    narrow, _, _ = KimiK25Family().edges(*kimi(size={"max_height": 4}), (112, 28), (2, 1))
    np.testing.assert_allclose(narrow, [0, 56, 112])


def test_kimi_refuses_a_grid_that_its_settings_do_not_make() -> None:
    with pytest.raises(ModelMismatchError, match="2x2 tokens .* its settings say 2x3"):
        KimiK25Family().edges(*kimi(), (30, 57), (2, 2))


def test_a_cache_of_latent_keys_is_counted_by_what_it_keeps() -> None:
    sizes = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128}
    config = SimpleNamespace(num_attention_heads=64, num_key_value_heads=64, **sizes)
    assert kept_numbers(config, 0) == 576
    assert query_numbers(config, 0) == 64 * 192
