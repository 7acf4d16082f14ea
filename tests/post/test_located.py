"""What a located phrase says of itself, and how much attention lies inside a mask."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, view_over
from vlmscope.post import PostOptions, attention_share, locate

PLAIN = PostOptions(smoothing="none")
FOUR = map_of((20, 20), [view_over((0, 0, 20, 20), (2, 2))])
"""Cells of 10 x 10 pixels."""


def test_a_located_phrase_is_the_region_of_the_averaged_maps() -> None:
    located = locate(FOUR, [[0.0, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0, 1.0]], PLAIN)
    assert located.weights.tolist() == [0.0, 1.5, 0.0, 0.5]  # of mean 0.5: above it lies one cell
    assert located.box == (10.0, 0.0, 20.0, 10.0) and located.point == (15.0, 5.0)
    assert located.mask.sum() == 100 and located.mask[:10, 10:].all()
    assert located.record == {"threshold": 0.5, "components": 1, "surface": "grid"}


def test_its_pictures_are_those_of_the_averaged_map() -> None:
    located = locate(FOUR, [0.0, 1.5, 0.0, 0.5], PLAIN)
    assert located.score_map.tolist() == [[0.0, 1.5], [0.0, 0.5]]
    assert located.heatmap[[0, 0, 19, 19], [0, 19, 0, 19]].tolist() == pytest.approx(
        [0.0, 1.0, 0.0, 1 / 3]
    )
    assert located.heatmap is located.heatmap


def test_attention_inside_a_mask_counts_cells_by_their_share() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:10, 5:] = True  # half of the first cell, all of the second
    share = attention_share(FOUR, np.array([0.2, 0.3, 0.1, 0.1]), mask)
    assert share == pytest.approx(0.1 + 0.3) and type(share) is float
