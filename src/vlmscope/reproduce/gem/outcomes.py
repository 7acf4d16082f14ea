"""What was measured with one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.metrics import Score
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.gem.counts import Counts, mean_iou
from vlmscope.reproduce.gem.images import MEANS
from vlmscope.reproduce.gem.iterating import MEASURES
from vlmscope.reproduce.gem.spectra import PROJECTIONS
from vlmscope.stats import Interval, bootstrap, bootstrap_ratios

__all__ = ["ModelOutcome", "mean_of"]


@dataclass(frozen=True, eq=False)
class ModelOutcome:
    """One model on the images.

    Attributes:
        model: its id.
        stated: what a report has to say of it, JSON values; ``blocks``, ``depth``, ``grid`` among them.
        ways: of each way ``id``, ``group``, ``title``, ``place``.
        records: image id -> what was kept of it.
        norms: of each block projection -> spectral norms of its heads.
        costs: title of each step with its cost.
        notes: sentences to read before its numbers.
        skipped: images that could not be used, and why.
        seed: of intervals.
    """

    model: str
    stated: Mapping[str, Any]
    ways: Sequence[Mapping[str, Any]]
    records: Mapping[str, Mapping[str, Any]] = field(repr=False)
    norms: Sequence[Mapping[str, Sequence[float]]] = field(repr=False)
    costs: tuple[tuple[str, Cost], ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...]
    seed: int

    @cached_property
    def counts(self) -> Counts:
        """Pixels of every way."""
        return Counts(self.records, [way["id"] for way in self.ways])

    @cached_property
    def mious(self) -> dict[str, Interval]:
        """Way -> mIoU."""
        return {way["id"]: mean_iou(self.counts[way["id"]], self.seed) for way in self.ways}

    @cached_property
    def pointing(self) -> dict[str, Interval]:
        """Way -> share of objects that its peak lies on; empty where no object is pointed at."""
        ids = [way["id"] for way in self.ways]
        pairs = np.array([record["pairs"] for record in self.records.values()], dtype=float)
        if not pairs.any():
            return {}
        hits = [[record["ways"][id]["hits"] for id in ids] for record in self.records.values()]
        return dict(zip(ids, bootstrap_ratios(hits, pairs, seed=self.seed), strict=True))

    def group(self, name: str) -> list[Mapping[str, Any]]:
        """The ways that vary one thing."""
        return [way for way in self.ways if way["group"] == name]

    def means(self, way: str, name: str) -> NDArray[np.float64]:
        """Float (images,): one of ``MEANS`` of a way; NaN where an image does not have it."""
        place = MEANS.index(name)
        return _floats([each["ways"][way]["means"][place] for each in self.records.values()])

    def gap(self, way: str) -> NDArray[np.float64]:
        """Float (images,): cosine within classes less across classes."""
        return self.means(way, "within") - self.means(way, "across")

    def margin(self, way: str) -> NDArray[np.float64]:
        """Float (images,): cosine with the right text less with the image's other ones."""
        return self.means(way, "right text") - self.means(way, "other texts")

    def iterating(self, name: str) -> NDArray[np.float64]:
        """Float (images, projections, iterations): one of ``MEASURES``."""
        assert name in MEASURES
        return _floats([record["iterating"][name] for record in self.records.values()])

    @cached_property
    def temperatures(self) -> NDArray[np.float64]:
        """Float (images, blocks): the adaptive inverse temperature of the blocks with a GEM path."""
        return _floats([record["temperatures"] for record in self.records.values()])

    @cached_property
    def head_norms(self) -> NDArray[np.float64]:
        """Float (heads,): spectral norms of every head's q, k and v in the blocks with a GEM path."""
        blocks = self.norms[-self.stated["depth"] :]
        return np.array([norm for block in blocks for p in PROJECTIONS for norm in block[p]])


def mean_of(
    name: str, values: NDArray[np.float64], *, seed: int, images: int | None = None, unit: str = ""
) -> Score:
    """The mean with its interval; NaN is left out.

    Args:
        name: of the score.
        values: float (n,).
        seed: of the interval.
        images: on how many images they are; None: each is one.
        unit: what they are of, if not images.
    """
    kept = values[~np.isnan(values)]
    interval = bootstrap(kept, seed=seed) if len(kept) else None
    return Score(
        name, interval, len(kept), unit or "images", len(kept) if images is None else images
    )


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN
