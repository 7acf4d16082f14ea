"""Runs of one evaluation held against one of them, image by image: ratios, differences, both halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError, BadSampleError, UnknownNameError
from vlmscope.metrics.paired import DrawnScore, Paired, interval_of, resampled
from vlmscope.stats import Interval

__all__ = ["Comparisons", "Crossed", "RunComparison", "check_base", "comparisons_of"]

Scores = Mapping[str, DrawnScore]
"""By metric."""

_RULE = (
    "both scores are worked out anew for the same drawn images; a score over a pooled matrix or a sum "
    "is one over the drawn images together"
)
_HALVES = (
    "halves are every other image of the evaluation, from the first and from the second; the run that is "
    "best on one half is scored on the other, both ways, as one score over all images; the choice is "
    "not made anew in resamples"
)


@dataclass(frozen=True)
class RunComparison:
    """A score of a run over that of the base, and less it.

    Attributes:
        run: its label.
        metric: name of the score.
        images: how many it is over.
        paired: ratio and difference.
        halves: the same on the images of either half alone; nothing where halves were not asked for.
    """

    run: str
    metric: str
    images: int
    paired: Paired
    halves: tuple[Paired, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        halves = {"halves": [_values(each) for each in self.halves]} if self.halves else {}
        return {
            "run": self.run,
            "metric": self.metric,
            "images": self.images,
            **_values(self.paired),
            **halves,
        }


@dataclass(frozen=True)
class Crossed:
    """What choosing the best run is worth on images that it was not chosen on.

    Attributes:
        metric: name of the score that is chosen by, and of what is scored.
        chosen: the run scored on the first half, chosen on the second; and the other way round.
        images: how many it is over.
        score: of each image by the run that was chosen on the other half.
        paired: that score over the base's, and less it.
    """

    metric: str
    chosen: tuple[str, str]
    images: int
    score: Interval | None
    paired: Paired

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "metric": self.metric,
            "chosen": list(self.chosen),
            "images": self.images,
            "score": _interval(self.score),
            **_values(self.paired),
        }


@dataclass(frozen=True)
class Comparisons:
    """All runs against one of them.

    Attributes:
        base: label of that one.
        runs: the others, score by score.
        crossed: for each score, what a choice among all runs is worth; nothing without halves.
    """

    base: str
    runs: tuple[RunComparison, ...]
    crossed: tuple[Crossed, ...] = ()

    @property
    def rule(self) -> str:
        """How it was made, in a sentence or two."""
        return f"{_RULE}; {_HALVES}" if self.crossed else _RULE

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        crossed = {"crossed": [each.to_dict() for each in self.crossed]} if self.crossed else {}
        runs = [each.to_dict() for each in self.runs]
        return {"base": self.base, "rule": self.rule, "runs": runs, **crossed}


def check_base(base: str | None, halves: bool, labels: Sequence[str], images: int) -> None:
    """Refuse what cannot be compared before anything is measured.

    Args:
        base: label of the run that others are held against; None: nothing is compared.
        halves: whether both halves are scored, too.
        labels: of all runs.
        images: how many there are.

    Raises:
        UnknownNameError: a base that is no run.
        BadOptionError: a base alone, halves without a base, or halves of a single image.
    """
    if base is None:
        if halves:
            raise BadOptionError(
                "Halves are for comparing runs, and no run to compare with was named. Add --ratio-to RUN "
                "(ratio_to= in Python)."
            )
        return
    if base not in labels:
        raise UnknownNameError("run", base, labels, where="Runs are called as in the report")
    if len(labels) < 2:
        raise BadOptionError(
            f"The run {base} is the only one, and it takes two to compare. Add a method: --method "
            f"{base},OTHER."
        )
    if halves and images < 2:
        raise BadOptionError("Halves take two images or more, got one. Leave --halves out.")


def comparisons_of(
    runs: Mapping[str, Sequence[DrawnScore]],
    base: str,
    image_ids: Sequence[str],
    *,
    halves: bool = False,
    seed: int = 0,
) -> Comparisons:
    """Every run against one of them, in every score that both have.

    Args:
        runs: label -> scores, all of the same images.
        base: label of the run that others are held against.
        image_ids: in the order of evaluation, by which halves are told.
        halves: whether both halves are scored, and a choice on one of them on the other.
        seed: of the bootstraps.

    Raises:
        BadSampleError: runs with scores on different images.
    """
    first = set(image_ids[::2])
    scores = {
        label: {each.metric: each for each in run if each.images} for label, run in runs.items()
    }
    compared: list[RunComparison] = []
    crossed: list[Crossed] = []
    for metric, own in scores[base].items():
        some = {label: run[metric] for label, run in scores.items() if metric in run}
        _check_images(metric, own, some)
        half = np.array([image in first for image in own.images])
        of_half = (half, ~half) if halves else ()
        ground = [resampled(own, seed=seed, only=only) for only in (None, *of_half)]
        for label, score in some.items():
            if label != base:
                values = [resampled(score, seed=seed, only=only) for only in (None, *of_half)]
                whole, *parts = map(Paired.of, values, ground)
                images = len(own.images)
                compared.append(RunComparison(label, metric, images, whole, tuple(parts)))
        if halves:
            crossed += _crossed(metric, some, half, ground[0], seed)
    order = list(runs)
    compared.sort(key=lambda each: order.index(each.run))  # stable: scores stay in their order
    return Comparisons(base, tuple(compared), tuple(crossed))


def _crossed(
    metric: str,
    scores: Scores,
    first: NDArray[np.bool_],
    ground: NDArray[np.float64],
    seed: int,
) -> list[Crossed]:
    """Of one metric; nothing where a half has no score to choose by.

    Args:
        metric: its name.
        scores: of all runs, by label.
        first: bool (images,), the first half.
        ground: the base's values under the draws.
        seed: of the draws.
    """
    best = [_best(scores, half) for half in (~first, first)]
    if best[0] is None or best[1] is None:
        return []
    mixed = scores[best[0]].mixed(scores[best[1]], first)
    values = resampled(mixed, seed=seed)
    pair = Paired.of(values, ground)
    return [Crossed(metric, (best[0], best[1]), len(first), interval_of(values), pair)]


def _best(scores: Scores, half: NDArray[np.bool_]) -> str | None:
    """The run with the largest score on some images, the first of equals."""
    draws = half.astype(np.int64)[None]
    values = (
        {label: float(score.of(draws)[0]) for label, score in scores.items()} if half.any() else {}
    )
    finite = {label: value for label, value in values.items() if np.isfinite(value)}
    return max(finite, key=lambda label: finite[label]) if finite else None


def _check_images(metric: str, own: DrawnScore, scores: Scores) -> None:
    for label, score in scores.items():
        if score.images != own.images:
            raise BadSampleError(
                f"{metric} is compared image by image, and {label} has it on other images "
                f"({len(score.images):,}) than the run it is compared with ({len(own.images):,})."
            )


def _values(paired: Paired) -> dict[str, Any]:
    return {"ratio": _interval(paired.ratio), "difference": _interval(paired.difference)}


def _interval(interval: Interval | None) -> dict[str, float | None]:
    value, low, high = interval or (None, None, None)
    return {"value": value, "low": low, "high": high}
