"""Many images, several at a time: the results of one at a time, in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from dual_families import clip
from families import llava
from lvlms import made
from vlmscope.errors import BadImageError, BadOptionError
from vlmscope.models import LoadedModel

HEADS = [(1, 3), (2, 4)]


def picture(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def check_alike(one: list[list[vs.Grounding]], other: list[list[vs.Grounding]]) -> None:
    for first, second in zip(chain(*one), chain(*other), strict=True):
        # ratios of attention are beyond 1
        np.testing.assert_allclose(first.score_map, second.score_map, atol=1e-5, rtol=1e-5)
        assert (first.phrase, first.box) == (second.phrase, second.box)
        assert first.image.shape == second.image.shape


@pytest.mark.parametrize("method", ["localization-heads", "relative-attention"])
@pytest.mark.parametrize("phrases", [["the red circle"], ["the red circle", "a dog"]])
@pytest.mark.parametrize("name", ["qwen2-vl", "llava-next", "paligemma"])
def test_results_are_those_of_one_image_at_a_time(
    name: str, phrases: list[str], method: str
) -> None:
    pictures = [picture(1), picture(2, 60, 120), picture(3), picture(4, 60, 120), picture(5)]
    options: dict[str, Any] = {"method": method}
    if method == "localization-heads":
        options["heads"] = HEADS
    model = made(name)
    alone = vs.ground(model, pictures, phrases, **options)
    for batch in (2, 4, 9):
        check_alike(vs.ground(model, pictures, phrases, batch=batch, **options), alone)


def test_a_batch_of_one_is_what_it_ever_was() -> None:
    model, pictures = llava(), [picture(1), picture(2)]
    plain = vs.ground(model, pictures, ["the dog"], "mean-attention")
    same = vs.ground(model, pictures, ["the dog"], "mean-attention", batch=1)
    for [one], [other] in zip(plain, same, strict=True):
        np.testing.assert_array_equal(one.score_map, other.score_map)


def test_images_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def endless() -> Iterator[np.ndarray]:
        while True:
            taken.append(1)
            yield picture(len(taken))

    ready = vs.grounder(llava(), "the dog", "mean-attention", batch=3)
    results = ready.each(endless())
    for _ in range(4):
        next(results)
    assert len(taken) <= 3 * 4


def test_results_before_an_image_that_cannot_be_read_are_given() -> None:
    ready = vs.grounder(llava(), "the dog", "mean-attention", batch=4)
    results = ready.each([picture(1), picture(2), "missing.png", picture(3)])
    assert len([next(results), next(results)]) == 2
    with pytest.raises(BadImageError, match=r"missing\.png"):
        next(results)


def test_notes_of_the_images_and_no_phrase_at_all() -> None:
    model: LoadedModel = llava()
    grey = np.zeros((40, 60), dtype=np.uint8) + np.arange(60, dtype=np.uint8)
    alone = vs.ground(model, [grey, picture(1)], ["the dog"], "mean-attention")
    side = vs.ground(model, [grey, picture(1)], ["the dog"], "mean-attention", batch=2)
    assert [each.details for [each] in side] == [each.details for [each] in alone]
    assert vs.ground(model, [grey, picture(1)], [], "mean-attention", batch=2) == [[], []]


@pytest.mark.parametrize("batch", [0, -3, True, 2.0, "4"])
def test_a_batch_that_is_none(batch: Any) -> None:
    with pytest.raises(BadOptionError, match="side by side, got"):
        vs.grounder(llava(), "the dog", "mean-attention", batch=batch)


def test_a_method_that_knows_of_no_batch_looks_at_one_image_after_the_other() -> None:
    pictures = [picture(1), picture(2)]
    alone = vs.ground(clip(), pictures, ["the dog"], "gem")
    check_alike(vs.ground(clip(), pictures, ["the dog"], "gem", batch=2), alone)
