"""Phrases, their truth, the contrastive loss, and a training run in miniature."""

import itertools
import json
import math
from dataclasses import replace

import pytest
import torch

from vlmscope.tiny.model.clip_architecture import TextShape, build_clip
from vlmscope.tiny.model.clip_tokenizer import LONGEST, PAD, clip_vocabulary
from vlmscope.tiny.training.clip.feed import ClipFeed
from vlmscope.tiny.training.clip.loss import contrast
from vlmscope.tiny.training.clip.phrases import UNSAID, draw_meanings, fits, word_ids
from vlmscope.tiny.training.clip.recipe import CLIP_PRESETS
from vlmscope.tiny.training.clip.stage import contrast_stage
from vlmscope.tiny.training.clip.train import train_clip
from vlmscope.tiny.training.corpus import CorpusOptions, build_corpus
from vlmscope.tiny.training.recipe import StageOptions
from vlmscope.tiny.training.stage import load_state
from vlmscope.tiny.world.phrases import Phrase, resolve
from vlmscope.tiny.world.scenes import render_scene
from vlmscope.tiny.world.splits import TRAIN
from vlmscope.tiny.world.words import ATTRIBUTES

CPU = torch.device("cpu")
WORDS = clip_vocabulary()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    options = CorpusOptions(scenes=24, variants=1, text=8)
    return build_corpus(tmp_path_factory.mktemp("corpus"), options)


@pytest.fixture(scope="module")
def recipe(corpus):
    base = CLIP_PRESETS["cpu"]
    return replace(
        base,
        corpus=corpus.options,
        shape=replace(base.shape, vision_layers=1),
        text=TextShape(width=64, layers=1),
        vision=StageOptions(steps=2, batch=4, warmup=1),
        contrast=StageOptions(steps=12, batch=6, warmup=2),
        texts=2,
        minutes=0.0,  # without a time limit the learning rate depends on the step alone
    )


def drawn(corpus, count=4, seed=0):
    objects = torch.from_numpy(corpus.objects.copy()).long()
    generator = torch.Generator().manual_seed(seed)
    meanings = draw_meanings(objects, count, generator)
    return objects, meanings, word_ids(meanings, generator)


def phrase(said):
    words = zip(ATTRIBUTES.items(), said.tolist(), strict=True)
    return Phrase(**{name: values[v] for (name, values), v in words if v != UNSAID})


def test_a_true_meaning_fits_its_image_and_a_rival_differs_in_one_word(corpus):
    objects, meanings, _ = drawn(corpus)
    half = len(meanings) // 2
    owner = torch.arange(len(objects)).repeat_interleave(4)
    assert fits(meanings, objects)[torch.arange(half), owner].all()
    true, rival = meanings[:half], meanings[half:]
    assert ((true != rival).flatten(1).sum(1) == 1).all()
    assert torch.equal(true == UNSAID, rival == UNSAID)
    assert fits(meanings, objects)[torch.arange(half, 2 * half), owner].float().mean() < 0.3


def test_what_fits_is_what_phrases_mean(corpus):
    objects, meanings, _ = drawn(corpus, count=2)
    scenes = [render_scene(seed) for seed in TRAIN[: len(objects)]]
    found = fits(meanings, objects)
    for meaning, row in zip(meanings, found, strict=True):
        parts = [part for part in meaning if (part != UNSAID).any()]
        wanted = [all(resolve(phrase(part), scene) for part in parts) for scene in scenes]
        assert row.tolist() == wanted


def test_wordings_say_the_meaning_and_nothing_else(corpus):
    _, meanings, ids = drawn(corpus)
    assert ids.shape[1] <= LONGEST
    for meaning, row in zip(meanings, ids.tolist(), strict=True):
        text = [WORDS[index] for index in row if index != PAD]
        assert row[len(text) :] == [PAD] * (len(row) - len(text))
        assert text[0] == "<bos>" and text[-1] == "<eos>"
        said = [word for word in text if any(word in group for group in ATTRIBUTES.values())]
        expected = [
            values[v]
            for part in meaning.tolist()
            for values, v in zip(ATTRIBUTES.values(), part, strict=True)
            if v != UNSAID
        ]
        assert said == expected
        for article, word in itertools.pairwise(text):
            if word != "<unk>" and article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou")


def test_the_loss_is_its_formula():
    torch.manual_seed(0)
    logits, fitting = torch.randn(5, 7), torch.rand(5, 7) < 0.4
    fitting[2] = False
    rows = []
    for row, right in zip(logits.double(), fitting, strict=True):
        wrong = sum(math.exp(s) for s, p in zip(row, right, strict=True) if not p)
        each = [
            -math.log(math.exp(s) / (math.exp(s) + wrong))
            for s, p in zip(row, right, strict=True)
            if p
        ]
        rows += [sum(each) / len(each)] if each else []
    assert contrast(logits, fitting).item() == pytest.approx(sum(rows) / len(rows), rel=1e-5)


@pytest.mark.parametrize("value", [True, False])
def test_a_batch_without_wrong_or_right_answers_has_a_finite_gradient(value):
    logits = torch.randn(3, 4, requires_grad=True)
    loss = contrast(logits, torch.full((3, 4), value))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_batches_depend_on_seed_and_step_alone(corpus):
    one, two, other = (ClipFeed(corpus, 6, 2, seed, CPU) for seed in (7, 7, 8))
    one.batch(9)
    first, second = one.batch(3), two.batch(3)
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(first.phrases, second.phrases)
    assert torch.equal(first.fitting, second.fitting)
    assert not torch.equal(first.pixels, other.batch(3).pixels)
    assert first.fitting.shape == (24, 6)


def test_fresh_weights_depend_on_the_seed_alone(recipe):
    one, two, other = (build_clip(recipe.shape, recipe.text, seed) for seed in (1, 1, 2))
    same = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert not torch.equal(one.text_projection.weight, other.text_projection.weight)


def test_loss_falls(recipe, corpus):
    _, stage = contrast_stage(recipe, None, 0, CPU)
    same = ClipFeed(corpus, 6, 2, 0, CPU).batch(0)
    losses = [stage._update(same)["loss"].item() for _ in range(8)]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < 0.85 * losses[0]


def test_a_run_in_two_sittings_equals_a_run_in_one(recipe, corpus, tmp_path):
    feed = ClipFeed(corpus, 6, 2, 0, CPU)
    _, whole = contrast_stage(recipe, None, 0, CPU, tmp_path / "whole.safetensors")
    whole.run(feed, steps=4)
    for _ in range(2):
        _, part = contrast_stage(recipe, None, 0, CPU, tmp_path / "parts.safetensors")
        part.run(feed, steps=2)
    one, one_record = load_state(tmp_path / "whole.safetensors")
    two, two_record = load_state(tmp_path / "parts.safetensors")
    assert one_record["step"] == two_record["step"] == 4
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], atol=0, rtol=0, msg=name)


def test_the_whole_recipe_leaves_a_folder_that_loads(recipe, corpus, tmp_path):
    from transformers import CLIPModel, CLIPProcessor

    short = replace(recipe, contrast=replace(recipe.contrast, steps=2))
    folder = train_clip(tmp_path, short, corpus, 3, CPU, scenes=0)
    card = json.loads((folder / "vlmscope.json").read_text())
    assert card["trained"]["steps"] == 2 and card["trained"]["vision"]["steps"] == 2
    tower = CLIPModel.from_pretrained(folder).vision_model
    assert len(tower.encoder.layers) == 1
    ids = CLIPProcessor.from_pretrained(folder).tokenizer("the ring")["input_ids"]
    assert WORDS[ids[-1]] == "<eos>"
