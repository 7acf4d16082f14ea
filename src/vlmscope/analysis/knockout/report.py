"""A sweep of knock-outs as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vlmscope.analysis.knockout.effects import EFFECTS
from vlmscope.analysis.knockout.table import (
    LAYERS_COLUMNS,
    knockout_columns,
    knockout_table,
    layers_table,
    none_named,
    titled,
)
from vlmscope.analysis.record import run_section
from vlmscope.report import Page, Series, curves, head_map
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.knockout.result import KnockoutSweep

__all__ = ["knockout_page"]

_CAVEAT = (
    "A knock-out shows what the model needs as it is, not what it could do without: where several layers "
    "carry the same thing, blocking one of them changes little. Blocked rows are also unlike anything the "
    "model was trained on. Half of the effect is a convention for naming layers, not a border in the model."
)


def knockout_page(sweep: KnockoutSweep, command: str = "") -> Page:
    """The page.

    Args:
        sweep: the sweep.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"Knock-outs in {sweep.run['model']}", " ".join(_sentences(sweep)))
    page.caveat(_CAVEAT)
    page.heading("Layers that carry the answer")
    page.table(*layers_table(sweep), note=LAYERS_COLUMNS)
    page.heading("Effects")
    page.table(*knockout_table(sweep), note=knockout_columns(sweep))
    for edges in sweep.edges:
        _edges_section(page, sweep, edges)
    run_section(page, sweep.run, command)
    return page


def _sentences(sweep: KnockoutSweep) -> Iterator[str]:
    yield f"{len(sweep.ids)} questions."
    for edges in sweep.edges:
        named = sweep.carrying(edges)
        if named is None:
            yield f"{edges}: {none_named(sweep, edges)}."
        else:
            yield f"{edges}: carried by layers {named} of {sweep.depth}."
    if len(sweep.row_layers) < sweep.depth:
        yield (
            f"Attention rows exist in layers {', '.join(map(str, sweep.row_layers))} only. The others "
            "carry what they read of the image in a state, past every knock-out: no effect is no proof "
            "that the image was not needed."
        )
    if any(sweep.rowless):
        pairs = zip(sweep.window_names, sweep.rowless, strict=True)
        names = ", ".join(name for name, rowless in pairs if rowless)
        yield f"Windows that touch no layer with rows, and block nothing: {names}."
    if sweep.skipped:
        yield f"{len(sweep.skipped)} questions could not be used."
    if sweep.unjudged:
        yield f"{sweep.unjudged} answers are unjudged: left out, not counted as lost."


def _edges_section(page: Page, sweep: KnockoutSweep, edges: str) -> None:
    page.heading(f"{edges} blocked")
    if sweep.carries_nothing[sweep.edges.index(edges)].all():
        page.text(
            "These edges carry nothing to the answer in any sample: every effect is exactly zero."
        )
        return
    if sweep.heads != (None,):
        page.plot(
            head_map(_by_head(sweep, edges), label="log-probability lost (nats)"),
            "Each head blocked alone, by window and head; mean over samples.",
        )
        return
    named = sweep.carrying(edges)
    middles = [float(np.mean(window.layers)) for window in sweep.windows[:-1]]
    for effect in sweep.measured:
        whole = sweep.everywhere(edges, effect)
        beside = "" if whole is None else f" Blocked in all layers: {whole}."
        page.plot(
            curves(
                [Series(edges, _drawn(sweep, edges, effect))],
                x=middles,
                x_label="middle of the window (layer)",
                y_label=titled(effect).replace("_", " "),
                span=None if named is None else (named.first, named.last),
            ),
            f"{_sentence(EFFECTS[effect])}. Mean over samples with its 95% bootstrap interval; shaded: "
            f"the layers that carry the answer.{beside}",
        )


def _drawn(sweep: KnockoutSweep, edges: str, effect: str) -> list[Interval]:
    blank = Interval(float("nan"), float("nan"), float("nan"))
    return [blank if each is None else each for each in sweep.curve(edges, effect)]


def _by_head(sweep: KnockoutSweep, edges: str) -> np.ndarray:
    """Float (windows, heads)."""
    values = sweep.effects("logprob_drop")[sweep.edges.index(edges), :-1]
    mean: np.ndarray = values.mean(axis=-1)
    return mean


def _sentence(text: str) -> str:
    """With a capital letter at its beginning and every other letter as it is."""
    return text[:1].upper() + text[1:]
