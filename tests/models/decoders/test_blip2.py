"""What is special to query tokens: prompts, and the way from queries to patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Blip2Config, Blip2ForConditionalGeneration, T5Config

import vlmscope as vs
from lvlms import made
from lvlms.blip2 import BUILDS, QUERIES, VISION, blip2, qformer, quiet
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models import Prompt

PHRASE = "the small red circle"


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["blip-2", "instructblip"])
@pytest.mark.parametrize("preset", ["plain", "question"])
def test_ids_and_tensors_are_those_of_the_processor(name: str, preset: str) -> None:
    model = made(name)
    ours = model.encode([picture()], [PHRASE], preset=preset, placement="processor").inputs
    text = {"plain": PHRASE, "question": f"Question: {PHRASE} Answer:"}[preset]
    theirs = model.processor(images=Image.fromarray(picture()), text=text, return_tensors="pt")
    for key in ("input_ids", "pixel_values", "qformer_input_ids"):
        if key in theirs:
            torch.testing.assert_close(ours[key], torch.as_tensor(theirs[key]), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["blip-2", "instructblip"])
def test_shares_are_a_rollout_through_the_q_former(name: str) -> None:
    model = made(name)
    encoded = model.encode([picture()], [PHRASE])
    (carry,) = encoded.token_maps[0].carries
    assert carry.shares.shape == (QUERIES, 16)
    np.testing.assert_allclose(carry.shares.sum(1), 1, atol=1e-6)
    assert carry.shares.max() > 1.5 / 16, "the queries should not all read everything alike"

    # by hand, from the attentions that transformers records
    hf = model.hf
    names = ("pixel_values", "qformer_input_ids", "qformer_attention_mask")
    inputs = {key: encoded.inputs[key] for key in names if key in encoded.inputs}
    hf.qformer.set_attn_implementation("eager")
    with torch.no_grad():
        states = hf.vision_model(inputs["pixel_values"]).last_hidden_state
        more = {}
        if name == "instructblip":
            ones = torch.ones(1, QUERIES, dtype=torch.long)
            mask = torch.cat([ones, inputs["qformer_attention_mask"]], 1)
            more = {"input_ids": inputs["qformer_input_ids"], "attention_mask": mask}
        out = hf.qformer(
            query_embeds=hf.query_tokens,
            encoder_hidden_states=states,
            output_attentions=True,
            **more,
        )
    hf.qformer.set_attn_implementation("sdpa")
    # the name under which self-attention is recorded matches cross-attention too: 0, (0), 1, 2, (2)
    recorded = [out.attentions[index] for index in (0, 2, 3)]
    among = [a[0].mean(0)[:QUERIES, :QUERIES].numpy() for a in recorded]
    reading = [a[0].mean(0)[:, 1:].numpy() for a in out.cross_attentions]
    assert len(among) == 3 and len(reading) == 2  # cross-attention in layers 0 and 2
    unit = [a / a.sum(1, keepdims=True) for a in among]
    read = [a / a.sum(1, keepdims=True) for a in reading]
    first = read[0]
    second = (unit[1] @ first + first) / 2
    third = (unit[2] @ second + second) / 2
    np.testing.assert_allclose(carry.shares, (third + read[1]) / 2, atol=1e-5)


def test_maps_of_queries_become_maps_of_patches() -> None:
    model = made("blip-2")
    tokens = vs.token_map(model, picture(60, 90), PHRASE)
    weights = np.zeros(QUERIES)
    weights[2] = 3.0
    (grid,) = tokens.split(weights)
    assert grid.shape == (4, 4)
    np.testing.assert_allclose(grid.reshape(-1), 3 * tokens.carries[0].shares[2])
    assert tokens.to_pixels(weights, "density").sum() == pytest.approx(3.0, rel=1e-4)


def test_the_text_changes_what_instructblip_sees() -> None:
    model = made("instructblip")
    one = vs.token_map(model, picture(), "the red circle").carries[0].shares
    other = vs.token_map(model, picture(), "a large blue star on the left").carries[0].shares
    assert np.abs(one - other).max() > 1e-4


def test_blip2_encodes_the_image_once_for_many_phrases() -> None:
    model = made("blip-2")
    calls: list[int] = []
    hook = model.hf.vision_model.register_forward_hook(lambda *_: calls.append(1))
    vs.ground(model, picture(), ["pizza", "a dog", "a cat"], heads=[(1, 0), (2, 3), (2, 4)])
    hook.remove()
    assert len(calls) == 2, "once for where the queries look, once for the prefix"


def test_grounding_gives_a_map_of_the_image() -> None:
    for name in ("blip-2", "instructblip"):
        found = vs.ground(made(name), picture(), PHRASE, heads=[(1, 1), (2, 0), (2, 5)])
        assert found.heatmap.shape == (70, 110) and found.score_map.shape == (4, 4)


def test_an_answer_follows_the_question() -> None:
    prompt = Prompt("what is it ?", answer="a dog")
    tokens = vs.token_map(made("blip-2"), picture(), prompt, preset="question")
    words = [tokens.tokens[position] for position in tokens.positions("generated")]
    assert words == ["a", "dog"]


def test_another_number_of_query_tokens_is_refused_with_both_numbers() -> None:
    with pytest.raises(ModelMismatchError, match=r"writes 9 image tokens.*makes 6"):
        blip2(queries=9)


def test_another_image_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(ModelMismatchError, match=r"84x84 pixels.*56x56"):
        blip2(side=84)


def test_a_language_model_with_an_encoder_is_refused() -> None:
    processor = made("blip-2").processor
    text = T5Config(
        vocab_size=80, d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4, num_decoder_layers=1
    )
    config = Blip2Config(
        vision_config=VISION,
        qformer_config=qformer(80),
        text_config=text.to_dict(),
        num_query_tokens=QUERIES,
        image_token_index=4,
    )
    with pytest.raises(UnsupportedError, match="t5.*position biases"):
        vs.from_pretrained_model(Blip2ForConditionalGeneration(config), processor)


@pytest.mark.parametrize("placement", ["processor", "pad"])
def test_painted_pixels_change_the_patches_that_claim_them(placement: str) -> None:
    model = BUILDS["blip-2"].make()
    quiet(model)
    plain = picture(120, 200)

    def patches(image: np.ndarray) -> torch.Tensor:
        values = model.fit(image, placement).tensors["pixel_values"]
        with torch.no_grad():
            return model.hf.vision_model(values).last_hidden_state[0, 1:]

    tokens = vs.token_map(model, plain, PHRASE, placement=placement)
    boxes = tokens.views[0].boxes
    before = patches(plain)
    for x0, y0, x1, y1 in ((0, 0, 100, 60), (110, 0, 200, 120), (120, 70, 200, 120)):
        painted = plain.copy()
        painted[y0:y1, x0:x1] = 255 - painted[y0:y1, x0:x1]
        changed = (patches(painted) - before).abs().amax(-1).numpy() > 1e-5
        reach = 0.35 * (boxes[:, 2:] - boxes[:, :2])  # of the resampling kernel
        low, high = boxes[:, :2] - reach, boxes[:, 2:] + reach
        touches = (low < [x1, y1]).all(1) & (high > [x0, y0]).all(1)
        inside = (boxes[:, :2] >= [x0, y0]).all(1) & (boxes[:, 2:] <= [x1, y1]).all(1)
        assert not (changed & ~touches).any()
        assert changed[inside].all() and changed.any() and not changed.all()
