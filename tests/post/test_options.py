"""Options are checked where they are made, and say what is wrong."""

from __future__ import annotations

import dataclasses

import pytest

from vlmscope.errors import BadOptionError, UnknownNameError, VlmscopeError
from vlmscope.options import change_options
from vlmscope.post import PAPER, POST_PRESETS, PostOptions


def test_the_paper_preset_is_the_published_setting() -> None:
    assert (
        PostOptions(
            smoothing="absolute",
            sigma=1.0,
            kernel=7,
            threshold="mean-all",
            keep="hull",
            surface="grid",
        )
        == PAPER
    )
    assert POST_PRESETS["paper"] is PAPER


@pytest.mark.parametrize("field", dataclasses.fields(PostOptions), ids=lambda field: field.name)
def test_every_option_has_a_help_text(field: dataclasses.Field) -> None:
    assert len(field.metadata["help"]) > 20


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sigma": -0.1}, "sigma takes a number of at least 0"),
        ({"sigma": float("nan")}, "sigma"),
        ({"sigma": True}, "sigma"),
        ({"sigma": "1"}, "sigma"),
        ({"kernel": 6}, "kernel takes an odd whole number"),
        ({"kernel": 7.0}, "kernel"),
        ({"share": 1.5}, "share takes a number from 0.0 to 1.0"),
    ],
)
def test_a_number_out_of_range_is_named(changes: dict, words: str) -> None:
    with pytest.raises(BadOptionError, match=words) as caught:
        PostOptions(**changes)
    assert isinstance(caught.value, VlmscopeError) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["smoothing", "threshold", "keep", "surface"])
def test_a_wrong_word_is_answered_with_the_right_ones(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"{name}.*Known"):
        PostOptions(**{name: "nonsense"})


def test_an_unknown_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'threshold'"):
        change_options(PAPER, {"treshold": "otsu"})
    assert change_options(PAPER, {"threshold": "otsu"}).threshold == "otsu"
