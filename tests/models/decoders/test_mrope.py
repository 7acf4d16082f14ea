"""Families with a rotary position per axis: what they leave behind, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

import vlmscope as vs
from lvlms import glm4v, made, qwen_vl
from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models import LoadedModel

NAMES = ["qwen2-vl", "qwen2.5-vl", "qwen3-vl", "glm-4v", "paddleocr-vl", "ernie-4.5-vl"]


def picture(height: int = 60, width: int = 170) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def answer(model: LoadedModel, image: np.ndarray, phrase: str) -> list[int]:
    words = model.processor.tokenizer
    stop = sorted({*words.all_special_ids, *words.added_tokens_decoder})
    options = {"suppress_tokens": stop, "min_new_tokens": 4, "max_new_tokens": 4}
    return vs.generate(model, image, phrase, **options).ids.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_stale_position_offset_changes_nothing_and_is_left_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(name)
    inner = model.hf.model
    monkeypatch.setattr(inner, "rope_deltas", None)
    fresh = answer(model, picture(), "the red circle")
    logits = vs.prefill(model, picture(), "the red circle").logits
    assert inner.rope_deltas is None
    stale = torch.tensor([[1000]])
    inner.rope_deltas = stale
    assert answer(model, picture(), "the red circle") == fresh
    assert torch.equal(vs.prefill(model, picture(), "the red circle").logits, logits)
    vs.ground(model, picture(), ["pizza", "a dog"], heads=[(1, 1), (2, 0), (2, 5)])
    assert inner.rope_deltas is stale and int(stale) == 1000


@pytest.mark.parametrize("name", NAMES)
def test_two_prompts_in_a_row_do_not_meet(name: str) -> None:
    model = made(name)
    first = answer(model, picture(60, 170), "the red circle")
    answer(model, picture(170, 60), "a large blue star")
    assert answer(model, picture(60, 170), "the red circle") == first


@pytest.mark.parametrize("name", NAMES)
def test_positions_are_rows_and_columns_and_text_counts_on(name: str) -> None:
    model = made(name)
    encoded = model.encode([picture()], ["the red circle"])
    tokens = encoded.token_maps[0]
    rows, columns = tokens.views[0].grid
    assert rows != columns
    time, row, column = encoded.inputs["position_ids"][:, 0, tokens.image_positions]
    first = int(tokens.image_positions[0])
    assert time.tolist() == [first] * (rows * columns)
    assert (row - first).tolist() == np.repeat(np.arange(rows), columns).tolist()
    assert (column - first).tolist() == np.tile(np.arange(columns), rows).tolist()
    after = encoded.inputs["position_ids"][:, 0, int(tokens.image_positions[-1]) + 1]
    assert after.tolist() == [first + max(rows, columns)] * 3


@pytest.mark.parametrize("name", [*NAMES, "qwen3-vl-moe", "glm-4v-moe", "glm-46v"])
def test_grounding_gives_maps_of_the_image_and_answers_are_watched(name: str) -> None:
    model = made(name)
    heads = [(1, 1), (2, 0), (2, 5)]
    both = vs.ground(model, picture(), ["a dog", "pizza"], method="localization-heads", heads=heads)
    assert [each.heatmap.shape for each in both] == [(60, 170)] * 2
    assert not np.array_equal(both[0].score_map, both[1].score_map)
    with vs.capture(model, rows="generated") as trace:
        made_ids = answer(model, picture(), "a dog")
    assert trace.maps.shape[2] == len(made_ids) == 4


@pytest.mark.parametrize("name", ["qwen2-vl", "glm-4v"])
def test_the_paper_prompt_keeps_the_delimiters_of_the_image(name: str) -> None:
    model = made(name)
    tokens = vs.token_map(model, picture(), "the red circle", preset="paper")
    image = tokens.image_positions
    before, after = int(image[0]) - 1, int(image[-1]) + 1
    start, _, end = {"qwen2-vl": qwen_vl.SPECIAL, "glm-4v": glm4v.SPECIAL}[name][:3]
    assert tokens.tokens[before] == start and tokens.tokens[after] == end
    assert before in tokens.positions("system") and after in tokens.positions("query")
    assert tokens.tokens[int(tokens.positions("text")[-1])] == "circle"


def test_glm_starts_every_text_with_its_two_tokens_once() -> None:
    model = made("glm-4v")
    for preset in ("chat", "paper"):
        tokens = vs.token_map(model, picture(), "the red circle", preset=preset)
        assert tokens.tokens[:2] == ("[gMASK]", "<sop>")
        assert tokens.tokens.count("<sop>") == 1


def test_an_image_that_keeps_its_shape_is_called_resized_and_others_squashed() -> None:
    model = made("qwen2-vl")
    assert vs.token_map(model, picture(112, 168), "a dog").placement == "resize"
    assert vs.token_map(model, picture(40, 180), "a dog").placement == "squash"


def test_a_large_image_makes_no_more_tokens_than_the_processor_allows() -> None:
    tokens = vs.token_map(made("qwen2-vl"), picture(700, 1100), "a dog")
    assert 48 <= len(tokens.image_positions) <= 64
    assert tokens.seen == (0.0, 0.0, 1100.0, 700.0)


def rejected(model: LoadedModel, match: str, **parts: object) -> None:
    processor = transformers.Qwen2VLProcessor.__new__(type(model.processor))
    processor.__dict__.update({**model.processor.__dict__, **parts})
    with pytest.raises(ModelMismatchError, match=match):
        vs.from_pretrained_model(model.hf, processor)


def test_processors_of_other_models_are_refused() -> None:
    model = made("qwen2-vl")
    rejected(
        model,
        "1536 values, .* takes 1176 .2 frames of 14x14",
        image_processor=qwen_vl.images(patch=16),
    )
    merged = qwen_vl.images(merge_size=4)
    rejected(model, "writes 2 image tokens .* the model makes 8", image_processor=merged)
    clip = transformers.CLIPImageProcessorPil()
    rejected(model, "CLIPImageProcessorPil does not belong", image_processor=clip)
    rejected(model, "has no tokenizer", tokenizer=None)


def test_a_processor_that_does_not_resize_is_refused() -> None:
    rejected(made("qwen2-vl"), "do_resize=True", image_processor=qwen_vl.images(do_resize=False))


@pytest.mark.parametrize("name", ["qwen2-vl", "glm-4v"])
def test_an_image_like_a_thread_is_refused(name: str) -> None:
    with pytest.raises(BadImageError, match="3x620 pixels .* 1:200. Crop it"):
        vs.token_map(made(name), picture(3, 620), "a dog")


def test_an_image_of_more_tokens_than_the_context_names_both_numbers() -> None:
    model = qwen_vl.qwen2_vl(most=9000)
    from vlmscope.errors import BadPhraseError

    with pytest.raises(BadPhraseError, match="more than the 4096 .*max_side"):
        vs.token_map(model, picture(2000, 2000), "a dog")
