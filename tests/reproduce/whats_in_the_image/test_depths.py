"""Layers by relative depth."""

from __future__ import annotations

import pytest

from vlmscope.reproduce.whats_in_the_image.depths import layers_between
from vlmscope.reproduce.whats_in_the_image.paper import LLAVA_WINDOW, LOCALISED, QUARTER


@pytest.mark.parametrize(
    ("depth", "share", "expected"),
    [
        (80, QUARTER, range(20, 40)),
        (32, QUARTER, range(8, 16)),
        (32, LLAVA_WINDOW, range(4, 20)),
        (6, QUARTER, range(2, 3)),  # 1.5 is nearer to neither border: up
        (1, (0.5, 0.6), range(1)),
        (2, (0.9, 1.0), range(1, 2)),
        (6, (0.0, 1.0), range(6)),
    ],
)
def test_the_first_is_in_and_the_last_is_out(
    depth: int, share: tuple[float, float], expected: range
) -> None:
    assert layers_between(depth, *share) == tuple(expected)


def test_the_papers_ranges_are_tens_of_its_layers() -> None:
    ranges = [layers_between(80, *share) for share, _ in LOCALISED]
    assert ranges == [tuple(range(first, first + 10)) for first in range(0, 50, 10)]
