"""Noun phrases out of captions: what names an object comes out, and little else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmscope.data.noun_phrases import noun_phrases

CAPTIONS = {
    "A man riding a wave on top of a surfboard.": ["a man", "a wave", "a surfboard"],
    "The image shows a red bus parked in front of a tall building, with two people walking nearby.": [
        "a red bus",
        "a tall building",
        "two people",
    ],
    "a small dotted green cross and a large blue circle": [
        "a small dotted green cross",
        "a large blue circle",
    ],
    "There are three cups on the wooden table next to a glass of water.": [
        "three cups",
        "the wooden table",
        "a glass of water",
    ],
    "A dog runs through a field with a frisbee in its mouth.": [
        "a dog",
        "a field",
        "a frisbee",
        "its mouth",
    ],
    "Two smiling women sit at a table filled with plates of food.": [
        "two smiling women",
        "a table",
        "plates of food",
    ],
    "dog, red car, traffic light": ["dog", "red car", "traffic light"],
    "In the background, there is a parked car and a person wearing a striped shirt.": [
        "a parked car",
        "a person",
        "a striped shirt",
    ],
    "A kitchen with wooden cabinets and stainless steel appliances": [
        "a kitchen",
        "wooden cabinets",
        "stainless steel appliances",
    ],
    "A BUS stops; the bus is red. A bus!": ["a bus", "the bus"],
    "The cat's tail hangs off a double-decker bed": ["the cat's tail", "a double-decker bed"],
}
"""Caption -> what names an object in it."""


@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions(caption: str) -> None:
    assert noun_phrases(caption) == CAPTIONS[caption]


@pytest.mark.parametrize(
    "caption", ["", "  ", "yes", "zero", "It is there.", "12 ...", "?!", "He sits."]
)
def test_captions_without_a_noun(caption: str) -> None:
    assert noun_phrases(caption) == []


@pytest.mark.parametrize(
    "caption", ["the left side of the picture", "on the right", "in the middle"]
)
def test_places_in_the_picture_are_no_objects(caption: str) -> None:
    assert noun_phrases(caption) == []


@given(st.text(max_size=200))
def test_any_text_gives_short_phrases_of_its_own_words(caption: str) -> None:
    found = noun_phrases(caption)
    assert len(set(found)) == len(found)
    for phrase in found:
        words = phrase.split()
        assert 1 <= len(words) <= 6 and phrase == phrase.strip()
        assert all(any(sign.isalpha() for sign in word) or word.isdigit() for word in words)
