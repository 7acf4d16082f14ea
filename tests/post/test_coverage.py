"""How much of a cell an object covers: against painting cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handmade import map_of, view_over
from vlmscope.post import box_coverage, mask_coverage, visible_areas
from vlmscope.types import TokenMap, View


def test_a_box_covers_shares_of_cells(padded: TokenMap) -> None:
    found = box_coverage(padded, (25.0, 0.0, 62.5, 12.5)).reshape(8, 8)
    expected = np.zeros((8, 8))
    expected[2, 1:3] = (0.5, 0.25)  # the row at 0..25; half of its height
    np.testing.assert_allclose(found, expected)


def test_areas_are_of_the_visible_part(padded: TokenMap) -> None:
    areas = visible_areas(padded).reshape(8, 8)
    assert areas.sum() == pytest.approx(100 * 200)
    assert not areas[:2].any() and not areas[6:].any()
    assert (areas[2:6] == 625).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_mask_and_box_agree_on_rectangles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    token_map = map_of((61, 43), [view_over((-3.7, -9.2, 46.1, 61), (7, 5))], "pad")
    x0, y0 = int(rng.integers(0, 40)), int(rng.integers(0, 58))
    x1, y1 = int(rng.integers(x0 + 1, 44)), int(rng.integers(y0 + 1, 62))
    mask = np.zeros((61, 43), dtype=bool)
    mask[y0:y1, x0:x1] = True
    box = (float(x0), float(y0), float(x1), float(y1))
    np.testing.assert_allclose(
        mask_coverage(token_map, mask), box_coverage(token_map, box), atol=1e-9
    )


def test_attention_inside_a_mask_is_what_painting_it_gives(cropped: TokenMap) -> None:
    rng = np.random.default_rng(0)
    weights, mask = rng.random(64), rng.random((100, 200)) > 0.7
    painted = cropped.to_pixels(weights, "density")
    assert weights @ mask_coverage(cropped, mask) == pytest.approx(painted[mask].sum(), rel=1e-5)


def test_everything_covers_every_visible_cell(padded: TokenMap, tiled: TokenMap) -> None:
    for token_map in (padded, tiled):
        found = mask_coverage(token_map, np.ones(token_map.image_size, dtype=bool))
        np.testing.assert_allclose(found, visible_areas(token_map) > 0)


@given(seed=st.integers(0, 10_000), sides=st.tuples(st.integers(1, 40), st.integers(1, 40)))
@settings(max_examples=60, deadline=None)
def test_sums_of_the_rows_that_are_needed_are_those_of_all(
    seed: int, sides: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    height, width = sides
    y_edges = np.sort(rng.uniform(-4, height + 4, rng.integers(2, 9)))
    x_edges = np.sort(rng.uniform(-4, width + 4, rng.integers(2, 9)))
    mask = rng.random(sides) < rng.random()
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    rows = _in_between(sums, y_edges)
    corners = _in_between(rows.T, x_edges).T
    areas = np.diff(np.diff(corners, axis=0), axis=1).ravel()
    cells = (len(y_edges) - 1) * (len(x_edges) - 1)
    tokens = map_of(sides, [View("image", np.arange(cells), y_edges, x_edges)])
    whole = visible_areas(tokens)
    expected = np.divide(areas, whole, out=np.zeros_like(whole), where=whole > 0)
    assert mask_coverage(tokens, mask).tobytes() == expected.tobytes()


def _in_between(sums: np.ndarray, edges: np.ndarray) -> np.ndarray:
    places = np.clip(edges, 0, len(sums) - 1)
    low = np.minimum(places.astype(int), len(sums) - 2)
    share = (places - low)[:, None]
    return sums[low] * (1 - share) + sums[low + 1] * share
