"""A sweep of knock-outs as tables and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from vlmscope.analysis.knockout.result import EFFECTS, KnockoutSweep
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


def knockout_table(found: KnockoutSweep) -> Table:
    """Columns and rows: per edge set and window (the strongest heads where each was blocked alone)
    the effects, with the interval of the first."""
    effects = [name for name in _SHOWN if name in found.measured]
    each_head = found.heads != (None,)
    shown = [_titled(name) for name in effects]
    columns = ["blocked", "layers", *(["head"] if each_head else []), *shown, "95% interval", ""]
    rows = [
        row
        for edges in found.edges
        for head, windows in _places(found, edges).items()
        for row in _rows(found, edges, head, windows, effects)
    ]
    return columns, rows


def _titled(effect: str) -> str:
    """An effect's name with its unit."""
    return f"{effect} ({_UNITS[effect]})" if effect in _UNITS else effect


def _places(found: KnockoutSweep, edges: str) -> dict[int | None, list[int]]:
    """Heads and their windows that are shown."""
    if found.heads == (None,):
        return {None: list(range(len(found.windows)))}
    names = list(found.window_names)
    best: dict[int | None, list[int]] = {}
    for each in found.strongest(edges, count=_HEADS_SHOWN):
        best.setdefault(each.head, []).append(names.index(each.window))
    return best


def _rows(
    found: KnockoutSweep,
    edges: str,
    head: int | None,
    windows: Sequence[int],
    effects: Sequence[str],
) -> Iterator[list[object]]:
    nothing = found.carries_nothing[found.edges.index(edges), :, found.heads.index(head)]
    curves = [
        [*found.curve(edges, effect, head), found.everywhere(edges, effect, head)]
        for effect in effects
    ]
    for at in windows:
        values = [curve[at] for curve in curves]
        first = values[0]
        yield [
            edges,
            _layers(found, at),
            *([] if head is None else [head]),
            *(None if value is None else value.value for value in values),
            None if first is None else f"{first.low:.3g} to {first.high:.3g}",
            "carries nothing" if nothing[at] else "",
        ]


def _layers(found: KnockoutSweep, window: int) -> str:
    name = found.window_names[window]
    if name == "all" or found.mode == "inside":
        return name
    if found.mode == "outside":
        return f"all but {name}"
    blocked = found.windows[window].blocked
    return f"{blocked[0]} on" if found.mode == "from" else f"up to {blocked[-1]}"


def layers_table(found: KnockoutSweep) -> Table:
    """Columns and rows: per edge set the layers that carry the answer, and how sure that is."""
    columns = ["edges", "carried by layers", "share of the effect", "95% interval", "support"]
    rows: list[list[object]] = []
    for edges in found.edges:
        named = found.carrying(edges)
        if named is None:
            rows.append([edges, _none(found, edges), None, None, None])
            continue
        support = min(named.support[named.first : named.last + 1])
        share = named.share
        rows.append(
            [edges, str(named), share.value, f"{share.low:.2f} to {share.high:.2f}", support]
        )
    return columns, rows


def _none(found: KnockoutSweep, edges: str) -> str:
    silent = bool(found.carries_nothing[found.edges.index(edges)].all())
    return "none: these edges carry nothing" if silent else "none stands out"


def knockout_page(found: KnockoutSweep, command: str = "") -> Page:
    """The page.

    Args:
        found: the sweep.
        command: how it was made, for the reader who wants to repeat it.
    """
    page = Page(f"Knock-outs in {found.run['model']}", " ".join(_sentences(found)))
    page.caveat(_CAVEAT)
    page.heading("Layers that carry the answer")
    page.table(*layers_table(found))
    page.heading("Effects")
    page.table(*knockout_table(found))
    for edges in found.edges:
        _edges_section(page, found, edges)
    page.heading("The run")
    if command:
        page.code(command)
    page.code(json.dumps(found.run, indent=2))
    return page


def _sentences(found: KnockoutSweep) -> Iterator[str]:
    yield f"{len(found.ids)} questions."
    for edges in found.edges:
        named = found.carrying(edges)
        if named is None:
            yield f"{edges}: {_none(found, edges)}."
        else:
            yield f"{edges}: carried by layers {named} of {found.depth}."
    if found.skipped:
        yield f"{len(found.skipped)} questions could not be used."
    if found.unjudged:
        yield f"{found.unjudged} answers are unjudged: left out, not counted as lost."


def _edges_section(page: Page, found: KnockoutSweep, edges: str) -> None:
    page.heading(f"{edges} blocked")
    if found.carries_nothing[found.edges.index(edges)].all():
        page.text(
            "These edges carry nothing to the answer in any sample: every effect is exactly zero."
        )
        return
    if found.heads != (None,):
        page.plot(
            head_map(_by_head(found, edges), label="log-probability lost (nats)"),
            "Each head blocked alone, by window and head; mean over samples.",
        )
        return
    named = found.carrying(edges)
    middles = [float(np.mean(window.layers)) for window in found.windows[:-1]]
    for effect in found.measured:
        whole = found.everywhere(edges, effect)
        beside = "" if whole is None else f" Blocked in all layers: {whole}."
        page.plot(
            curves(
                [Series(edges, _drawn(found, edges, effect))],
                x=middles,
                x_label="middle of the window (layer)",
                y_label=_titled(effect).replace("_", " "),
                span=None if named is None else (named.first, named.last),
            ),
            f"{_sentence(EFFECTS[effect])}. Mean over samples with its 95% bootstrap interval; shaded: "
            f"the layers that carry the answer.{beside}",
        )


def _drawn(found: KnockoutSweep, edges: str, effect: str) -> list[Interval]:
    blank = Interval(float("nan"), float("nan"), float("nan"))
    return [blank if each is None else each for each in found.curve(edges, effect)]


def _by_head(found: KnockoutSweep, edges: str) -> np.ndarray:
    """Float (windows, heads)."""
    values = found.effects("logprob_drop")[found.edges.index(edges), :-1]
    mean: np.ndarray = values.mean(axis=-1)
    return mean


def _sentence(text: str) -> str:
    """With a capital letter at its beginning and every other letter as it is."""
    return text[:1].upper() + text[1:]
