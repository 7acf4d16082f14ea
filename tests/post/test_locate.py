"""What is said of an image that the model did not see as a whole."""

from __future__ import annotations

import dataclasses

import pytest

from handmade import map_of, view_over
from vlmscope.post.locate import image_cautions
from vlmscope.types import TokenMap


def shown(columns: int, placement: str) -> TokenMap:
    """An image of 1000x1000 pixels of which the model sees that many columns, from the left."""
    return map_of((1000, 1000), [view_over((0, 0, columns, 1000), (4, 4))], placement)


@pytest.mark.parametrize("placement, enough", [("resize", 951), ("pad", 951), ("crop", 996)])
def test_a_small_unseen_part_is_not_worth_a_word(placement: str, enough: int) -> None:
    """Towers drop a strip narrower than a patch of every image; a crop says so sooner."""
    assert image_cautions(shown(enough, placement)) == ()
    (caution,) = image_cautions(shown(enough - 1, placement))
    assert f"only x 0 to {enough - 1} and y 0 to 1000." in caution


def test_the_caution_says_how_much_and_what_helps() -> None:
    (resized,) = image_cautions(shown(900, "resize"))
    assert resized == ("The model did not see 10% of the image: only x 0 to 900 and y 0 to 1000.")
    (cropped,) = image_cautions(shown(900, "crop"))
    assert cropped == f"{resized} With placement='pad' it sees everything."


def test_notes_of_the_prompt_come_first() -> None:
    token_map = dataclasses.replace(shown(900, "resize"), notes=("One word is unknown.",))
    first, second = image_cautions(token_map)
    assert first == "One word is unknown." and "did not see 10%" in second
