"""Results of the methods in a notebook."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cards import NASTY, check_repr, read_card
from segmentations import blobs, segmentation
from vlmscope.results import AnswerComparison, Grounding, MethodComparison
from vlmscope.types import Answer

NOISE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)


def grounding(**changes: Any) -> Grounding:
    heat = np.zeros((480, 640), np.float32)
    heat[100:200, 200:400] = 1
    plain: dict[str, Any] = {
        "phrase": "the red mug",
        "method": "gem",
        "model": "tiny-clip",
        "image": NOISE,
        "heatmap": heat,
        "score_map": heat[::20, ::20],
        "mask": heat > 0,
        "box": (200.0, 100.0, 400.0, 200.0),
        "point": (300.0, 150.0),
        "score": 0.4321,
        "seen": (0.0, 0.0, 640.0, 480.0),
    }
    return Grounding(**{**plain, **changes})


def test_a_grounding() -> None:
    card = read_card(grounding(warnings=("mind the gap",)))
    for words in ("the red mug", "200, 100, 400, 200", "300, 150", "0.4321", "640 x 480", "gem"):
        assert words in card.text
    assert "mind the gap" in card.text
    (picture,) = card.pictures
    assert picture.width / picture.height == pytest.approx(4 / 3, abs=0.01)
    line = repr(grounding())
    assert "'the red mug'" in line and "200, 100, 400, 200" in line and "0.4321" in line


def test_a_grounding_of_nothing() -> None:
    nothing = grounding(box=None, point=None, mask=np.zeros((480, 640), bool))
    card = read_card(nothing)
    assert card.cells[4:6] == ["–", "–"]
    assert "nothing lights up" in repr(nothing)


def test_markup_in_phrases_and_names_stays_text() -> None:
    nasty = grounding(phrase=NASTY, method=NASTY, model=NASTY, warnings=(NASTY,))
    for result in (
        nasty,
        segmentation(blobs(2), (NASTY, "<i>b</i>"), warnings=(NASTY,), model=NASTY),
        MethodComparison(NASTY, (NASTY,), {NASTY: (nasty,)}, {NASTY: NASTY}),
        AnswerComparison(NASTY, NASTY, NASTY, NASTY, Answer("", ()), {NASTY: nasty}, (NASTY,)),
    ):
        card = read_card(result)
        assert "<script>alert('x')</script>" in card.text


def test_long_words_do_not_make_long_lines() -> None:
    check_repr(grounding(phrase="very " * 5000))
    check_repr(segmentation(blobs(3), ("a" * 999, "b" * 999, "c" * 999)))
    long = grounding(phrase="word " * 5000)
    assert len(read_card(long).text) < 3000


def test_a_segmentation() -> None:
    labels = np.zeros((480, 640), int)
    labels[:120] = 1
    labels[470:] = -1
    found = segmentation(labels, ("dog", "sky", "cat"), image=NOISE)
    card = read_card(found)
    assert "2 of 3 classes have pixels" in card.text
    assert card.cells[4:8] == ["dog", "72.9%", "0.500", "0.750"]
    assert card.cells[12] == "(background)"
    assert "dog 73%, sky 25%" in repr(found)
    assert "no class has pixels" in repr(segmentation(np.full((9, 9), -1), ("dog",)))


def test_a_comparison_of_methods() -> None:
    phrases = tuple(f"phrase {number}" for number in range(9))
    methods = {
        name: tuple(grounding(phrase=each, method=name) for each in phrases) for name in ("a", "b")
    }
    card = read_card(MethodComparison("tiny", phrases, methods, {"c": "it has no heads"}))
    assert "c was left out: it has no heads" in card.text
    assert "3 more phrases are not shown" in card.text
    assert "phrase 5" in card.cells and "phrase 6" not in card.cells
    assert len(card.pictures) == 1
    nothing = MethodComparison("tiny", (), {})
    assert read_card(nothing).pictures == []


def test_an_answer_beside_where_it_looked() -> None:
    said = Answer("[1,2,3,4]", ())
    card = read_card(
        AnswerComparison("the mug", "tiny", "where?", "nowhere", said, {"last_text": grounding()})
    )
    assert "It answered: nowhere" in card.text
    assert "looked (last_text)" in card.cells


def test_as_a_picture() -> None:
    labels = np.zeros((480, 640), int)
    for result in (grounding(), segmentation(labels, ("dog",), image=NOISE)):
        with Image.open(io.BytesIO(result._repr_png_())) as picture:
            assert picture.format == "PNG"
            assert picture.width == 640
    small = grounding(
        image=NOISE[:40, :60],
        heatmap=np.zeros((40, 60), np.float32),
        mask=np.zeros((40, 60), bool),
        box=None,
        point=None,
        seen=(0.0, 0.0, 60.0, 40.0),
    )
    with Image.open(io.BytesIO(small._repr_png_())) as picture:
        assert picture.size == (480, 320)  # enlarged, so that lines can be seen
