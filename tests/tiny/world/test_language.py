"""Phrases are read back from their words by a reader that shares no code with their writer."""

import random
from itertools import islice

import pytest

from vlmscope.tiny import referring_samples, render_scene
from vlmscope.tiny.world.language import KINDS, ask, caption, exchanges
from vlmscope.tiny.world.words import ATTRIBUTES, COLOURS, NUMBERS, SHAPES, SIZES, TEXTURES

EXTREMES = {"leftmost": (0, 1), "rightmost": (0, -1), "topmost": (1, 1), "bottommost": (1, -1)}
RELATIONS = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
PLACE_WORDS = {"left", "right", "top", "bottom", "center"}


def read(text, scene):
    """The objects a phrase fits, from its words alone."""
    for relation, (axis, sign) in RELATIONS.items():
        if f" {relation} the " in f" {text}":
            head, anchor = text.split(f" {relation} ")
            (other,) = read(anchor, scene)
            extent = scene.size[1 - axis]
            ahead = [
                item
                for item in read(head, scene)
                if item is not other
                and sign * (item.center[axis] - other.center[axis]) / extent > 0.03
            ]
            return ahead
    words = set(text.split()) - {"the", "a", "an", "object", "on", "at", "in"}
    extreme = words & set(EXTREMES)
    place = words & PLACE_WORDS
    said = words - extreme - place
    assert said <= {*COLOURS, *SHAPES, *SIZES, *TEXTURES}, text
    fitting = [
        item
        for item in scene.objects
        if said <= set(item.description().split())
        and (
            place <= set(item.position.split())
            if place != {"center"}
            else item.position == "center"
        )
    ]
    if extreme:
        axis, sign = EXTREMES[extreme.pop()]
        first = min(sign * item.center[axis] for item in fitting)
        gap = 0.06 * scene.size[1 - axis]
        fitting = [item for item in fitting if sign * item.center[axis] - first < gap]
    return fitting


def draws(count):
    for seed in range(count):
        scene = render_scene(seed)
        for exchange in islice(exchanges(scene, random.Random(seed)), 14):
            yield scene, exchange


@pytest.fixture(scope="module")
def drawn():
    return list(draws(150))


def test_every_phrase_fits_its_object_and_no_other(drawn):
    checked = 0
    for scene, exchange in drawn:
        if exchange.phrase is not None and exchange.target is not None:
            fitting = read(exchange.phrase.text(), scene)
            assert fitting == [scene.objects[exchange.target]], exchange
            checked += 1
    assert checked > 800


def test_what_is_absent_is_answered_none(drawn):
    absent = [(s, e) for s, e in drawn if e.kind in ("where", "expression") and e.target is None]
    assert absent
    for scene, exchange in absent:
        assert exchange.answer == "none" and read(exchange.phrase.text(), scene) == []


def test_answers_are_true(drawn):
    for scene, exchange in drawn:
        if exchange.target is None:
            continue
        item = scene.objects[exchange.target]
        if exchange.kind in ATTRIBUTES:
            assert exchange.answer == getattr(item, exchange.kind)
        elif exchange.kind == "where":
            assert exchange.answer == item.position
        elif exchange.kind == "expression":
            assert exchange.answer == f"{item.position} {item.description()}"
        elif exchange.kind == "describe":
            assert exchange.answer == item.description()


def test_counts_and_existence_are_true(drawn):
    for scene, exchange in drawn:
        if exchange.kind == "exists":
            there = bool(read(exchange.phrase.text(), scene))
            assert exchange.answer == ("yes" if there else "no")
        if exchange.kind == "count":
            noun = exchange.prompt.removeprefix("how many ").removesuffix(" objects")
            words = {noun, noun.removesuffix("s"), noun.removesuffix("es")}
            counted = [i for i in scene.objects if words & {i.shape, i.colour, "object"}]
            if noun == "objects":
                counted = list(scene.objects)
            assert exchange.answer == NUMBERS[len(counted)]


def test_a_question_never_gives_its_answer_away(drawn):
    for _, exchange in drawn:
        if exchange.kind in ATTRIBUTES:
            phrase = exchange.prompt.split(" is ", 1)[1]
            if not any(f" {relation} " in phrase for relation in RELATIONS):
                assert exchange.answer not in phrase.split()


def test_phrases_need_more_than_colour_and_come_in_kinds():
    phrases = [sample.phrase for sample in referring_samples(range(300))]
    colour_only = [p for p in phrases if set(p.split()) <= {"the", "object", *COLOURS}]
    assert len(colour_only) < 0.15 * len(phrases)
    assert any("most " in p for p in phrases)
    assert any(relation in p for p in phrases for relation in RELATIONS)
    assert any(p.split()[-1] in PLACE_WORDS for p in phrases)
    several = [p for p in phrases if len(set(p.split()) - {"the", "object"}) >= 2]
    assert len(several) > 0.5 * len(phrases)


def test_every_kind_can_be_asked_and_captions_name_every_object():
    scene = render_scene(11)
    rng = random.Random(0)
    for kind in KINDS:
        assert any(ask(scene, kind, rng) is not None for _ in range(100)), kind
    told = caption(scene).answer
    assert all(item.description() in told for item in scene.objects)
    assert told.count(" and ") == len(scene.objects) - 1
