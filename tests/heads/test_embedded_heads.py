"""The heads that ship with tiny-llava, on scenes that nothing was chosen on."""

from __future__ import annotations

import json
import random
from itertools import islice

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.sample_lists import read_samples
from vlmscope.models import LoadedModel
from vlmscope.post import PostOptions
from vlmscope.tiny import embedded_path, referring_samples, render_scene
from vlmscope.tiny.world.expressions import absent
from vlmscope.tiny.world.splits import HELD_OUT
from vlmscope.types import HeadSet


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return vs.load("tiny-llava", device="cpu")


@pytest.fixture(scope="module")
def heads() -> HeadSet:
    return HeadSet.load(embedded_path("tiny-llava") / "heads.json")


def test_they_were_discovered_on_these_very_weights(model: LoadedModel, heads: HeadSet) -> None:
    assert (heads.model, heads.revision, heads.source) == (
        "tiny-llava",
        model.revision,
        "discovered",
    )
    assert heads.samples >= 200 and len(heads.heads) == 3
    assert heads.heads == tuple(
        row.head for row in heads.frequencies[:3]
    )  # by frequency, not by hand
    options = heads.options
    assert (options["criterion"], options["entropy"], options["candidates"]) == ("both", "area", 10)


def test_their_evidence_is_of_other_samples_and_reaches_what_was_asked_for(heads: HeadSet) -> None:
    evidence = heads.evidence
    assert evidence.samples >= 300 and evidence.better_than_chance
    assert not set(evidence.sample_ids) & set(heads.sample_ids)
    assert evidence.pointing.value >= 0.85
    assert evidence.pointing.value > evidence.random_pointing > evidence.chance_pointing


def test_the_card_names_the_post_processing_that_the_evidence_is_for(
    model: LoadedModel, heads: HeadSet
) -> None:
    chosen = PostOptions(**model.card.grounding)
    assert chosen == PostOptions(
        **{name: heads.evidence.settings[name] for name in model.card.grounding}
    )
    card = json.loads((embedded_path("tiny-llava") / "vlmscope.json").read_text())
    figures = card["localization"]
    assert figures["held_out"]["acc50"][0] > figures["held_out_paper"]["acc50"][0]
    assert figures["held_out"]["pointing"][0] == pytest.approx(
        heads.evidence.pointing.value, abs=1e-4
    )


def test_they_point_here_and_now(model: LoadedModel, heads: HeadSet) -> None:
    fresh = list(referring_samples(HELD_OUT[5000:5040]))  # not among the evidence's
    evidence = vs.verify_heads(model, heads, fresh, progress=False).evidence
    assert evidence.samples == 40 and not evidence.skipped
    assert evidence.pointing.value >= 0.75 and evidence.acc50.value >= 0.6


def test_discovery_finds_them_again_on_other_scenes(model: LoadedModel, heads: HeadSet) -> None:
    scenes = islice(read_samples("tiny-scenes:440"), 400, 440)
    again = vs.discover_heads(model, scenes, progress=False)
    assert set(heads.heads) & set(again.heads)
    assert again.heads[0] in heads.heads


def test_an_object_that_is_not_there_gets_a_lower_score(model: LoadedModel) -> None:
    present, missing = [], []
    for seed in HELD_OUT[6000:6024]:
        scene = render_scene(seed)
        phrase = absent(scene, random.Random(seed))
        if phrase is not None:
            there = scene.objects[0].description()
            found = vs.ground(model, scene.image, [there, phrase.text()])
            present.append(found[0].score)
            missing.append(found[1].score)
    assert len(present) > 12 and np.median(present) > np.median(missing) + 0.1


def test_grounding_needs_no_heads_and_gives_no_warning(model: LoadedModel) -> None:
    sample = next(iter(referring_samples([HELD_OUT[6000]])))
    found = vs.ground(model, sample.image, sample.phrase)
    assert found.details["heads_source"] == "discovered" and found.warnings == ()
    assert found.details["post"]["surface"] == model.card.grounding["surface"]
