"""Attention flow as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlmscope.attention.shares import SOURCES, TARGETS

if TYPE_CHECKING:
    from vlmscope.analysis.flow.result import AttentionFlow

__all__ = ["FLOW_COLUMNS", "flow_table", "present"]

FLOW_COLUMNS = (
    "share: of what rows of the first column read, how much goes to keys of the second, mean over "
    "layers and heads; of tokens: how many of all tokens these keys are; peak: the largest share of a "
    "layer, and in which layer."
)
"""What the columns of :func:`flow_table` hold."""


def flow_table(flow: AttentionFlow) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: per target and source the share over all layers, and where the peak is."""
    columns = ["rows of", "keys of", "share", "of tokens", "peak", "in layer"]
    rows: list[list[object]] = []
    for target in present(flow):
        for source in SOURCES:
            curve = flow.layer_curve(target, source)
            values = {layer: curve[layer].value for layer in flow.row_layers}
            peak = max(values, key=values.__getitem__)
            mean = sum(values.values()) / len(values)
            rows.append([target, source, mean, flow.token_share(source), values[peak], peak])
    return columns, rows


def present(flow: AttentionFlow) -> Sequence[str]:
    """Targets that some sample has rows of."""
    return [
        target
        for target in TARGETS
        if not all(math.isnan(each.value) for each in flow.layer_curve(target, "image"))
    ]
