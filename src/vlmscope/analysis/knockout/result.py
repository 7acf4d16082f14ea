"""What a sweep of knock-outs found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.knockout.effects import EFFECTS
from vlmscope.analysis.knockout.layers import CarryingLayers, carrying_layers, layer_scores
from vlmscope.analysis.knockout.report import knockout_page
from vlmscope.analysis.knockout.table import (
    LAYERS_COLUMNS,
    knockout_columns,
    knockout_table,
    layers_table,
)
from vlmscope.analysis.knockout.windows import Window
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import UnknownNameError
from vlmscope.io import write_json
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap
from vlmscope.viewer import View

__all__ = ["HeadEffect", "KnockoutSweep"]


class HeadEffect(NamedTuple):
    """A window and a head (None: all) with their effect."""

    window: str
    head: int | None
    effect: Interval


@dataclass(frozen=True, eq=False)
class KnockoutSweep:
    """Effects per edge set, window, head and sample.

    Attributes:
        run: everything needed to repeat the run; ``run["last_row"]`` says what the last prompt
            position counted as.
        depth: layers of the decoder.
        mode: what was blocked for each window.
        edges: names of the edge sets.
        windows: the last one is the whole decoder.
        heads: heads that were blocked one by one, or (None,).
        ids: digests of the samples.
        records: per sample what was measured; ``outcomes`` run over edges, windows and heads.
        skipped: samples that could not be used, and why.
        seed: of the intervals.
    """

    run: dict[str, Any]
    depth: int
    mode: str
    edges: tuple[str, ...]
    windows: tuple[Window, ...]
    heads: tuple[int | None, ...]
    ids: tuple[str, ...]
    records: tuple[dict[str, Any], ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()
    seed: int = 0

    def __repr__(self) -> str:
        named = [(edges, self.carrying(edges)) for edges in self.edges]
        carried = [f"{edges} {'none' if band is None else band}" for edges, band in named]
        return one_line(
            self,
            f"{len(self.ids)} questions, {self.run['model']}",
            f"carrying layers of {self.depth}: {', '.join(carried)}",
            f"{len(self.windows)} windows, mode {self.mode}",
            f"{len(self.skipped)} skipped" if self.skipped else "",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"Knock-outs in {self.run['model']}",
            table(layers_table(self), LAYERS_COLUMNS),
            table(knockout_table(self), knockout_columns(self)),
            lead=f"{len(self.ids)} questions, {len(self.windows)} windows of {self.depth} layers, mode "
            f"{self.mode}.",
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return knockout_page(self).view()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(edge sets, windows, heads)."""
        return len(self.edges), len(self.windows), len(self.heads)

    @property
    def window_names(self) -> tuple[str, ...]:
        """Of every window; the last one is ``all``."""
        return (*(window.name for window in self.windows[:-1]), "all")

    def effects(self, effect: str) -> NDArray[np.float64]:
        """Float (edge sets, windows, heads, samples); NaN where there is none (see :data:`EFFECTS`).

        Raises:
            UnknownNameError: no such effect.
        """
        if effect not in EFFECTS:
            raise UnknownNameError("effect", effect, EFFECTS)
        return self._effects[effect]

    @cached_property
    def _effects(self) -> dict[str, NDArray[np.float64]]:
        whole: dict[str, NDArray[np.float64]] = {}
        for name in EFFECTS:
            values = [
                [_effect(name, record, outcome) for outcome in record["outcomes"]]
                for record in self.records
            ]
            whole[name] = np.array(values, dtype=np.float64).T.reshape(*self.shape, len(self.ids))
        return whole

    @property
    def carries_nothing(self) -> NDArray[np.bool_]:
        """Bool (edge sets, windows, heads): in no sample can the blocked edges carry anything to the
        answer, so the effect is exactly 0."""
        live = np.array([[each["live"] for each in record["outcomes"]] for record in self.records])
        dead: NDArray[np.bool_] = ~np.asarray(live.any(axis=0)).reshape(self.shape)
        return dead

    @property
    def row_layers(self) -> tuple[int, ...]:
        """Layers that have attention rows: all, but for hybrids."""
        return tuple(self.run.get("row_layers", range(self.depth)))

    @property
    def rowless(self) -> tuple[bool, ...]:
        """Per window: none of the layers that it blocks has attention rows, so it blocks nothing."""
        return tuple(not set(each.blocked) & set(self.row_layers) for each in self.windows)

    def curve(self, edges: str, effect: str, head: int | None = None) -> list[Interval | None]:
        """Per window, the whole decoder left out, the mean over samples with its bootstrap interval.

        Args:
            edges: an edge set.
            effect: of :data:`EFFECTS`.
            head: which, where heads were blocked one by one.

        Returns:
            None for a window without any sample that has the effect.
        """
        values = self._values(edges, effect, head)
        return [self._interval(each) for each in values[:-1]]

    def everywhere(self, edges: str, effect: str, head: int | None = None) -> Interval | None:
        """The effect of blocking an edge set in every layer."""
        return self._interval(self._values(edges, effect, head)[-1])

    def carrying(self, edges: str, effect: str = "logprob_drop") -> CarryingLayers | None:
        """The layers that carry the answer along an edge set; None when no layer stands out.

        Where heads were blocked one by one, the effect of a window is the mean over them.
        """
        values = self.effects(effect)[self._edge(edges)].mean(axis=1)  # (windows, samples)
        values = values[:, ~np.isnan(values).any(axis=0)].T
        scores = layer_scores(
            self.mode, self.windows[:-1], values[:, :-1], values[:, -1], self.depth
        )
        return carrying_layers(scores, self.seed)

    def strongest(
        self, edges: str, effect: str = "logprob_drop", count: int = 10
    ) -> list[HeadEffect]:
        """Windows and heads of the largest mean effect, largest first."""
        ranked = [
            HeadEffect(window.name, head, interval)
            for head in self.heads
            for window, interval in zip(
                self.windows[:-1], self.curve(edges, effect, head), strict=True
            )
            if interval is not None
        ]
        return sorted(ranked, key=lambda each: -each.effect.value)[:count]

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the effects that some sample has."""
        return tuple(name for name in EFFECTS if not np.isnan(self.effects(name)).all())

    @property
    def unjudged(self) -> int:
        """Answers that a judge was asked about and could not judge."""
        return sum(len(record["unjudged"]) for record in self.records)

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per sample, edge set, window and head: for tables and Parquet."""
        for digest, record in zip(self.ids, self.records, strict=True):
            outcomes = iter(record["outcomes"])
            for edges in self.edges:
                for window in self.window_names:
                    for head in self.heads:
                        outcome = next(outcomes)
                        yield {
                            "sample": digest,
                            "edges": edges,
                            "window": window,
                            "head": -1 if head is None else head,
                            "carries_nothing": not outcome["live"],
                            **{name: _effect(name, record, outcome) for name in EFFECTS},
                            "clean_answer": record["answer"],
                            "answer": outcome["answer"] or "",
                        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON values: curves with intervals and samples, layers named, the run."""
        return {
            "run": self.run,
            "samples": len(self.ids),
            "ids": list(self.ids),
            "skipped": [each.to_dict() for each in self.skipped],
            "unjudged": self.unjudged,
            "depth": self.depth,
            "mode": self.mode,
            "edges": list(self.edges),
            "heads": list(self.heads),
            "windows": [
                {
                    "name": name,
                    "layers": list(each.layers),
                    "blocked": list(each.blocked),
                    **({"rowless": True} if rowless else {}),
                }
                for name, each, rowless in zip(
                    self.window_names, self.windows, self.rowless, strict=True
                )
            ],
            "effects": {name: EFFECTS[name] for name in self.measured},
            "carrying_layers": {
                edges: {name: self._carrying_dict(edges, name) for name in self.measured}
                for edges in self.edges
            },
            "curves": [self._curve_dict(*each) for each in self._curves()],
            "carries_nothing": self.carries_nothing.tolist(),
            "records": list(self.records),
        }

    def to_json(self, path: str) -> None:
        """Write :meth:`to_dict` to a file."""
        write_json(path, self.to_dict())

    def _curves(self) -> Iterator[tuple[str, str, int | None]]:
        for edges in self.edges:
            for effect in self.measured:
                for head in self.heads:
                    yield edges, effect, head

    def _curve_dict(self, edges: str, effect: str, head: int | None) -> dict[str, Any]:
        values = self._values(edges, effect, head)
        whole = self.everywhere(edges, effect, head)
        return {
            "edges": edges,
            "effect": effect,
            "head": head,
            "windows": [_listed(each) for each in self.curve(edges, effect, head)],
            "everywhere": _listed(whole),
            "missing": int(np.isnan(values).sum()),
            "per_sample": [[None if np.isnan(v) else float(v) for v in each] for each in values],
        }

    def _carrying_dict(self, edges: str, effect: str) -> dict[str, Any] | None:
        band = self.carrying(edges, effect)
        return None if band is None else band.to_dict()

    def _values(self, edges: str, effect: str, head: int | None) -> NDArray[np.float64]:
        """Float (windows, samples)."""
        if head not in self.heads:
            raise UnknownNameError("head", head, map(str, self.heads), where="See: its heads")
        values: NDArray[np.float64] = self.effects(effect)[
            self._edge(edges), :, self.heads.index(head)
        ]
        return values

    def _edge(self, edges: str) -> int:
        if edges not in self.edges:
            raise UnknownNameError("edge set", edges, self.edges)
        return self.edges.index(edges)

    def _interval(self, values: NDArray[np.float64]) -> Interval | None:
        kept = values[~np.isnan(values)]
        return bootstrap(kept, seed=self.seed) if len(kept) else None


def _effect(name: str, record: dict[str, Any], outcome: dict[str, Any]) -> float:
    if name in ("logprob_drop", "token_drop", "normalised_drop"):
        drop = float(np.sum(record["logprobs"]) - np.sum(outcome["logprobs"]))
        each = drop / len(record["logprobs"])
        return {
            "logprob_drop": drop,
            "token_drop": each,
            "normalised_drop": -float(np.expm1(-each)),
        }[name]
    if name == "kl":
        return float(np.mean(outcome["kl"]))
    if name == "first_kl":
        return float(outcome["kl"][0])
    if name == "changed":
        return float(outcome["changed"])
    if name == "accuracy_lost":
        if outcome["accuracy"] is None:
            return float("nan")
        return float(record["accuracy"] - outcome["accuracy"])
    return float("nan") if outcome["mark"] is None else 1.0 - float(outcome["mark"])


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
