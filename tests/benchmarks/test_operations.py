"""The operations that a benchmark counts by formula are those that the methods run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


@pytest.fixture(scope="module")
def dense() -> Iterator[Any]:
    """The module of the benchmark; its neighbours are imported by name."""
    sys.path.insert(0, BENCHMARKS)
    try:
        yield importlib.import_module("dense")
    finally:
        sys.path.remove(BENCHMARKS)


def test_counts_are_those_of_torch(dense: Any) -> None:
    """By explicit matrices, for torch counts no fast kernel.

    A hundredth is left for queries that a block projects and a method does not take.
    """
    towers, operations = (importlib.import_module(each) for each in ("vision_towers", "operations"))
    tower = towers.SMALLEST
    encoder = towers.build(tower)
    values = torch.randn(1, 3, tower.side, tower.side)
    for method in dense.dense_methods(encoder):
        with FlopCounterMode(display=False) as counter:
            dense.plain_tokens(encoder, values, tower, method)
        counted = operations.method_operations(tower, method.id)
        assert counter.get_total_flops() == pytest.approx(counted, rel=0.01), method.id
