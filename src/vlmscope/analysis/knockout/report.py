"""A sweep of knock-outs as tables and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vlmscope.analysis.knockout.result import EFFECTS, KnockoutSweep
from vlmscope.analysis.record import run_section
from vlmscope.report import Page, Series, curves, head_map
from vlmscope.stats import Interval

__all__ = ["knockout_page", "knockout_table", "layers_table"]

_SHOWN = ("logprob_drop", "token_drop", "kl", "changed", "accuracy_lost", "f1_lost")
_HEADS_SHOWN = 10
_UNITS = {
    "logprob_drop": "nats",
    "token_drop": "nats per token",
    "kl": "nats",
    "changed": "share of answers",
}
_CAVEAT = (
    "A knock-out shows what the model needs as it is, not what it could do without: where several layers "
    "carry the same thing, blocking one of them changes little. Blocked rows are also unlike anything the "
    "model was trained on. Half of the effect is a convention for naming layers, not a border in the model."
)

Table = tuple[Sequence[str], Sequence[Sequence[object]]]


def knockout_table(sweep: KnockoutSweep) -> Table:
    """Columns and rows: per edge set and window (the strongest heads where each was blocked alone)
    the effects, with the interval of the first."""
    effects = [name for name in _SHOWN if name in sweep.measured]
    each_head = sweep.heads != (None,)
    shown = [_titled(name) for name in effects]
    columns = ["blocked", "layers", *(["head"] if each_head else []), *shown, "95% interval", ""]
    rows = [
        row
        for edges in sweep.edges
        for head, windows in _places(sweep, edges).items()
        for row in _rows(sweep, edges, head, windows, effects)
    ]
    return columns, rows


def _titled(effect: str) -> str:
    """An effect's name with its unit."""
    return f"{effect} ({_UNITS[effect]})" if effect in _UNITS else effect


def _places(sweep: KnockoutSweep, edges: str) -> dict[int | None, list[int]]:
    """Heads and their windows that are shown."""
    if sweep.heads == (None,):
        return {None: list(range(len(sweep.windows)))}
    names = list(sweep.window_names)
    best: dict[int | None, list[int]] = {}
    for each in sweep.strongest(edges, count=_HEADS_SHOWN):
        best.setdefault(each.head, []).append(names.index(each.window))
    return best


def _rows(
    sweep: KnockoutSweep,
    edges: str,
    head: int | None,
    windows: Sequence[int],
    effects: Sequence[str],
) -> Iterator[list[object]]:
    nothing = sweep.carries_nothing[sweep.edges.index(edges), :, sweep.heads.index(head)]
    curves = [
        [*sweep.curve(edges, effect, head), sweep.everywhere(edges, effect, head)]
        for effect in effects
    ]
    for at in windows:
        values = [curve[at] for curve in curves]
        first = values[0]
        yield [
            edges,
            _layers(sweep, at),
            *([] if head is None else [head]),
            *(None if value is None else value.value for value in values),
            None if first is None else f"{first.low:.3g} to {first.high:.3g}",
            "carries nothing" if nothing[at] else "",
        ]


def _layers(sweep: KnockoutSweep, window: int) -> str:
    name = sweep.window_names[window]
    if name == "all" or sweep.mode == "inside":
        return name
    if sweep.mode == "outside":
        return f"all but {name}"
    blocked = sweep.windows[window].blocked
    return f"{blocked[0]} on" if sweep.mode == "from" else f"up to {blocked[-1]}"


def layers_table(sweep: KnockoutSweep) -> Table:
    """Columns and rows: per edge set the layers that carry the answer, and how sure that is."""
    columns = ["edges", "carried by layers", "share of the effect", "95% interval", "support"]
    rows: list[list[object]] = []
    for edges in sweep.edges:
        named = sweep.carrying(edges)
        if named is None:
            rows.append([edges, _none(sweep, edges), None, None, None])
            continue
        support = min(named.support[named.first : named.last + 1])
        share = named.share
        rows.append(
            [edges, str(named), share.value, f"{share.low:.2f} to {share.high:.2f}", support]
        )
    return columns, rows


def _none(sweep: KnockoutSweep, edges: str) -> str:
    silent = bool(sweep.carries_nothing[sweep.edges.index(edges)].all())
    return "none: these edges carry nothing" if silent else "none stands out"


def knockout_page(sweep: KnockoutSweep, command: str = "") -> Page:
    """The page.

    Args:
        sweep: the sweep.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"Knock-outs in {sweep.run['model']}", " ".join(_sentences(sweep)))
    page.caveat(_CAVEAT)
    page.heading("Layers that carry the answer")
    page.table(*layers_table(sweep))
    page.heading("Effects")
    page.table(*knockout_table(sweep))
    for edges in sweep.edges:
        _edges_section(page, sweep, edges)
    run_section(page, sweep.run, command)
    return page


def _sentences(sweep: KnockoutSweep) -> Iterator[str]:
    yield f"{len(sweep.ids)} questions."
    for edges in sweep.edges:
        named = sweep.carrying(edges)
        if named is None:
            yield f"{edges}: {_none(sweep, edges)}."
        else:
            yield f"{edges}: carried by layers {named} of {sweep.depth}."
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
                y_label=_titled(effect).replace("_", " "),
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
