"""What was measured for each claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vlmscope.metrics import Score
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.findings import Finding
from vlmscope.reproduce.gem import paper
from vlmscope.reproduce.gem.counts import difference, difference_of_gains
from vlmscope.reproduce.gem.outcomes import ModelOutcome, mean_of
from vlmscope.reproduce.measurements import Measurement
from vlmscope.stats import Interval
from vlmscope.tiny import EMBEDDED

__all__ = ["Evidence", "few_classes", "measured"]

ORDERS: Mapping[str, tuple[str, str]] = {
    **{f"ensemble-over-{p}": ("gem", p) for p in "qkv"},
    "iterations-1-over-0": ("gem", "iterations-0"),
    "iterations-2-over-0": ("iterations-2", "iterations-0"),
    "iterations-3-over-0": ("iterations-3", "iterations-0"),
    "iterations-3-over-4": ("iterations-3", "iterations-4"),
    "norm": ("gem", "no-norm"),
    "no-mlp": ("gem", "mlp"),
    "depth": ("gem", "depth-1"),
    **{f"over-{name}": ("gem", name) for name in paper.VOC_BASELINES},
}
"""Claim -> the ways whose difference of mIoU it is about."""

_FEW = "every image has as many classes"


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that was measured.

    Attributes:
        outcomes: a model each, in the order in which they were named.
        dataset: id and split.
        reservations: why nothing is decided on these images.
    """

    outcomes: Sequence[ModelOutcome]
    dataset: str
    reservations: tuple[str, ...]

    def findings(self) -> tuple[Finding, ...]:
        """A line per claim; one per model of claims about any model, where there are several."""
        lines: list[Finding] = []
        for claim in paper.claims():
            if len(claim.models) > 1:
                lines.append(Finding(claim, self._between(claim)))
            elif claim.models:
                lines.append(Finding(claim, self._value(claim)))
            else:
                lines += [self._of_model(claim, outcome) for outcome in self.outcomes]
        return tuple(lines)

    def _of_model(self, claim: Claim, outcome: ModelOutcome) -> Finding:
        if len(self.outcomes) > 1:
            claim = replace(
                claim,
                id=f"{claim.id}.{outcome.model}",
                sentence=f"{outcome.model}: {claim.sentence}",
            )
        score = measured(claim.id.partition(".")[0], outcome)
        missing = ""
        if score is None or score.interval is None:
            missing = _FEW if claim.id.startswith("few-classes") else "no image has what it needs"
        return Finding(claim, self._measurement(score, outcome, missing))

    def _between(self, claim: Claim) -> Measurement:
        """About two models."""
        by_name = {outcome.model: outcome for outcome in self.outcomes}
        models = ", ".join(claim.models)
        lacking = [name for name in claim.models if name not in by_name]
        if lacking:
            missing = f"needs {' and '.join(lacking)} (--model)"
            return Measurement(None, models, self.dataset, missing=missing)
        first, second = (by_name[name] for name in claim.models)
        places = [_places(each, first, second) for each in (first, second)]
        one, two = (
            each.counts["gem"].only(place)
            for each, place in zip((first, second), places, strict=True)
        )
        interval = difference(one, two, first.seed)
        score = Score(claim.id, interval, len(places[0]), "images", len(places[0]))
        reservations = [*_same(score), *self._doubts(first), *self._doubts(second)]
        return Measurement(score, models, self.dataset, tuple(dict.fromkeys(reservations)))

    def _value(self, claim: Claim) -> Measurement:
        """A published figure, of one model and set."""
        (name,) = claim.models
        found = next((each for each in self.outcomes if each.model == name), None)
        if found is None:
            return Measurement(None, name, self.dataset, missing=f"needs {name} (--model)")
        if claim.dataset != self.dataset:
            missing = f"needs {claim.dataset} (--data)"
            return Measurement(None, name, self.dataset, missing=missing)
        score = _miou(found, _way_of_value(claim.id))
        measurement = self._measurement(score, found, "")
        background = "the threshold that the paper's background has is not published"
        return replace(measurement, reservations=(*measurement.reservations, background))

    def _measurement(self, score: Score | None, outcome: ModelOutcome, missing: str) -> Measurement:
        doubts = (*_same(score), *self._doubts(outcome))
        return Measurement(score, outcome.model, self.dataset, doubts, missing)

    def _doubts(self, outcome: ModelOutcome) -> tuple[str, ...]:
        scheme = outcome.stated.get("quantisation")
        return (
            *self.reservations,
            *(["a model of the rendered world"] if outcome.model in EMBEDDED else []),
            *([f"quantised weights ({scheme})"] if scheme else []),
            *([f"{len(outcome.skipped)} images were left out"] if outcome.skipped else []),
        )


def _same(score: Score | None) -> tuple[str, ...]:
    """A difference that no resample shows lies at the end of a range, and says nothing for it."""
    flat = score is not None and score.interval == (0, 0, 0)
    return ("no image tells them apart",) if flat else ()


def measured(claim: str, outcome: ModelOutcome) -> Score | None:
    """What was measured for a claim about any model; None where the images do not allow it."""
    if claim in ORDERS:
        first, second = (outcome.counts[way] for way in ORDERS[claim])
        return _pooled(claim, outcome, difference(first, second, outcome.seed))
    return _MEASURED[claim](claim, outcome)


def _adaptive(claim: str, outcome: ModelOutcome) -> Score:
    constants = [way["id"] for way in outcome.group("temperature")]
    best, _ = outcome.counts.crossed(constants)
    return _pooled(claim, outcome, difference(outcome.counts["gem"], best, outcome.seed))


def _few_classes(claim: str, outcome: ModelOutcome) -> Score | None:
    few = few_classes(outcome)
    if few.all():
        return None
    more, less = outcome.counts["iterations-3"], outcome.counts["iterations-0"]
    return _pooled(claim, outcome, difference_of_gains(more, less, few, outcome.seed))


def few_classes(outcome: ModelOutcome) -> NDArray[np.bool_]:
    """Bool (images,): which have at most the median number of classes."""
    present = outcome.counts.present
    few: NDArray[np.bool_] = present <= np.median(present)
    return few


def _contraction(claim: str, outcome: ModelOutcome) -> Score:
    norms, images = outcome.head_norms, len(outcome.records)
    return mean_of(claim, norms, seed=outcome.seed, images=images, unit="heads")


def _closer(claim: str, outcome: ModelOutcome) -> Score:
    spread = outcome.iterating("spread").mean(axis=1)  # (images, iterations)
    return mean_of(claim, spread[:, 1] / spread[:, 0], seed=outcome.seed)


def _clusters_grow(claim: str, outcome: ModelOutcome) -> Score:
    largest = outcome.iterating("largest").mean(axis=1)
    return mean_of(claim, largest[:, -1] - largest[:, 0], seed=outcome.seed)


def _objects(claim: str, outcome: ModelOutcome) -> Score:
    gap = (outcome.iterating("within") - outcome.iterating("across")).mean(axis=1)
    return mean_of(claim, gap[:, 1] - gap[:, 0], seed=outcome.seed)


_MEASURED: Mapping[str, Callable[[str, ModelOutcome], Score | None]] = {
    "adaptive-temperature": _adaptive,
    "few-classes": _few_classes,
    "contraction": _contraction,
    "closer": _closer,
    "clusters-grow": _clusters_grow,
    "objects-by-iteration": _objects,
    "within": lambda id, o: mean_of(id, o.gap("gem"), seed=o.seed),
    "within-over-clip": lambda id, o: mean_of(id, o.gap("gem") - o.gap("clip"), seed=o.seed),
    "right-text": lambda id, o: mean_of(id, o.margin("gem"), seed=o.seed),
    "right-text-over-clip": lambda id, o: mean_of(
        id, o.margin("gem") - o.margin("clip"), seed=o.seed
    ),
}


def _way_of_value(claim: str) -> str:
    """The way that a published figure is of: ``voc-clip`` is of ``clip``, ``value-...`` of GEM."""
    if claim.startswith("value-"):
        return "gem"
    way = claim.removeprefix("voc-")
    return "gem" if way == "iterations-1" else way


def _miou(outcome: ModelOutcome, way: str) -> Score:
    return _pooled(way, outcome, outcome.mious[way])


def _pooled(name: str, outcome: ModelOutcome, interval: Interval) -> Score:
    images = len(outcome.records)
    return Score(name, interval, images, "images", images)


def _places(outcome: ModelOutcome, *both: ModelOutcome) -> list[int]:
    """Places of the images that both have, in the order of the first."""
    shared = [image for image in both[0].counts.images if image in both[1].records]
    return [outcome.counts.images.index(image) for image in shared]
