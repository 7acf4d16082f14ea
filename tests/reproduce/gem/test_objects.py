"""Cosines within and across objects, against loops over pairs of patches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vlmscope.models.encoders.patches import grid_map
from vlmscope.reproduce.gem.objects import cell_classes, margins, within_and_across


def pairs(unit: torch.Tensor, cells: list[int]) -> tuple[float, float]:
    """Means over every ordered pair of two different labelled patches."""
    inside, outside = [], []
    for i, one in enumerate(cells):
        for j, two in enumerate(cells):
            if i != j and min(one, two) >= 0:
                (inside if one == two else outside).append(float(unit[i] @ unit[j]))
    return float(np.mean(inside)), float(np.mean(outside))


def test_means_over_pairs_are_those_of_a_loop() -> None:
    cells = [7, 7, -1, 2, 2, 2, 7, 90, -1]
    unit = F.normalize(torch.randn(9, 5, generator=torch.manual_seed(0)), dim=-1)
    found = within_and_across(unit, torch.tensor(cells))
    assert [float(each) for each in found] == pytest.approx(pairs(unit, cells))


def test_heads_are_taken_one_by_one() -> None:
    cells = torch.tensor([0, 0, 1, 1])
    heads = F.normalize(torch.randn(3, 4, 5, generator=torch.manual_seed(1)), dim=-1)
    together = torch.stack(within_and_across(heads, cells))
    alone = torch.stack([torch.stack(within_and_across(head, cells)) for head in heads], dim=1)
    assert torch.allclose(together, alone)


@pytest.mark.parametrize(
    ("cells", "lacking"),
    [([3, 3, 3], (False, True)), ([1, 2, 3], (True, False)), ([-1, -1, -1], (True, True))],
)
def test_a_mean_over_no_pair_is_nan(cells: list[int], lacking: tuple[bool, bool]) -> None:
    unit = F.normalize(torch.randn(3, 4, generator=torch.manual_seed(2)), dim=-1)
    found = within_and_across(unit, torch.tensor(cells))
    assert tuple(math.isnan(float(each)) for each in found) == lacking


def test_the_right_text_and_the_others_of_the_image() -> None:
    similarity = torch.randn(5, 4, generator=torch.manual_seed(3))
    cells = torch.tensor([0, 3, 3, -1, 2])  # class 1 is not there, and says nothing
    rows = [(i, int(c)) for i, c in enumerate(cells) if c >= 0]
    right = np.mean([float(similarity[i, c]) for i, c in rows])
    others = [np.mean([float(similarity[i, o]) for o in {0, 2, 3} - {c}]) for i, c in rows]
    assert margins(similarity, cells) == pytest.approx((right, np.mean(others)))


def test_one_class_has_no_others() -> None:
    right, others = margins(torch.tensor([[0.5, 0.1]]), torch.tensor([0]))
    assert right == 0.5 and math.isnan(others)
    assert all(map(math.isnan, margins(torch.ones(2, 2), torch.tensor([-1, -1]))))


def test_a_cell_has_the_label_at_its_middle() -> None:
    labels = np.arange(6 * 10).reshape(6, 10)
    found = cell_classes(grid_map((6, 10), (2, 5)), labels)
    middles = [(y, x) for y in (1.5, 4.5) for x in (1, 3, 5, 7, 9)]
    assert found.tolist() == [int(labels[int(y), x]) for y, x in middles]
