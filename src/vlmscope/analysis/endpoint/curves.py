"""Insertion and deletion of a map that was asked of an endpoint, by the curves of faithfulness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.endpoint.answer import Scores
from vlmscope.analysis.endpoint.follow import Followed
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.faithfulness.orders import (
    RANDOM,
    Curves,
    counts_of,
    measure_orders,
    orders_of,
)
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.analysis.faithfulness.result import area_under

__all__ = ["NAME", "curve_points", "curves_of"]

NAME = "occlusion"
"""Of the map, beside random orders."""

Hidden = NDArray[np.bool_]


def curve_points(regions: int, options: ExplainOptions) -> int:
    """Pictures that the curves take at most, without the whole one."""
    inner = len(counts_of(regions, options.steps)) - 2
    return (1 + options.draws) * 2 * inner + 1 if options.curves else 0


def curves_of(
    cells: NDArray[np.float64],
    regions: Regions,
    options: ExplainOptions,
    known: Mapping[bytes, Scores],
    measure: Callable[[Sequence[Hidden]], list[Scores]],
    followed: Followed,
) -> tuple[dict[str, Any], list[Scores]]:
    """The record of one question, as faithfulness has it, and the scores of further pictures.

    Args:
        cells: float (regions,), the map.
        regions: of the picture.
        options: steps and seed.
        known: scores by what is hidden, as bytes of bool (regions,).
        measure: scores pictures that are not known yet.
        followed: the answer's tokens.
    """
    counts = counts_of(len(regions), options.steps)
    more: list[Scores] = []

    def probabilities(removals: Sequence[Hidden]) -> NDArray[np.float64]:
        lacking = [each for each in removals if each.tobytes() not in known]
        more.extend(measure(lacking))
        found = {**known, **{a.tobytes(): b for a, b in zip(lacking, more, strict=True)}}
        return followed.probabilities([found[each.tobytes()] for each in removals])

    curves = measure_orders(_orders(cells, options), counts, probabilities)
    shares = (counts / len(regions)).tolist()
    random = [curves[name] for name in curves if name != NAME]
    orders = {NAME: _lists([curves[NAME]]), RANDOM: _lists(random)}
    record = {
        "followed": len(followed.tokens),
        "regions": len(regions),
        "removed": shares,
        "random_gaps": [_gap(each, shares) for each in random],
        "forms": {"pixels": {"orders": orders, "rows_run": len(more), "rows_plain": len(more)}},
    }
    return record, more


def _orders(cells: NDArray[np.float64], options: ExplainOptions) -> dict[str, NDArray[np.int64]]:
    """That of the map, and several that are drawn: of a single picture one may be good by chance."""
    drawn = [orders_of({NAME: cells}, options.seed + draw) for draw in range(options.draws)]
    random = {f"{RANDOM} {draw}": orders[RANDOM] for draw, orders in enumerate(drawn)}
    return {NAME: drawn[0][NAME], **random}


def _lists(curves: Sequence[Curves]) -> dict[str, list[float]]:
    """The mean of curves, as JSON values."""
    return {
        "deletion": np.mean([each.deletion for each in curves], axis=0).tolist(),
        "insertion": np.mean([each.insertion for each in curves], axis=0).tolist(),
    }


def _gap(curves: Curves, shares: list[float]) -> float:
    """Insertion less deletion."""
    ways = (curves.insertion.tolist(), curves.deletion.tolist())
    insertion, deletion = (area_under(way, shares) for way in ways)
    return insertion - deletion
