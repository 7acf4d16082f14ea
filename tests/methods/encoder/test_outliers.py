"""Outliers among patches: the factor against its definition, the repair by neighbours."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vlmscope.methods.encoder.outliers import local_outlier_factors, outliers, repaired


def by_definition(points: Tensor, k: int) -> list[float]:
    """Breunig et al. 2000, definitions 3 to 7, point by point."""
    n = len(points)
    distance = [[math.dist(a, b) for b in points.tolist()] for a in points.tolist()]
    order = [sorted(set(range(n)) - {i}, key=lambda j, i=i: distance[i][j])[:k] for i in range(n)]
    reach = [distance[i][order[i][-1]] for i in range(n)]
    density = [k / sum(max(reach[j], distance[i][j]) for j in order[i]) for i in range(n)]
    return [sum(density[j] for j in order[i]) / k / density[i] for i in range(n)]


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_factor_is_the_definition(k: int) -> None:
    torch.manual_seed(0)
    points = torch.randn(2, 14, 3)
    found = local_outlier_factors(points, k)
    for item in range(2):
        assert found[item].tolist() == pytest.approx(by_definition(points[item], k), rel=1e-4)


def test_the_programs_factor_is_the_ratio_of_squared_reaches() -> None:
    points = torch.tensor([[[0.0], [1.0], [3.0], [10.0]]])
    # last of two neighbours: 0 -> 3, 1 -> 2, 3 -> 3, 10 -> 9
    squares = [9.0, 4.0, 9.0, 81.0]
    near = [(1, 2), (0, 2), (1, 0), (2, 1)]
    expected = [sum(squares[i] / squares[j] for j in near[i]) / 2 for i in range(4)]
    assert local_outlier_factors(points, 2, "own")[0].tolist() == pytest.approx(expected)


def test_more_neighbours_than_patches_are_all_of_them() -> None:
    torch.manual_seed(1)
    points = torch.randn(1, 6, 2)
    assert torch.equal(local_outlier_factors(points, 30), local_outlier_factors(points, 5))


@pytest.mark.parametrize("factor", ["own", "lof"])
def test_patches_that_are_all_the_same_have_no_outlier(factor: str) -> None:
    same = torch.ones(2, 9, 4)
    assert not outliers(same, 0.1, 3, factor).any()


@pytest.mark.parametrize("factor", ["own", "lof"])
def test_the_odd_one_out_is_found_in_each_image(factor: str) -> None:
    torch.manual_seed(2)
    points = torch.randn(2, 20, 3)
    points[0, 7] += 30
    points[1, 2] -= 30
    found = outliers(points, 0.05, 5, factor)
    assert found.nonzero().tolist() == [[0, 7], [1, 2]]
    assert not outliers(points, 0.0, 5, factor).any()


def test_a_single_patch_is_no_outlier() -> None:
    assert outliers(torch.ones(1, 1, 2), 0.5, 30, "own").tolist() == [[False]]


def test_an_outlier_becomes_the_mean_of_what_is_around_it() -> None:
    grid = (3, 4)
    values = torch.arange(12.0)[None, :, None]
    lost = torch.zeros(1, 12, dtype=torch.bool)
    lost[0, [0, 5, 6]] = True
    found = repaired(values, lost, grid)[0, :, 0].tolist()
    assert found[0] == pytest.approx((1 + 4) / 2)
    assert found[5] == pytest.approx((1 + 2 + 4 + 8 + 9 + 10) / 6)
    assert found[6] == pytest.approx((1 + 2 + 3 + 7 + 9 + 10 + 11) / 7)
    assert [found[i] for i in range(12) if i not in (0, 5, 6)] == [
        float(i) for i in range(12) if i not in (0, 5, 6)
    ]


def test_an_outlier_among_outliers_stays() -> None:
    values = torch.arange(4.0)[None, :, None]
    lost = torch.tensor([[True, True, False, False]])
    assert repaired(values, lost, (1, 4))[0, :, 0].tolist() == [0.0, 2.0, 2.0, 3.0]
