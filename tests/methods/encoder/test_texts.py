"""What a model makes of the words is said: words it lacks, and names that it reads alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vlmscope as vs
from dual_families import DUAL, READERS, clip, siglip2, vit
from vlmscope.methods.encoder.texts import read_alike, unknown_caution

PIXELS = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)


def unit(count: int, joint: int = 16, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(count, joint, generator=torch.Generator().manual_seed(seed))
    return F.normalize(drawn, dim=-1)


def test_the_same_vectors_are_found_wherever_they_stand() -> None:
    vectors = unit(200)
    vectors[[7, 150, 33]] = vectors[90].clone() + 1e-6
    vectors[199] = vectors[0]
    assert read_alike(vectors, range(200)) == [(0, 199), (7, 33, 90, 150)]


def test_different_vectors_are_never_alike() -> None:
    close = F.normalize(unit(1) + 1e-3 * unit(50, seed=1), dim=-1)
    assert read_alike(torch.cat([unit(1000, seed=2), close]), range(1050)) == []


def test_texts_of_one_class_may_be_alike() -> None:
    vectors = unit(4)
    vectors[1] = vectors[0]
    assert read_alike(vectors, [0, 0, 1, 2]) == []
    assert read_alike(vectors, [0, 1, 1, 2]) == [(0, 1)]


def test_one_text_alone() -> None:
    assert read_alike(unit(1), [0]) == []


def test_segment_warns_of_classes_that_it_cannot_tell_apart() -> None:
    found = vs.segment(clip(), PIXELS, ["gnu", "sky", "emu"], method="maskclip")
    lacks, alike = found.warnings
    assert "lacks 'gnu', 'emu'" in lacks
    assert "reads 'gnu', 'emu' alike" in alike
    assert not found.mask("emu").any()  # what the warning says
    assert vs.segment(clip(), PIXELS, ["dog", "sky"], method="maskclip").warnings == ()


def test_two_names_of_one_label_are_alike() -> None:
    found = vs.segment(vit(), PIXELS, ["bus", "zebra", "coach"], method="maskclip")
    (alike,) = found.warnings
    assert "reads 'bus', 'coach' alike" in alike


def test_ground_warns_of_each_phrase_by_itself() -> None:
    gnu, emu, sky = vs.ground(clip(), PIXELS, ["gnu", "emu", "sky"], method="maskclip")
    assert "lacks 'gnu':" in gnu.warnings[0]
    assert "reads 'gnu', 'emu' alike" in gnu.warnings[1]
    assert "lacks 'emu':" in emu.warnings[0]
    np.testing.assert_array_equal(gnu.score_map, emu.score_map)  # what the warning says
    assert sky.warnings == ()


def test_punctuation_is_no_word() -> None:
    assert unknown_caution(clip(), ["dog, cat!", "the - sky?"]) == ()
    (found,) = unknown_caution(clip(), ['a "gnu", dog'])
    assert "lacks 'gnu':" in found


def test_a_name_that_is_known_as_a_whole_needs_none_of_its_words() -> None:
    encoder = clip()
    encoder.processor.tokenizer.add_tokens(["fire hydrant"])
    assert unknown_caution(encoder, ["fire hydrant", "dog"]) == ()
    (found,) = unknown_caution(encoder, ["fire hydrant", "fire dog"])
    assert "lacks 'fire':" in found


@pytest.mark.parametrize("family", sorted(set(DUAL) - set(READERS)))
def test_labels_are_never_unknown_words(family: str) -> None:
    assert unknown_caution(DUAL[family](), ["tabby cat"]) == ()


def test_a_vocabulary_of_parts_lacks_nothing() -> None:
    assert unknown_caution(siglip2(), ["dogcat", "skyman"]) == ()
