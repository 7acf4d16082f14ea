"""What iterations do, against loops over tokens; and that GEM itself does the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vlmscope.data.datasets import Dataset
from vlmscope.methods.encoder.gem import GemOptions, _smoothed
from vlmscope.methods.encoder.tower import tokens_of_methods
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem.images import Lens
from vlmscope.reproduce.gem.iterating import (
    JOINED,
    MEASURES,
    Watch,
    clusters,
    effective_clusters,
    smoothed,
    spread,
)
from vlmscope.reproduce.gem.objects import cell_classes


def vectors(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.manual_seed(5)), dim=-1)


def test_an_iteration_is_a_softmax_average_of_unit_vectors() -> None:
    p, t = torch.randn(1, 2, 4, 3, generator=torch.manual_seed(0)), 3.0
    for head in range(2):
        unit = [row / row.norm() for row in p[0, head]]
        for step in smoothed(p, torch.tensor([t])):
            assert torch.allclose(step[0, head], torch.stack(unit), atol=1e-6)
            weights = [[math.exp(t * float(a @ b)) for b in unit] for a in unit]
            mixed = [
                sum(w / sum(row) * b for w, b in zip(row, unit, strict=True)) for row in weights
            ]
            unit = [row / row.norm() for row in mixed]


def test_gem_smooths_in_the_same_way() -> None:
    p, temperature = torch.randn(1, 3, 7, 4, generator=torch.manual_seed(1)), torch.tensor([2.5])
    steps = smoothed(p, temperature)
    for times, step in enumerate(steps):
        options = GemOptions(iterations=times)
        assert torch.allclose(
            _smoothed(p, torch.empty_like(p), options, temperature), step, atol=1e-6
        )


def test_spread_is_one_less_the_mean_cosine() -> None:
    unit = vectors(6, 4)
    cosines = [float(a @ b) for a in unit for b in unit]
    assert float(spread(unit)) == pytest.approx(1 - np.mean(cosines))
    assert float(spread(unit[:1].expand(5, 4))) == pytest.approx(0, abs=1e-6)


def test_effective_clusters_count_equal_clusters_at_right_angles() -> None:
    unit = vectors(6, 4)
    squares = sum(float(a @ b) ** 2 for a in unit for b in unit)
    assert float(effective_clusters(unit)) == pytest.approx(36 / squares)
    three = torch.eye(5)[[0, 0, 1, 1, 2, 2]]
    assert float(effective_clusters(three)) == pytest.approx(3)


def test_clusters_are_joined_through_others() -> None:
    angle = math.acos(JOINED) * 0.9
    chain = torch.tensor([[math.cos(i * angle), math.sin(i * angle)] for i in (0, 1, 2, 5, 6, 9)])
    assert float(chain[0] @ chain[2]) < JOINED
    assert sorted(clusters(chain)) == [1, 2, 3]


def naive_sizes(unit: torch.Tensor) -> list[int]:
    """Clusters by walking from neighbour to neighbour."""
    left, sizes = set(range(len(unit))), []
    while left:
        reached, edge = set(), [left.pop()]
        while edge:
            here = edge.pop()
            reached.add(here)
            near = {other for other in left if float(unit[here] @ unit[other]) >= JOINED}
            left -= near
            edge += near
        sizes.append(len(reached))
    return sizes


def test_the_watch_sees_the_original_path(encoder: DualEncoder, lens: Lens, data: Dataset) -> None:
    sample = data.load(data.image_ids[0])
    fitted = encoder.fit(sample.image.pixels, lens.side, keep_ratio=False)
    assert sample.labels is not None
    cells = cell_classes(fitted.token_map, sample.labels)
    watch = Watch(lens.depth, cells)
    tokens_of_methods(encoder, fitted.values, fitted.grid, [(watch, None)])

    x = encoder.family.embed(encoder.hf, fitted.values, fitted.grid)
    moving, temperatures = [], []
    with encoder.frozen():
        for number, block in enumerate(encoder.blocks):
            normed = block.norm1(x)
            qkv = block.project(normed)
            if number >= len(encoder.blocks) - lens.depth:
                lengths = [float(row.norm()) for row in normed[0]]
                temperatures.append(np.mean(lengths) * block.scale)
                t = torch.tensor([temperatures[-1]], dtype=torch.float32)
                steps = [smoothed(p, t) for p in (qkv.q, qkv.k, qkv.v)]
                moving.append([[float(spread(u[0, :, 1:]).mean()) for u in p] for p in steps])
            x = block.forward(x, qkv)
    measured = watch.by_iteration()
    assert tuple(measured) == MEASURES
    assert watch.temperatures == pytest.approx(temperatures, rel=1e-5)
    assert np.allclose(measured["spread"], np.mean(moving, axis=0), atol=1e-5)
    heads = steps[2][2][0, :, 1:]  # v-v of the last block after two iterations
    sizes = [naive_sizes(head) for head in heads]
    assert measured["clusters"][2][2] == pytest.approx(np.mean([len(each) for each in sizes]))
    largest = np.mean([max(each) / len(cells) for each in sizes])
    assert measured["largest"][2][2] == pytest.approx(largest)
