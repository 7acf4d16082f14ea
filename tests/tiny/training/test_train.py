from dataclasses import replace

import pytest
import torch

from vlmscope.tiny.training.corpus import CorpusOptions, build_corpus
from vlmscope.tiny.training.export import export_llava
from vlmscope.tiny.training.feed import Feed
from vlmscope.tiny.training.joint_stage import joint_stage
from vlmscope.tiny.training.recipe import PRESETS, StageOptions
from vlmscope.tiny.training.stage import load_state, rate_at
from vlmscope.tiny.training.vision_stage import save_vision, train_vision

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    options = CorpusOptions(scenes=24, variants=1, text=48)
    return build_corpus(tmp_path_factory.mktemp("corpus"), options)


@pytest.fixture(scope="module")
def recipe(corpus):
    small = replace(PRESETS["cpu"].shape, vision_layers=2, text_layers=2)
    return replace(
        PRESETS["cpu"],
        corpus=corpus.options,
        shape=small,
        vision=StageOptions(steps=8, batch=4, warmup=2),
        joint=StageOptions(steps=8, batch=4, warmup=2, tower_share=0.5),
    )


@pytest.fixture(scope="module")
def vision(recipe, corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("vision") / "vision.safetensors"
    tower, probes, progress = train_vision(recipe, corpus, 0, CPU)
    assert progress.done and progress.step == 8
    save_vision(path, tower, probes, progress)
    return path


def test_loss_is_finite_and_falls(recipe, corpus, vision):
    _, stage = joint_stage(recipe, vision, 0, CPU)
    same = Feed(corpus, 4, 0, CPU).batch(0)
    losses = [stage._update(same)["loss"].item() for _ in range(6)]
    assert all(torch.isfinite(torch.tensor(losses)))
    assert losses[-1] < 0.8 * losses[0]


def test_a_run_in_two_sittings_equals_a_run_in_one(recipe, corpus, vision, tmp_path):
    feed = Feed(corpus, 4, 0, CPU)
    # without a time limit the learning rate depends on the step alone
    timeless = replace(recipe, minutes=0.0)
    _, whole = joint_stage(timeless, vision, 0, CPU, tmp_path / "whole.safetensors")
    whole.run(feed, steps=4)
    _, first = joint_stage(timeless, vision, 0, CPU, tmp_path / "parts.safetensors")
    first.run(feed, steps=2)
    _, second = joint_stage(timeless, vision, 0, CPU, tmp_path / "parts.safetensors")
    second.run(feed, steps=2)
    one, one_record = load_state(tmp_path / "whole.safetensors")
    two, two_record = load_state(tmp_path / "parts.safetensors")
    assert one.keys() == two.keys()
    assert one_record["step"] == two_record["step"] == 4
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], atol=0, rtol=0, msg=name)


def test_an_exported_model_is_trained_on_in_a_crowd(recipe, vision, tmp_path):
    crowd = replace(recipe.corpus, scenes=4, setting="crowd")
    corpus = build_corpus(tmp_path / "corpus", crowd)
    assert corpus.objects[:, 5, 0].max() >= 0  # a sixth object
    model, _ = joint_stage(recipe, vision, 0, CPU)
    export_llava(tmp_path / "model", model, recipe.shape, {})
    again, stage = joint_stage(recipe, None, 1, CPU, start=tmp_path / "model")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value.half().float(), msg=name)
    losses = stage._update(Feed(corpus, 4, 0, CPU).batch(0))
    assert torch.isfinite(losses["loss"])
    deeper = replace(recipe, shape=replace(recipe.shape, text_layers=3))
    with pytest.raises(RuntimeError, match="layers.2"):
        joint_stage(deeper, None, 1, CPU, start=tmp_path / "model")


def test_time_ends_a_stage(recipe, corpus, vision):
    hasty = replace(recipe, minutes=1e-6)
    _, stage = joint_stage(hasty, vision, 0, CPU)
    progress = stage.run(Feed(corpus, 4, 0, CPU))
    assert progress.done and progress.step == 1


def test_the_rate_rises_then_falls_to_zero():
    options = StageOptions(steps=100, batch=1, warmup=10)
    rates = [rate_at(step, step / 100, options) for step in range(101)]
    assert rates[0] < rates[9] and rates[-1] == 0.0
    assert max(rates) <= options.rate


def test_batches_depend_on_seed_and_step_alone(corpus):
    one, two = (Feed(corpus, 4, 7, CPU) for _ in range(2))
    one.batch(0)
    assert torch.equal(one.batch(9).text, two.batch(9).text)
    assert not torch.equal(one.batch(0).text, Feed(corpus, 4, 8, CPU).batch(0).text)


def test_every_scene_is_seen_once_in_a_pass(corpus):
    feed = Feed(corpus, 4, 0, CPU)
    seen = torch.cat([feed.batch(step).pixels.flatten(1).sum(1) for step in range(6)])
    assert len(seen.unique()) == 24
