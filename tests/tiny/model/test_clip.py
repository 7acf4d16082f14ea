"""The shipped weights of tiny-clip: they load the plain way, read every word, find and point."""

import json

import clip_pointing
import pytest
import torch

from vlmscope.tiny import embedded_path, render_scene
from vlmscope.tiny.model.clip_tokenizer import LONGEST, UNK, clip_vocabulary, token_rows
from vlmscope.tiny.training.clip.evaluate import retrieval
from vlmscope.tiny.training.clip.loss import embed_images, embed_texts
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.world.splits import HELD_OUT

WORDS = clip_vocabulary()


@pytest.fixture(scope="module")
def folder():
    return embedded_path("tiny-clip")


@pytest.fixture(scope="module")
def model(folder):
    from transformers import CLIPModel

    return CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def processor(folder):
    from transformers import CLIPProcessor

    return CLIPProcessor.from_pretrained(folder)


def test_it_is_small_and_stored_in_half_precision(folder, model):
    from safetensors import safe_open

    assert sum(file.stat().st_size for file in folder.iterdir()) < 8e6
    with safe_open(folder / "model.safetensors", framework="pt") as stored:
        kinds = {stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118
    assert kinds == {"F16"}
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())


def test_the_card_states_seed_supervision_and_figures(folder):
    card = json.loads((folder / "vlmscope.json").read_text())
    assert card["vocabulary"] == list(WORDS)
    assert card["trained"]["seed"] == 0
    assert "whole images only" in card["supervision"]
    assert card["retrieval"]["text to image"]["accuracy"] > 0.8
    figures = card["pointing"]["methods"]
    assert figures["gem 10 d4 i1"] > 2 * figures["clip"] > 4 * card["pointing"]["chance"]


@pytest.mark.parametrize(
    "text",
    [
        "the small red circle",
        "a photo of a red circle.",
        "A picture of an orange object",
        "an image of the large striped pink star and a small solid cyan cross",
        "dotted, checkered: blue purple green yellow square triangle ring",
    ],
)
def test_every_word_of_the_tiny_world_and_its_templates_is_known(processor, text):
    assert UNK not in processor.tokenizer(text)["input_ids"]


def test_ours_and_the_real_tokenizer_agree(processor):
    texts = ["a small red circle", "the ring", "a large dotted blue star and an object"]
    real = processor.tokenizer(texts, padding=True)["input_ids"]
    assert real == token_rows(texts)


def test_a_long_text_is_cut_and_keeps_its_end(processor):
    ids = processor.tokenizer("red " * 60, truncation=True)["input_ids"]
    assert len(ids) == LONGEST and ids[-1] == len(WORDS) - 1


def test_a_text_is_read_at_its_end_token_whatever_the_padding(model, processor):
    texts = ["a red circle", "a photo of a small striped red circle"]
    batch = processor.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = model.text_model(**batch)
        ends = batch["attention_mask"].sum(1) - 1
        torch.testing.assert_close(
            output.pooler_output, output.last_hidden_state[torch.arange(2), ends]
        )
        alone = processor.tokenizer(texts[:1], return_tensors="pt")
        torch.testing.assert_close(
            model.text_model(**alone).pooler_output, output.pooler_output[:1], atol=1e-5, rtol=1e-4
        )
        # code that takes the largest id for the end token finds the same place
        assert torch.equal(batch["input_ids"].argmax(1), ends)


def test_the_processor_gives_the_pixels_of_training_and_the_model_its_own_similarity(
    model, processor
):
    image = render_scene(HELD_OUT[3]).image
    batch = processor(
        text=["a red ring", "the star"], images=image, return_tensors="pt", padding=True
    )
    pixels = normalise(torch.from_numpy(image)[None])
    torch.testing.assert_close(batch["pixel_values"], pixels, atol=1e-5, rtol=0)
    with torch.no_grad():
        scale = model.logit_scale.exp()
        ours = scale * embed_images(model, pixels) @ embed_texts(model, batch["input_ids"]).T
        torch.testing.assert_close(model(**batch).logits_per_image, ours, atol=1e-3, rtol=1e-3)


def test_template_and_unknown_words_hardly_move_a_phrase(model, processor):
    texts = ["the red circle", "a photo of a red circle", "the shiny red circle", "the red square"]
    ids = processor.tokenizer(texts, padding=True, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        near = (embed_texts(model, ids) @ embed_texts(model, ids)[0]).tolist()
    assert min(near[1], near[2]) > 0.9 > 0.7 > near[3]


def test_it_finds_unseen_scenes_far_above_chance(model):
    found = retrieval(model, 64, HELD_OUT[50_000:], gallery=64)
    assert found["text to image"].accuracy > 0.7
    assert found["image to text"].accuracy > 0.7
    assert found["captions"].accuracy > 0.8
    assert found["rivals"].accuracy > 0.4


def test_gem_points_where_plain_patches_do_not(model):
    found = clip_pointing.samples(HELD_OUT[60_000:60_040])
    dense = {"clip": lambda d: d.clip(), "gem": lambda d: d.gem(4, constant=10.0)}
    hits = clip_pointing.pointing(model, found, methods=dense)
    assert hits["gem"] > hits["clip"] + 0.2
