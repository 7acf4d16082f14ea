"""A grounded caption: what is written in it can be read."""

from __future__ import annotations

import numpy as np
import pytest

from vlmscope.analysis.tokens.picture import captioned
from vlmscope.results import Grounding


def grounding(phrase: str, box: tuple[float, float, float, float]) -> Grounding:
    """One phrase with a box on a picture of 400 x 400."""
    flat = np.zeros((400, 400), np.float32)
    return Grounding(
        phrase=phrase,
        method="m",
        model="m",
        image=np.zeros((400, 400, 3), np.uint8),
        heatmap=flat,
        score_map=flat[:4, :4],
        mask=flat > 1,
        box=box,
        point=(1.0, 1.0),
        score=0.5,
        seen=(0.0, 0.0, 400.0, 400.0),
    )


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """Contrast ratio of two colours (WCAG 2.2), 1..21."""
    both = []
    for colour in (one, other):
        part = np.asarray(colour, float) / 255
        linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
        both.append(float(linear @ (0.2126, 0.7152, 0.0722)))
    return (max(both) + 0.05) / (min(both) + 0.05)


@pytest.mark.parametrize("number", range(1, 13))
def test_the_number_of_every_box_can_be_read(number: int) -> None:
    words = [f"thing{index}" for index in range(1, number + 1)]
    # the last box stands alone; those before it share a far corner
    boxes = [(300.0, 300.0, 390.0, 390.0)] * (number - 1) + [(100.0, 100.0, 200.0, 200.0)]
    found = [grounding(word, box) for word, box in zip(words, boxes, strict=True)]
    picture = captioned(np.full((400, 400, 3), 128, np.uint8), " ".join(words), found)
    tag = np.asarray(picture)[78:92, 104:113].reshape(-1, 3)
    ground = np.asarray(picture)[75, 102]
    assert max(contrast(ground, each) for each in tag) > 3.0  # WCAG, graphics and large letters
