"""The object of a sample on the token grid, and what cannot be a target."""

from __future__ import annotations

import numpy as np
import pytest

from handmade import map_of, scene, view_over
from vlmscope.data.samples import read_sample
from vlmscope.data.targets import Target, target_of
from vlmscope.errors import BadSampleError
from vlmscope.post import peak

IMAGE, _ = scene(0)


def test_a_mask_gives_its_tight_box() -> None:
    mask = np.zeros((64, 64), dtype=bool)
    mask[10:20, 30:31] = True
    target = target_of(read_sample(0, (IMAGE, "a", mask)), (64, 64))
    assert target.box == (30.0, 10.0, 31.0, 20.0)


def test_hits_are_cells_whose_visible_middle_lies_inside() -> None:
    token_map = map_of((64, 128), [view_over((0, -32, 128, 96), (4, 4))], "pad")
    hits = Target((0.0, 0.0, 40.0, 20.0)).hits(token_map).reshape(4, 4)
    assert hits.tolist() == [[False] * 4, [True, False, False, False], [False] * 4, [False] * 4]


def test_hits_agree_with_the_point_that_grounding_gives() -> None:
    token_map = map_of((50, 90), [view_over((0, -20, 90, 70), (6, 6))], "pad")
    target = Target((11.0, 7.0, 60.0, 33.0))
    hits = target.hits(token_map)
    for token in range(36):
        x, y = peak(token_map, np.eye(36)[token]) or (-1.0, -1.0)
        assert hits[token] == (11 <= x < 60 and 7 <= y < 33)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((IMAGE, "a"), "neither box nor mask"),
        ((IMAGE, "a", np.ones((64, 65), dtype=bool)), "65 wide and 64 high, the image 64 and 64"),
        ((IMAGE, "a", (70, 0, 80, 10)), "outside the image"),
        ((IMAGE, "a", (-9, 0, 0, 10)), "outside the image"),
    ],
)
def test_what_cannot_be_a_target_is_refused(row: tuple, words: str) -> None:
    with pytest.raises(BadSampleError, match=words):
        target_of(read_sample(0, row), (64, 64))
