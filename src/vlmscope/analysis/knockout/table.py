"""A sweep of knock-outs as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vlmscope.analysis.knockout.effects import EFFECTS, UNITS
from vlmscope.markup import Table

if TYPE_CHECKING:
    from vlmscope.analysis.knockout.result import KnockoutSweep

__all__ = [
    "LAYERS_COLUMNS",
    "knockout_columns",
    "knockout_table",
    "layers_table",
    "none_named",
    "titled",
]

_SHOWN = (
    *("logprob_drop", "token_drop", "normalised_drop", "kl"),
    *("changed", "accuracy_lost", "f1_lost"),
)
_HEADS_SHOWN = 10

LAYERS_COLUMNS = (
    "share of the effect: how much of it the named layers hold; support: the share of resampled sets of "
    "questions that name the least certain of them, too."
)
"""What the columns of :func:`layers_table` hold."""


def knockout_table(sweep: KnockoutSweep) -> Table:
    """Columns and rows: per edge set and window (the strongest heads where each was blocked alone)
    the effects, with the interval of the first."""
    effects = _shown(sweep)
    each_head = sweep.heads != (None,)
    shown = [titled(name) for name in effects]
    columns = ["blocked", "layers", *(["head"] if each_head else []), *shown, "95% interval", ""]
    rows = [
        row
        for edges in sweep.edges
        for head, windows in _places(sweep, edges).items()
        for row in _rows(sweep, edges, head, windows, effects)
    ]
    return columns, rows


def knockout_columns(sweep: KnockoutSweep) -> str:
    """What the columns of :func:`knockout_table` hold."""
    effects = "; ".join(f"{name}: {EFFECTS[name]}" for name in _shown(sweep))
    return f"{effects}; 95% interval: of the first of these."


def _shown(sweep: KnockoutSweep) -> list[str]:
    return [name for name in _SHOWN if name in sweep.measured]


def titled(effect: str) -> str:
    """An effect's name with its unit."""
    return f"{effect} ({UNITS[effect]})" if effect in UNITS else effect


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
            _silence(sweep.rowless[at], bool(nothing[at])),
        ]


def _silence(rowless: bool, nothing: bool) -> str:
    """Why a window has no effect, where it can have none."""
    if rowless:
        return "blocks nothing: no layer with attention rows"
    return "carries nothing" if nothing else ""


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
            rows.append([edges, none_named(sweep, edges), None, None, None])
            continue
        support = min(named.support[named.first : named.last + 1])
        share = named.share
        rows.append(
            [edges, str(named), share.value, f"{share.low:.2f} to {share.high:.2f}", support]
        )
    return columns, rows


def none_named(sweep: KnockoutSweep, edges: str) -> str:
    """Why no layers are named for an edge set."""
    silent = bool(sweep.carries_nothing[sweep.edges.index(edges)].all())
    return "none: these edges carry nothing" if silent else "none stands out"
