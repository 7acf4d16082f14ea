"""Plots as SVG text, legible without telling colours apart: line styles, markers, one-hue maps.

Drawn by matplotlib (the extra ``plots``) on figures of their own, never through its global state.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.errors import MissingExtraError
from vlmscope.stats import Interval

__all__ = ["Series", "curves", "head_map"]

# Okabe and Ito (2008): told apart under every common colour blindness
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_MAP = "cividis"


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        name: for the legend.
        values: one per place on the x axis, with its interval.
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
) -> str:
    """Curves with shaded intervals.

    Args:
        series: what is drawn.
        x: places on the x axis; default: 0, 1, 2 ...
        x_label, y_label, title: words.
        span: (from, to) on the x axis that is shaded, for the layers that matter.
        x_scale: ``linear``, or ``log`` for places that are factors of each other.

    Returns:
        SVG text.

    Raises:
        MissingExtraError: without matplotlib.
    """
    figure = _figure(7.6, 3.5)
    axes = figure.subplots()
    for number, each in enumerate(series):
        values = np.array([[v.value, v.low, v.high] for v in each.values], dtype=float)
        places = np.arange(len(values)) if x is None else np.asarray(x, dtype=float)
        colour = _COLOURS[number % len(_COLOURS)]
        axes.fill_between(places, values[:, 1], values[:, 2], color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            places,
            values[:, 0],
            color=colour,
            linestyle=_STYLES[number % len(_STYLES)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            linewidth=1.6,
            label=each.name,
        )
    if span is not None:
        axes.axvspan(span[0] - 0.5, span[1] + 0.5, color="#000000", alpha=0.07, linewidth=0)
    axes.set(xlabel=x_label, ylabel=y_label, title=title, xscale=x_scale)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if x is None:
        axes.xaxis.get_major_locator().set_params(integer=True)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=9)
    return _svg(figure)


def head_map(
    values: ArrayLike, *, title: str = "", label: str = "", marked: Sequence[tuple[int, int]] = ()
) -> str:
    """A map over layers and heads.

    Args:
        values: float (layers, heads).
        title: above it.
        label: what the colour means.
        marked: (layer, head) pairs with a ring around them.

    Returns:
        SVG text.

    Raises:
        MissingExtraError: without matplotlib.
    """
    grid: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    layers, heads = grid.shape
    figure = _figure(min(9.0, 2.4 + 0.24 * heads), min(8.0, 1.5 + 0.2 * layers))
    axes = figure.subplots()
    picture = axes.imshow(grid, cmap=_MAP, aspect="auto", interpolation="nearest")
    axes.set(xlabel="head", ylabel="layer", title=title)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(integer=True)
    for layer, head in marked:
        axes.plot(head, layer, "o", mfc="none", mec="#D55E00", ms=9, mew=1.8)
    figure.colorbar(picture, ax=axes, label=label)
    return _svg(figure)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plots", "A report with plots") from error
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    import matplotlib

    stream = io.StringIO()
    # text as outlines would not be found by a search, nor read aloud; the date would change the file
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "vlmscope"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
