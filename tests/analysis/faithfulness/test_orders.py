"""Orders, their curves, and the regions of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made
from vlmscope.analysis.faithfulness.agreement import form_agreement
from vlmscope.analysis.faithfulness.orders import RANDOM, counts_of, measure_orders, orders_of
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.analysis.faithfulness.result import Faithfulness
from vlmscope.types import Role


@pytest.mark.parametrize(("regions", "steps"), [(16, 4), (17, 4), (9, 20), (576, 21), (2, 2)])
def test_counts_go_from_none_to_all_and_are_the_same_from_either_end(
    regions: int, steps: int
) -> None:
    counts = counts_of(regions, steps)
    assert counts[0] == 0 and counts[-1] == regions
    assert np.array_equal(counts[::-1], regions - counts)
    assert np.all(np.diff(counts) > 0) and len(counts) >= min(regions, steps) + 1


def test_orders_go_down_the_map_and_ties_are_drawn() -> None:
    weights = {"map": np.array([0.0, 3.0, 1.0, 2.0]), "tied": np.repeat([1.0, 0.0], 50)}
    assert orders_of({"map": weights["map"]}, 0)["map"].tolist() == [1, 3, 2, 0]
    tied = orders_of({"tied": weights["tied"]}, 0)["tied"]
    assert set(tied[:50].tolist()) == set(range(50)) and tied[:50].tolist() != list(range(50))
    assert orders_of(weights | {"map": weights["tied"]}, 1)[RANDOM].tolist() != tied.tolist()


def test_what_two_orders_need_is_measured_once() -> None:
    seen: list[bytes] = []

    def needed(removals: Sequence[np.ndarray]) -> np.ndarray:
        """The answer needs region 0 and nothing else."""
        seen.extend(each.tobytes() for each in removals)
        assert not removals[0].any() and removals[1].all()
        return np.array([0.1 if each[0] else 0.9 for each in removals])

    order = np.arange(4)
    curves = measure_orders({"map": order, "reverse": order[::-1]}, counts_of(4, 4), needed)
    assert len(seen) == len(set(seen)) == 2 + 3 + 3
    assert curves["map"].deletion.tolist() == [0.9, 0.1, 0.1, 0.1, 0.1]
    assert curves["map"].insertion.tolist() == [0.1, 0.9, 0.9, 0.9, 0.9]
    assert curves["reverse"].deletion.tolist() == curves["map"].insertion[::-1].tolist()
    assert curves["reverse"].insertion.tolist() == curves["map"].deletion[::-1].tolist()


def test_areas_are_those_of_trapezoids_by_hand() -> None:
    orders = {"deletion": [1.0, 0.5, 0.0], "insertion": [0.0, 1.0, 1.0]}
    record = {"removed": [0, 0.25, 1], "forms": {"tokens": {"orders": {"map": orders}}}}
    result = Faithfulness({"model": "m"}, (record,))
    assert result.areas("map", "tokens", "deletion")[0] == pytest.approx(0.1875 + 0.1875)
    assert result.gaps("map", "tokens")[0] == pytest.approx(0.125 + 0.75 - 0.375)


def test_agreement_of_forms() -> None:
    gaps = np.array([0.1, 0.4, -0.2, 0.9, 0.5])
    same = form_agreement("map", gaps, gaps**3)
    assert same.rank is not None and same.rank.value == pytest.approx(1)
    turned = form_agreement("map", gaps, -gaps)
    assert turned.rank is not None and turned.rank.value == pytest.approx(-1)
    assert same.same_sign.value == 1 and turned.same_sign.value == 0
    assert form_agreement("map", gaps, np.zeros(5)).rank is None


@pytest.mark.parametrize("size", [(60, 90), (90, 41), (64, 64)])
@pytest.mark.parametrize("name", ["llava-next", "internvl", "smolvlm", "qwen2.5-vl", "llava"])
def test_every_pixel_and_every_image_token_has_a_region(name: str, size: tuple[int, int]) -> None:
    model = made(name)
    pixels = np.zeros((*size, 3), dtype=np.uint8)
    token_map = vs.token_map(model, pixels, "what", preset=model.family.presets[0])
    regions = Regions.of(token_map)
    everything = np.ones(len(regions), dtype=bool)
    assert regions.tokens(everything) == tuple(np.flatnonzero(token_map.roles == Role.IMAGE))
    assert regions.pixels(everything).all() and regions.pixels(everything).shape == size
    parts = [regions.pixels(each) for each in np.eye(len(regions), dtype=bool)]
    assert (np.sum(parts, axis=0) == 1).all()
    for view in token_map.views:  # a token goes with the region that its centre lies in
        for position, (x0, y0, x1, y1) in zip(view.positions, view.boxes, strict=True):
            y, x = int((y0 + y1) / 2), int((x0 + x1) / 2)
            if (y0 + y1) / 2 < size[0] and (x0 + x1) / 2 < size[1] and min(y0 + y1, x0 + x1) > 0:
                owner = int(regions.owners[np.flatnonzero(regions.positions == position)[0]])
                assert parts[owner][max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
