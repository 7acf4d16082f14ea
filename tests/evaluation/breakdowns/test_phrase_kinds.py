"""Kinds of phrases: sentences of our own, labelled by hand."""

from __future__ import annotations

import pytest

from vlmscope.evaluation.breakdowns.phrase_kinds import KINDS, phrase_kinds, words_of

LABELLED = [
    ("kettle", "plain"),
    ("a bicycle", "plain"),
    ("zebra", "plain"),
    ("bowl of soup", "plain"),
    ("the traffic light pole", "attribute"),
    ("third cupcake", "ordinal"),
    ("2nd sheep from the left", "ordinal spatial"),
    ("two from right", "ordinal spatial"),
    ("player number 14", "ordinal"),
    ("the last slice", "ordinal"),
    ("first boat on the right", "ordinal spatial"),
    ("fourth elephant counting from the back", "ordinal spatial"),
    ("left", "spatial"),
    ("van on the left", "spatial"),
    ("top right corner", "spatial"),
    ("bottom rt pastry", "spatial"),
    ("the suitcase closest to the camera", "spatial"),
    ("far giraffe", "spatial"),
    ("cow nearest to us", "spatial"),
    ("sofa in the background", "spatial"),
    ("parrot in the middle of the picture", "spatial"),
    ("the leftmost umbrella", "spatial"),
    ("red kite", "attribute"),
    ("a big wooden spoon", "attribute"),
    ("the tallest vase", "attribute"),
    ("the girl in yellow", "attribute"),
    ("boy wearing a helmet", "attribute"),
    ("man in striped shirt", "attribute"),
    ("the orange towel", "attribute"),
    ("guy in orange", "attribute"),
    ("orange", "plain"),
    ("orange on the left", "spatial"),
    ("cream-colored pillow", "attribute"),
    ("old lady smiling", "attribute"),
    ("cup next to the laptop", "relation"),
    ("dog behind the fence", "relation"),
    ("boy holding a kite", "relation"),
    ("woman with an umbrella", "relation"),
    ("cat on the windowsill", "relation"),
    ("horse left of the barn", "relation"),
    ("chair in front of the stove", "relation"),
    ("bird between two posts", "relation"),
    ("knife by the melon", "relation"),
    ("person riding a scooter", "relation"),
    ("the plate under the fork", "relation"),
    ("bench near the fountain", "relation"),
    ("truck to the right of the bus", "relation"),
    ("lamp not lit", "attribute negation"),
    ("the cup without a handle", "negation"),
    ("person who isn't holding a racket", "relation negation"),
    ("no hat", "negation"),
    ("pizza with no olives", "negation"),
    ("the small dog on the left", "spatial attribute"),
    ("second red chair from left", "ordinal spatial attribute"),
    ("woman in black coat next to the taxi", "attribute relation"),
    ("the taller boy behind the white car", "attribute relation"),
    ("left pony not wearing a saddle", "spatial negation"),
    ("man with blue backpack on far right", "spatial attribute relation"),
    ("the cat that is bigger than the other", "attribute relation"),
    ("third man in a green vest holding a sign", "ordinal attribute relation"),
    ("whoever is at the far end of the table", "spatial"),
    ("girl on top of the ladder", "relation"),
    ("right side of the image", "spatial"),
    ("bowl above the sink in the top left", "spatial relation"),
    ("左の猫", ""),
]

MISREAD = [
    ("his right hand", "spatial"),  # a side of the body
    ("the light", "attribute"),  # a lamp
    ("whoever is wearing stripes", "attribute"),
    ("the back of the bus", "spatial"),  # a part of a thing
    ("a slice of pizza", "plain"),  # "of" is never a relation
    ("le chien rouge", "plain"),  # another language
    ("the dogg wiht the bal", "plain"),  # spelling mistakes
]


@pytest.mark.parametrize(("sentence", "kinds"), LABELLED)
def test_sentences_have_the_kinds_that_a_person_gave_them(sentence: str, kinds: str) -> None:
    assert phrase_kinds(sentence) == tuple(kind for kind in KINDS if kind in kinds.split())


@pytest.mark.parametrize(("sentence", "kinds"), MISREAD)
def test_what_the_rule_is_said_not_to_know_it_does_not_know(sentence: str, kinds: str) -> None:
    assert phrase_kinds(sentence) == tuple(kinds.split())


def test_every_kind_is_labelled_often_enough() -> None:
    counts = {kind: sum(kind in kinds.split() for _, kinds in LABELLED) for kind in KINDS}
    assert len(LABELLED) >= 60 and min(counts.values()) >= 5


def test_letters_marks_and_spaces_make_no_difference() -> None:
    for sentence, _ in LABELLED:
        spelled = f"  {sentence.upper()}. "
        assert phrase_kinds(spelled) == phrase_kinds(sentence)


def test_words_are_runs_of_letters_and_digits() -> None:
    assert words_of("The t-shirt, isn’t it? (no. 7)") == [
        "The",
        "t-shirt",
        "isn't",
        "it",
        "no",
        "7",
    ]
    assert words_of("--- !") == []
    assert phrase_kinds("12 34") == ()
