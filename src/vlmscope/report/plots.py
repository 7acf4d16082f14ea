"""Plots as blocks that the viewer draws; they are legible without telling colours apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from vlmscope.stats import Interval
from vlmscope.viewer import blocks
from vlmscope.viewer.blocks import Block

__all__ = ["Series", "curves", "head_map"]


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        name: for the legend.
        values: one per place on the x axis, with its interval; NaN leaves a gap.
    """

    name: str
    values: Sequence[Interval]


def curves(
    series: Sequence[Series],
    *,
    x: Sequence[float] | None = None,
    x_label: str = "layer",
    y_label: str = "",
    title: str = "",
    span: tuple[float, float] | None = None,
    x_scale: str = "linear",
) -> Block:
    """Curves with shaded intervals.

    Args:
        series: what is drawn.
        x: places on the x axis; default: 0, 1, 2 ...
        x_label, y_label, title: words.
        span: (from, to) on the x axis that is shaded, for the layers that matter.
        x_scale: ``linear``, or ``log`` for places that are factors of each other.
    """
    named = [(each.name, [(v.value, v.low, v.high) for v in each.values]) for each in series]
    return blocks.curves(
        named, x=x, x_label=x_label, y_label=y_label, title=title, span=span, x_scale=x_scale
    )


def head_map(
    values: ArrayLike, *, title: str = "", label: str = "", marked: Sequence[tuple[int, int]] = ()
) -> Block:
    """A map over layers and heads.

    Args:
        values: float (layers, heads).
        title: above it.
        label: what the colour means.
        marked: (layer, head) pairs with a ring around them.
    """
    return blocks.head_map(values, title=title, label=label, marked=marked)
