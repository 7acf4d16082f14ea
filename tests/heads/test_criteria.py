"""The two criteria, against slow and plain versions, and the known faults of public code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label

from handmade import map_of, view_over
from vlmscope.heads.criteria import attention_sums, bottom_row_lit, elbow, spatial_entropies
from vlmscope.types import TokenMap


def _over(rows: int, columns: int) -> TokenMap:
    return map_of(
        (rows * 8, columns * 8), [view_over((0, 0, columns * 8, rows * 8), (rows, columns))]
    )


def _slow_entropy(grid: np.ndarray, weigh: str) -> float:
    """The definition, one map and one component at a time."""
    excess = grid.astype(np.float64) - grid.astype(np.float64).mean()
    labels, count = label(excess > 1e-6 * grid.max(), structure=np.ones((3, 3)))
    if count == 0:
        return float("inf")
    weights = np.ones_like(excess) if weigh == "area" else excess
    sizes = np.array([weights[labels == number].sum() for number in range(1, count + 1)])
    shares = sizes / sizes.sum()
    assert shares.sum() == pytest.approx(1)
    return float(-(shares * np.log(shares)).sum())


def test_sums_are_over_the_image_tokens() -> None:
    maps = np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.5]], dtype=np.float32)
    np.testing.assert_allclose(attention_sums(maps), [0.6, 0.5], rtol=1e-6)


def test_elbow_is_the_value_farthest_from_the_chord() -> None:
    values = [0.05, 0.06, 0.07, 0.08, 0.1, 0.5, 0.9, 1.0]
    assert elbow(values) == 0.1
    assert elbow(values[::-1]) == 0.1


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ([0.0, 0.1, 1.0], 0.1),  # three are enough to bend
        ([0.0, 1.0, 1.0], 1.0),
        ([0.0, 0.0, 0.1, 1.0], 0.1),
        ([0.0, 0.4, 0.5, 1.0], 0.5),  # the chord goes from the first to the last
    ],
)
def test_elbow_of_few_values(values: list[float], value: float) -> None:
    assert elbow(values) == value


def test_elbow_equals_the_perpendicular_distance_of_the_definition() -> None:
    curve = np.sort(np.random.default_rng(0).exponential(size=50))
    start, end = np.array([0, curve[0]]), np.array([49, curve[-1]])
    direction = (end - start) / np.linalg.norm(end - start)
    offsets = np.stack([np.arange(50), curve], axis=1) - start
    distances = np.abs(offsets[:, 0] * direction[1] - offsets[:, 1] * direction[0])
    assert elbow(curve) == curve[np.argmax(distances)]


def test_elbow_of_a_curve_that_bends_the_other_way() -> None:
    assert elbow([0.0, 0.8, 0.85, 0.9, 0.95, 1.0]) == 0.8


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.7], [0.4] * 6])
def test_elbow_of_nothing_to_bend_lets_every_head_pass(values: list[float]) -> None:
    assert elbow(values) == min(values)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, (3, 30), elements=st.floats(0, 1, width=32)),
    st.sampled_from(["area", "mass"]),
)
def test_entropies_equal_the_slow_definition(maps: np.ndarray, weigh: str) -> None:
    found = spatial_entropies(_over(5, 6), maps, weigh)
    expected = [_slow_entropy(one.reshape(5, 6), weigh) for one in maps]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_one_component_has_no_entropy_and_two_equal_ones_log_2() -> None:
    one, two, corner = np.zeros((3, 6, 6))
    one[2:4, 2:4] = 1
    two[0, 0] = two[5, 5] = 1
    corner[1, 1] = corner[2, 2] = 1  # 8-connected
    found = spatial_entropies(_over(6, 6), np.stack([one, two, corner]).reshape(3, -1), "area")
    np.testing.assert_allclose(found, [0, np.log(2), 0])
    assert not np.signbit(found).any()


def test_area_and_mass_weigh_components_differently() -> None:
    grid = np.zeros((6, 6))
    grid[0, 0] = 9.0
    grid[4, 4] = 1.0
    area, mass = (
        spatial_entropies(_over(6, 6), grid.reshape(1, -1), kind)[0] for kind in ("area", "mass")
    )
    assert area == pytest.approx(np.log(2))
    assert mass == pytest.approx(_slow_entropy(grid, "mass")) and mass < 0.4


def test_fault_small_components_dropped_from_the_parts_but_not_from_the_sum() -> None:
    grid = np.zeros((8, 8))
    grid[0:4, 0:4] = 1.0
    for cell in ((6, 1), (6, 3), (6, 5), (1, 6)):
        grid[cell] = 1.0  # single cells: some code leaves them out of the components only
    shares = np.array([16, 1, 1, 1, 1]) / 20
    found = spatial_entropies(_over(8, 8), grid.reshape(1, -1), "area")[0]
    assert found == pytest.approx(-(shares * np.log(shares)).sum())
    kept_only = np.array([16]) / 20
    assert found != pytest.approx(-(kept_only * np.log(kept_only)).sum())


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 576, 0.1, 1 / 3])
@pytest.mark.parametrize("weigh", ["area", "mass"])
def test_a_uniform_map_has_no_entropy_not_the_lowest(value: float, weigh: str) -> None:
    maps = np.full((2, 35), np.float32(value))
    assert np.isinf(spatial_entropies(_over(5, 7), maps, weigh)).all()


@pytest.mark.parametrize("weigh", ["area", "mass"])
def test_the_rounding_of_a_softmax_is_no_component(weigh: str) -> None:
    noise = 1 + 1e-7 * np.random.default_rng(0).standard_normal((2, 35))
    assert np.isinf(spatial_entropies(_over(5, 7), noise / 35, weigh)).all()


def test_what_is_rounding_goes_by_the_size_of_each_heads_own_map() -> None:
    tiny, noisy, little = np.zeros((3, 6, 6))
    tiny[0, 0] = tiny[5, 5] = 1e-9  # as small as the rounding of a map of ones, but all there is
    noisy[:] = 1.0
    noisy[0, 0], noisy[5, 5] = 2.0, 0.0
    noisy[3, 3] += 1e-7  # above the mean, 1, by rounding alone
    little[0, 0], little[5, 5] = 1e-3, 2e-3  # under the mean when all are added, not by its own
    maps = np.stack([tiny, noisy, little]).reshape(3, -1)
    area = spatial_entropies(_over(6, 6), maps, "area")
    np.testing.assert_allclose(area, [np.log(2), 0, np.log(2)])
    mass = spatial_entropies(_over(6, 6), maps, "mass")
    np.testing.assert_allclose(mass, spatial_entropies(_over(6, 6), 1e6 * maps, "mass"))
    assert mass[2] == pytest.approx(_slow_entropy(little, "mass"))


@pytest.mark.parametrize("weigh", ["area", "mass"])
def test_every_head_has_an_entropy_also_when_the_last_is_flat(weigh: str) -> None:
    maps = np.zeros((3, 12))
    maps[1, 0] = 1.0
    assert spatial_entropies(_over(4, 3), maps, weigh).tolist() == [np.inf, 0, np.inf]


def test_half_precision_is_measured_in_double() -> None:
    maps = np.full((1, 12), 1 + 2**-10, dtype=np.float16)
    maps[0, 0] = 1  # the mean lies between two neighbours in half precision
    assert attention_sums(maps).tolist() == [12 + 11 / 1024]
    steps = np.array([0, 14, 24, 28])  # 14 / 3 and 16 / 3 from the chord; 5 both when it is rounded
    assert elbow((1 + steps / 1024).astype(np.float16)) == 1 + 24 / 1024
    assert bottom_row_lit(_over(4, 3), maps).tolist() == [True]
    assert spatial_entropies(_over(4, 3), maps, "area").tolist() == [0]


def test_fault_square_grid_assumed_from_the_number_of_tokens() -> None:
    # 4 x 9 = 36 tokens; as 6 x 6 the same tokens fall into other components
    grid = np.zeros((4, 9))
    grid[:, 4] = 1.0  # one column
    token_map = _over(4, 9)
    assert spatial_entropies(token_map, grid.reshape(1, -1), "area")[0] == 0
    assert spatial_entropies(_over(6, 6), grid.reshape(1, -1), "area")[0] > 0.5
    assert spatial_entropies(_over(2, 7), np.eye(14)[:1], "area")[0] == 0  # 14 is no square at all


def test_one_heads_map_never_touches_the_next() -> None:
    maps = np.zeros((2, 3, 3))
    maps[0, 0, 0] = maps[0, 2, 2] = 1.0
    maps[1, 0, 0] = 1.0
    found = spatial_entropies(_over(3, 3), maps.reshape(2, -1), "area")
    np.testing.assert_allclose(found, [np.log(2), 0])


def test_components_of_several_views_count_together() -> None:
    token_map = map_of(
        (80, 160),
        [view_over((0, 0, 80, 80), (4, 4), 0), view_over((80, 0, 160, 80), (4, 4), 16)],
    )
    maps = np.zeros((1, 32))
    maps[0, [3, 16]] = 1.0  # neighbours on the image, but each view is a grid of its own
    assert spatial_entropies(token_map, maps, "area")[0] == pytest.approx(np.log(2))


def test_bottom_row_is_found_in_any_view() -> None:
    maps = np.zeros((3, 12))
    maps[0, 11] = maps[1, 3] = 1.0
    assert bottom_row_lit(_over(4, 3), maps).tolist() == [True, False, False]
    two = map_of(
        (20, 40), [view_over((0, 0, 20, 20), (3, 2)), view_over((20, 0, 40, 20), (3, 2), 6)]
    )
    upper = np.zeros((1, 12))
    upper[0, 5] = 1.0  # bottom row of the first view
    assert bottom_row_lit(two, upper).tolist() == [True]


def test_bottom_row_of_a_uniform_map_is_not_lit() -> None:
    assert not bottom_row_lit(_over(4, 3), np.full((1, 12), np.float32(1 / 12))).any()
