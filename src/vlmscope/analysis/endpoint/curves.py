"""Insertion and deletion of a map that was asked of an endpoint, by the curves of faithfulness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.endpoint.answer import Scores
from vlmscope.analysis.endpoint.follow import Followed
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.faithfulness.orders import counts_of, measure_orders, orders_of
from vlmscope.analysis.faithfulness.regions import Regions

__all__ = ["NAME", "curve_points", "curves_of"]

NAME = "occlusion"
"""Of the map, beside the random order."""

Hidden = NDArray[np.bool_]


def curve_points(regions: int, options: ExplainOptions) -> int:
    """Pictures that the curves take at most, without the whole one."""
    inner = len(counts_of(regions, options.steps)) - 2
    return 2 * 2 * inner + 1 if options.curves else 0


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

    curves = measure_orders(orders_of({NAME: cells}, options.seed), counts, probabilities)
    orders = {
        name: {"deletion": each.deletion.tolist(), "insertion": each.insertion.tolist()}
        for name, each in curves.items()
    }
    record = {
        "followed": len(followed.tokens),
        "regions": len(regions),
        "removed": (counts / len(regions)).tolist(),
        "forms": {"pixels": {"orders": orders, "rows_run": len(more), "rows_plain": len(more)}},
    }
    return record, more
