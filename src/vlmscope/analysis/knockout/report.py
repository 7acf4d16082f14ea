"""A sweep of knock-outs as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vlmscope.analysis.knockout.result import KnockoutSweep

__all__ = ["knockout_table", "layers_table"]

_SHOWN = ("logprob_drop", "token_drop", "kl", "changed", "accuracy_lost", "f1_lost")
_HEADS_SHOWN = 10

Table = tuple[Sequence[str], Sequence[Sequence[object]]]


def knockout_table(found: KnockoutSweep) -> Table:
    """Columns and rows: per edge set and window (the strongest heads where each was blocked alone)
    the effects, with the interval of the first."""
    effects = [name for name in _SHOWN if name in found.measured]
    each_head = found.heads != (None,)
    columns = ["blocked", "layers", *(["head"] if each_head else []), *effects, "95% interval", ""]
    rows = [
        row
        for edges in found.edges
        for head, windows in _places(found, edges).items()
        for row in _rows(found, edges, head, windows, effects)
    ]
    return columns, rows


def _places(found: KnockoutSweep, edges: str) -> dict[int | None, list[int]]:
    """Heads and their windows that are shown."""
    if found.heads == (None,):
        return {None: list(range(len(found.windows)))}
    names = [window.name for window in found.windows]
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
    name = found.windows[window].name
    if name == "all" or found.mode == "inside":
        return name
    if found.mode == "outside":
        return f"all but {name}"
    return f"{found.windows[window].blocked[0]} on"


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
