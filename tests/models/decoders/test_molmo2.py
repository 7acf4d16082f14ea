"""Molmo 2's tokens along one axis: patches pooled from the middle, worked out by hand."""

from __future__ import annotations

import pytest

from vlmscope.models.decoders.molmo2 import pooled_edges


@pytest.mark.parametrize(
    ("patches", "pool", "edges"),
    [
        (4, 2, [0, 2, 4]),
        (7, 2, [0, 2, 4, 6, 7]),  # the one that is missing lies behind
        (7, 3, [0, 2, 5, 7]),  # one before and one behind
        (2, 4, [0, 2]),
    ],
)
def test_patches_that_are_missing_lie_on_both_sides(
    patches: int, pool: int, edges: list[int]
) -> None:
    assert pooled_edges(patches, pool).tolist() == edges
