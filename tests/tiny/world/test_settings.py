"""The crowded setting: what its scenes look like, and what bare expressions are answered there."""

from __future__ import annotations

import math
import random
from itertools import islice

import pytest

from vlmscope.tiny import Scene, referring_samples, render_scene
from vlmscope.tiny.model.tokenizer import encode, vocabulary
from vlmscope.tiny.world.language import Exchange, ask, exchanges
from vlmscope.tiny.world.neighbours import nearest, side
from vlmscope.tiny.world.phrases import resolve
from vlmscope.tiny.world.settings import CROWD, PLAIN

Draw = tuple[Scene, Exchange]


@pytest.fixture(scope="module")
def drawn() -> list[Draw]:
    scenes = [render_scene(seed, CROWD.scenes) for seed in range(40)]
    return [
        (scene, exchange)
        for scene in scenes
        for exchange in islice(exchanges(scene, random.Random(scene.seed), CROWD), 14)
    ]


def test_crowded_scenes_hold_more_and_smaller_objects(drawn: list[Draw]) -> None:
    objects = [item for scene, _ in drawn for item in scene.objects]
    assert {item.radius for item in objects if item.size == "small"} <= set(range(10, 14))
    assert {item.radius for item in objects if item.size == "large"} <= set(range(17, 22))
    counts = [len(scene.objects) for scene, _ in drawn]
    assert max(counts) == 7 and sum(counts) / len(counts) > 4.5


def test_the_answer_to_a_bare_expression_starts_with_the_nearest_object(drawn: list[Draw]) -> None:
    checked = 0
    for scene, exchange in drawn:
        if exchange.kind != "expression" or exchange.target is None:
            continue
        item = scene.objects[exchange.target]
        colour, shape, word, rest = exchange.answer.split(" ", 3)
        others = [other for other in scene.objects if other is not item]
        other = min(others, key=lambda each: math.dist(each.center, item.center))
        assert (colour, shape) == (other.colour, other.shape)
        right, down = other.center[0] - item.center[0], other.center[1] - item.center[1]
        told = {"right": right, "left": -right, "below": down, "above": -down}
        assert told[word] == max(told.values()) > 0
        assert rest == f"and {item.position} {item.description()}"
        checked += 1
    assert checked > 150


def test_phrases_are_unambiguous_and_many_start_from_another_object(drawn: list[Draw]) -> None:
    phrases = [(s, e.phrase, e.target) for s, e in drawn if e.phrase and e.target is not None]
    assert all(resolve(phrase, scene) == (target,) for scene, phrase, target in phrases)
    related = [phrase for _, phrase, _ in phrases if phrase.relation]
    assert len(related) > 0.1 * len(phrases)


def test_every_word_is_one_of_the_vocabulary_and_what_cannot_be_counted_is_not_asked(
    drawn: list[Draw],
) -> None:
    table = {word: index for index, word in enumerate(vocabulary())}
    for _, exchange in drawn:
        encode(f"{exchange.prompt} {exchange.answer}", table)
    crowded = next(scene for scene, _ in drawn if len(scene.objects) > 5)
    asked = [ask(crowded, "count", random.Random(seed), CROWD) for seed in range(60)]
    assert "how many objects" not in [each.prompt for each in asked if each]
    assert any(asked)


def test_no_neighbour_where_two_contend() -> None:
    scenes = [render_scene(seed, CROWD.scenes) for seed in range(60)]
    places = [(scene, index) for scene in scenes for index in range(len(scene.objects))]
    found = [nearest(scene, index) for scene, index in places]
    assert 0.2 < sum(each is None for each in found) / len(found) < 0.8
    for (scene, index), other in zip(places, found, strict=True):
        if other is not None:
            opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}
            assert side(scene, index, other) == opposite[side(scene, other, index)]


def test_samples_of_a_setting() -> None:
    [plain] = referring_samples([5])
    [again] = referring_samples([5], setting=PLAIN)
    [crowd] = referring_samples([5], setting=CROWD)
    assert (plain.phrase, plain.box) == (again.phrase, again.box)
    assert (crowd.image == render_scene(5, CROWD.scenes).image).all()
    assert not (crowd.image == plain.image).all()
