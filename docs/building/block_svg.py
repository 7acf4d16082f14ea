"""Blocks of curves as SVG, for pages that no viewer draws; needs matplotlib, which nothing else here does."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

__all__ = ["svg_of"]

# Okabe and Ito (2008): told apart under every common colour blindness
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def svg_of(block: dict[str, Any]) -> str:
    """A block of :func:`vlmscope.report.curves` as the text of an SVG file, the same each time."""
    figure = Figure(figsize=(7.6, 3.5), layout="constrained")
    axes = figure.subplots()
    for number, each in enumerate(block["series"]):
        blank = [float("nan")] * 3
        values = np.array([blank if place is None else place for place in each["values"]])
        places = np.arange(len(values)) if block["x"] is None else np.array(block["x"])
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
            label=each["name"],
        )
    axes.set(xlabel=block["x_label"], ylabel=block["y_label"], xscale=block["x_scale"])
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if block["x"] is None:
        axes.xaxis.get_major_locator().set_params(integer=True)
    if len(block["series"]) > 1:
        axes.legend(frameon=False, fontsize=9)
    stream = io.StringIO()
    # text as outlines would not be found by a search, nor read aloud; the date would change the file
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "vlmscope"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
