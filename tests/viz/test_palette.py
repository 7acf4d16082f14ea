"""Colours of classes hold what their names say; the others keep away from them."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from vlmscope.viz import class_colours
from vlmscope.viz.colour_words import COLOUR_WORDS, colour_in


def hue(rgb: np.ndarray) -> float:
    """Degrees."""
    return 360 * colorsys.rgb_to_hsv(*(np.asarray(rgb) / 255))[0]


def turn(first: np.ndarray, second: np.ndarray) -> float:
    """Between two hues, 0 to 180."""
    apart = abs(hue(first) - hue(second)) % 360
    return min(apart, 360 - apart)


@pytest.mark.parametrize("word", sorted(COLOUR_WORDS))
def test_a_colour_word_gives_its_colour_wherever_the_class_stands(word: str) -> None:
    for names in ([f"{word} circle", "dog"], ["dog", "a sofa", f"The {word.upper()}_circle"]):
        at = next(n for n, name in enumerate(names) if "ircle" in name)
        np.testing.assert_array_equal(class_colours(names)[at], COLOUR_WORDS[word])


def test_primary_words_are_shown_in_what_anybody_calls_them() -> None:
    colours = class_colours(["red a", "green b", "blue c", "white d", "black e", "grey f"])
    for channel, colour in enumerate(colours[:3].astype(int)):
        assert colour[channel] > 1.35 * np.delete(colour, channel).max()
    white, black, grey = (each.astype(int) for each in colours[3:])
    assert white.min() > 230
    assert black.max() < 40
    assert np.ptp(grey) < 12
    assert 100 < grey.mean() < 180


@pytest.mark.parametrize(
    "names",
    [
        ["red circle", "dog", "cat", "sofa", "sky", "floor"],
        ["dog", "cat", "the blue square", "sofa", "a red dot", "sky", "floor", "wall"],
        ["green tree", "yellow sun", *(f"thing {index}" for index in range(30))],
    ],
)
def test_no_other_class_comes_near_a_colour_that_a_name_speaks_of(names: list[str]) -> None:
    colours = class_colours(names)
    spoken = [index for index, name in enumerate(names) if colour_in(name)]
    for index in set(range(len(names))) - set(spoken):
        for other in spoken:
            assert turn(colours[index], colours[other]) > 20, (names[index], names[other])
    assert len(np.unique(colours, axis=0)) == len(names)


def test_classes_of_one_colour_are_shades_of_it() -> None:
    colours = class_colours(["red circle", "red square", "red star", "red cup", "dog"])
    assert len(np.unique(colours, axis=0)) == 5
    for shade in colours[:4]:
        assert turn(shade, colours[0]) < 5
    assert turn(colours[4], colours[0]) > 30
    greys = class_colours(["white a", "white b", "black a", "black b"]).astype(int)
    assert greys[:2].min() > 200
    assert greys[2:].max() < 70


def test_a_shade_does_not_take_the_colour_of_another_word() -> None:
    red, light, pink = class_colours(["red a", "red b", "pink c"]).astype(int)
    np.testing.assert_array_equal(pink, COLOUR_WORDS["pink"])
    assert np.abs(light - pink).sum() > 60
    assert np.abs(light - red).sum() > 60


def test_without_colour_words_nothing_changes() -> None:
    names = ["dog", "redhead", "blackbird", "cat", ""]
    np.testing.assert_array_equal(class_colours(names), class_colours(5))
    with_red = class_colours(["cat", "dog", "red cup"])
    np.testing.assert_array_equal(with_red[1], class_colours(2)[1])  # it was clear of red


def test_every_word_at_once_and_more_classes_than_colours() -> None:
    names = [f"{word} {index}" for index, word in enumerate(COLOUR_WORDS)]
    names += [f"thing {index}" for index in range(600)]
    assert class_colours(names).shape == (len(names), 3)
    assert len(class_colours([])) == 0
