"""What attention flow found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.flow.report import flow_page
from vlmscope.analysis.flow.table import FLOW_COLUMNS, flow_table
from vlmscope.attention.shares import SOURCES, TARGETS
from vlmscope.data.skipped import SkippedSample
from vlmscope.errors import UnknownNameError
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap_ratios
from vlmscope.viewer import View

__all__ = ["AttentionFlow"]


@dataclass(frozen=True, eq=False)
class AttentionFlow:
    """Shares of attention per sample, layer and head.

    Attributes:
        run: everything needed to repeat the run.
        ids: digests of the samples.
        shares: float (samples, targets, layers, heads, sources): what a row of a target gives to the
            keys of a source, mean over the target's rows; the sources sum to one. NaN where a sample
            has no row of a target, and in layers that have no attention rows.
        entropy: float (samples, targets, layers, heads): entropy in nats of the part on the image
            tokens, made a distribution; its maximum is the logarithm of their number.
        tokens: int (samples, sources): how many keys each source has.
        answers: what the model said, or was given.
        skipped: samples that could not be used, and why.
    """

    run: dict[str, Any]
    ids: tuple[str, ...]
    shares: NDArray[np.float64] = field(repr=False)
    entropy: NDArray[np.float64] = field(repr=False)
    tokens: NDArray[np.int64] = field(repr=False)
    answers: tuple[str, ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        band = "layers {} to {}".format(*self.image_band()) if len(self.ids) else "nothing"
        return one_line(
            self,
            f"{len(self.ids)} questions, {self.run['model']}, {self.layers} layers",
            f"half of the last token's look at the image lies in {band}",
            f"{len(self.skipped)} skipped" if self.skipped else "",
        )

    def _repr_html_(self) -> str:
        first, last = self.image_band()
        shown = card(
            f"Attention flow in {self.run['model']}",
            table(flow_table(self), FLOW_COLUMNS),
            lead=f"{len(self.ids)} questions. Half of what the last prompt token gives to the image "
            f"lies in layers {first} to {last} of {self.layers}.",
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return flow_page(self).view()

    sources = SOURCES
    targets = TARGETS

    @property
    def layers(self) -> int:
        """Decoder layers."""
        return int(self.shares.shape[2])

    @property
    def row_layers(self) -> tuple[int, ...]:
        """Layers that have attention rows, by the model's own numbers: all, but for hybrids."""
        rowless = np.isnan(self.shares).all(axis=(0, 1, 3, 4))
        return tuple(int(layer) for layer in np.flatnonzero(~rowless))

    def layer_curve(self, target: str, source: str, seed: int = 0) -> list[Interval]:
        """Per layer the mean share over heads and samples, with its bootstrap interval; NaN in layers
        that have no rows.

        Raises:
            UnknownNameError: for a target or source that does not exist.
        """
        return self._curve(self.shares[:, self._target(target), :, :, self._source(source)], seed)

    def entropy_curve(self, target: str, seed: int = 0) -> list[Interval]:
        """Per layer the mean entropy of the part on the image, in nats."""
        return self._curve(self.entropy[:, self._target(target)], seed)

    def head_map(self, target: str, source: str) -> NDArray[np.float64]:
        """Float (layers, heads): mean share over the samples that have such rows."""
        values = self.shares[:, self._target(target), :, :, self._source(source)]
        held = values[:, list(self.row_layers)]
        kept: NDArray[np.float64] = values[~np.isnan(held).any(axis=(1, 2))]
        return kept.mean(axis=0) if len(kept) else np.full(values.shape[1:], np.nan)

    def token_share(self, source: str) -> float:
        """Mean share of all tokens that are of a source, to hold its attention against."""
        index = self._source(source)
        return float((self.tokens[:, index] / self.tokens.sum(axis=1)).mean())

    def image_band(self, target: str = "last") -> tuple[int, int]:
        """(first, last) layer of the shortest run of layers that holds half of the attention that a
        target's rows give to the image."""
        image_shares = np.array([each.value for each in self.layer_curve(target, "image")])
        # a layer without rows gives nothing
        total = np.concatenate([[0.0], np.nan_to_num(image_shares).cumsum()])
        spans = [
            (end - start, start, end - 1)
            for start in range(self.layers)
            for end in range(start + 1, self.layers + 1)
            if total[end] - total[start] >= total[-1] / 2
        ]
        return min(spans)[1:]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per sample, target, layer, head and source: for tables and Parquet."""
        for sample, target, layer, head in np.ndindex(self.entropy.shape):
            values = self.shares[sample, target, layer, head]
            if np.isnan(values).any():
                continue
            yield {
                "sample": self.ids[sample],
                "target": TARGETS[target],
                "layer": layer,
                "head": head,
                **{source: float(value) for source, value in zip(SOURCES, values, strict=True)},
                "image_entropy": float(self.entropy[sample, target, layer, head]),
            }

    def to_dict(self) -> dict[str, Any]:
        """Curves, head maps and the run, as JSON values."""
        present = [t for t in TARGETS if not np.isnan(self.shares[:, self._target(t)]).all()]
        return {
            "run": self.run,
            "samples": len(self.ids),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "ids": list(self.ids),
            "answers": list(self.answers),
            "token_shares": {source: self.token_share(source) for source in SOURCES},
            "image_band": {target: list(self.image_band(target)) for target in present},
            "layer_curves": {
                target: {source: _listed(self.layer_curve(target, source)) for source in SOURCES}
                for target in present
            },
            "image_entropy": {target: _listed(self.entropy_curve(target)) for target in present},
            "heads": {
                target: {source: _rows(self.head_map(target, source)) for source in SOURCES}
                for target in present
            },
        }

    def _curve(self, values: NDArray[np.float64], seed: int) -> list[Interval]:
        """(samples, layers, heads) to one interval per layer; samples without rows are left out."""
        curve = [Interval(float("nan"), float("nan"), float("nan"))] * self.layers
        per_sample = values.mean(axis=-1)[:, list(self.row_layers)]
        kept = per_sample[~np.isnan(per_sample).any(axis=1)]
        if not len(kept):
            return curve
        intervals = bootstrap_ratios(kept, np.ones(len(kept)), seed=seed)
        for layer, interval in zip(self.row_layers, intervals, strict=True):
            curve[layer] = interval
        return curve

    @staticmethod
    def _target(name: str) -> int:
        if name not in TARGETS:
            raise UnknownNameError("target", name, TARGETS)
        return TARGETS.index(name)

    @staticmethod
    def _source(name: str) -> int:
        if name not in SOURCES:
            raise UnknownNameError("source", name, SOURCES)
        return SOURCES.index(name)


def _listed(curve: Sequence[Interval]) -> list[list[float] | None]:
    """A curve as JSON values; None: a layer without rows."""
    return [None if math.isnan(each.value) else list(each) for each in curve]


def _rows(values: NDArray[np.float64]) -> list[list[float] | None]:
    """A map over layers and heads as JSON values; None: a layer without rows."""
    return [None if np.isnan(each).all() else each.tolist() for each in values]
