"""The heads of tiny-llava-crowd, on which the average of all heads points worse than those chosen."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import vlmscope as vs
from vlmscope.data.sample_lists import read_samples
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.models import LoadedModel
from vlmscope.tiny import embedded_path, referring_samples
from vlmscope.tiny.training.evaluate import answer_accuracy
from vlmscope.tiny.world.settings import CROWD
from vlmscope.tiny.world.splits import HELD_OUT
from vlmscope.types import Head, HeadSet


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return vs.load("tiny-llava-crowd", device="cpu")


@pytest.fixture(scope="module")
def heads() -> HeadSet:
    return HeadSet.load(embedded_path("tiny-llava-crowd") / "heads.json")


def test_they_were_discovered_without_labels_on_these_very_weights(
    model: LoadedModel, heads: HeadSet
) -> None:
    assert (heads.model, heads.revision, heads.source) == (
        "tiny-llava-crowd",
        model.revision,
        "discovered",
    )
    assert heads.heads == tuple(row.head for row in heads.frequencies[:3])
    assert heads.options["criterion"] == "contrastive"


def test_the_evidence_is_of_other_scenes_and_far_above_the_average_of_all_heads(
    heads: HeadSet,
) -> None:
    evidence = heads.evidence
    assert evidence is not None and evidence.samples >= 100
    assert not set(evidence.sample_ids) & set(heads.sample_ids)
    assert evidence.pointing.low > evidence.average_pointing + 0.05
    assert evidence.pointing.value > evidence.average_pointing + 0.1


def test_they_beat_the_average_here_and_now_and_heads_of_no_choice_do_not(
    model: LoadedModel, heads: HeadSet
) -> None:
    fresh = list(referring_samples(HELD_OUT[7000:7030], setting=CROWD))
    evidence = vs.verify_heads(model, heads, fresh, progress=False).evidence
    assert evidence.pointing.value >= evidence.average_pointing + 0.1
    assert evidence.pointing.value >= evidence.random_pointing + 0.2
    last = HeadSet((Head(5, 1), Head(5, 4), Head(5, 7)), model=model.id, revision=model.revision)
    other = vs.verify_heads(model, last, fresh, progress=False).evidence
    assert other.pointing.value < evidence.pointing.value - 0.2


def test_discovery_by_contrast_finds_them_again_on_other_scenes(
    model: LoadedModel, heads: HeadSet
) -> None:
    scenes = islice(read_samples("tiny-scenes:62:crowd,every"), 250, None)
    options = DiscoveryOptions(criterion="contrastive")
    again = vs.discover_heads(model, scenes, options, progress=False)
    assert len(set(heads.heads) & set(again.heads)) >= 2


def test_it_answers_about_crowded_scenes(model: LoadedModel) -> None:
    answers = answer_accuracy(model.hf, 16, HELD_OUT[8000:8016], CROWD)
    asked = [answers[kind] for kind in ("colour", "size", "texture", "shape")]
    assert np.mean([each.accuracy for each in asked]) >= 0.8


def test_its_weights_are_few() -> None:
    size = (embedded_path("tiny-llava-crowd") / "model.safetensors").stat().st_size
    assert size < 10_000_000
