"""An explanation of a served model's answer as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vlmscope.markup import Table

if TYPE_CHECKING:
    from vlmscope.analysis.endpoint.result import EndpointExplanation

__all__ = ["EXPLANATION_COLUMNS", "explanation_rows", "explanation_table", "token_table"]

EXPLANATION_COLUMNS = (
    "log-probability: of the followed tokens on the unchanged picture, in nats; largest drop: what hiding a "
    "single window takes from it; noise: by how much the unchanged picture differs from itself; peak: the "
    "cell whose hiding costs most; gap: insertion less deletion of the map, over random: less the mean of "
    "that of random orders."
)
"""What the columns of :func:`explanation_table` hold."""


def explanation_table(result: EndpointExplanation) -> Table:
    """Columns and one row."""
    columns = ["answer", "log-probability", "largest drop", "noise", "peak", "gap", "over random"]
    point = result.point
    curves = result.curves
    score = None if curves is None else curves.score("occlusion")
    row: list[object] = [
        result.answer,
        result.logprob,
        result.effect,
        result.noise,
        None if point is None else f"({point[0]:.0f}, {point[1]:.0f})",
        None if score is None else f"{score.gap.value:+.3f}",
        None if score is None or score.over_random is None else f"{score.over_random.value:+.3f}",
    ]
    return columns, [row]


def token_table(result: EndpointExplanation) -> Table:
    """Columns and rows: the answer's tokens on the unchanged picture."""
    rows: list[list[object]] = [
        [
            text,
            None if np.isnan(value) else float(value),
            "yes" if index in result.followed else "no",
        ]
        for index, (text, value) in enumerate(zip(result.tokens, result.clean, strict=True))
    ]
    return ["token", "log-probability", "followed"], rows


def explanation_rows(result: EndpointExplanation) -> list[dict[str, object]]:
    """One flat record per cell of the map."""
    return [
        {"row": row, "column": column, "drop": float(result.map[row, column])}
        for row, column in np.ndindex(*result.map.shape)
    ]
