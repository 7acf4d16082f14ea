"""Criteria are compared: discovery, random halves, held-out samples, differences."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError, BadSampleError, UnsupportedError
from vlmscope.heads.compare.discovered import Candidate, candidates_of, halves
from vlmscope.heads.compare.judged import (
    AVERAGE,
    HALVES,
    IOU,
    POINTING,
    RANDOM,
    Contender,
    Judged,
    judge_sets,
)
from vlmscope.heads.compare.result import (
    ControlResult,
    CriteriaComparison,
    CriteriaDifference,
    CriterionResult,
)
from vlmscope.heads.discover import check_depth
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.metrics.image_sums import SENTENCES
from vlmscope.metrics.paired import (
    DrawnScore,
    SummedScore,
    interval_of,
    paired,
    resampled,
    summed_scores,
)
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_number
from vlmscope.stats import Interval, bootstrap
from vlmscope.types import Head
from vlmscope.version import __version__

__all__ = ["COMPARED", "compare_criteria"]

COMPARED = ("published", "contrastive", "image-mass", "coordinates")
"""Criteria that are compared unless said otherwise; the first is what the others are held against."""


def compare_criteria(
    model: LoadedModel,
    samples: Iterable[Any],
    held_out: Iterable[Any],
    criteria: Sequence[str] = COMPARED,
    options: DiscoveryOptions | None = None,
    *,
    draws: int = 10,
    progress: bool = False,
) -> CriteriaComparison:
    """Discover heads by several criteria, judge them on other samples, and over random halves.

    No criterion looks at a label; held-out samples need boxes or masks. Every phrase is read once for
    all criteria but coordinates, which asks for its box, and every held-out sample once, whatever the
    number of draws.

    Args:
        model: the model.
        samples: as for :func:`discover_heads`; several phrases of each picture, one after the other,
            where contrastive is among the criteria. What can be gone through once is kept in memory.
        held_out: as for :func:`verify_heads`.
        criteria: names of :data:`vlmscope.heads.options.CRITERIA`.
        options: the other options of discovery.
        draws: random halves of the pictures, two at least.
        progress: show bars on stderr.

    Raises:
        BadOptionError: no criterion, one that is named twice, or fewer than two draws.
        BadSampleError: no criterion found heads, fewer than two pictures, or no held-out sample.
        UnknownNameError: a criterion that there is not.
        UnsupportedError: a model without a decoder.
    """
    check_model(model)
    check_number("draws", draws, at_least=2, whole=True)
    if not criteria or len(set(criteria)) < len(criteria):
        raise BadOptionError(f"Name one or more different criteria, got {list(criteria)}.")
    options = options or DiscoveryOptions()
    check_depth(model, options)
    candidates, failed = candidates_of(
        model, _repeatable(samples), criteria, options, progress=progress
    )
    contenders = _contenders(candidates, failed, draws, options.seed)
    if not contenders:
        raise BadSampleError(f"No criterion found heads. The first: {next(iter(failed.values()))}")
    judged = judge_sets(
        model,
        contenders,
        _repeatable(held_out),
        placement=options.placement,
        seed=options.seed,
        progress=progress,
    )
    judgement = _Judgement(judged, contenders, options.seed)
    return CriteriaComparison(
        _run(model, options, criteria, draws),
        len({digest for each in candidates.values() for digest in each.records}),
        int(judged.sums[SENTENCES].sum()),
        draws,
        tuple(judgement.result(name, candidates[name]) for name in contenders),
        tuple(judgement.control(name) for name in (AVERAGE, RANDOM)),
        tuple(judgement.differences()),
        failed,
        judged.skipped,
        judged.chance,
        {name: each.whole for name, each in contenders.items()},
        judged.rows,
    )


def _repeatable(samples: Iterable[Any]) -> Iterable[Any]:
    return list(samples) if isinstance(samples, Iterator) else samples


def _contenders(
    candidates: Mapping[str, Candidate], failed: dict[str, str], draws: int, seed: int
) -> dict[str, Contender]:
    """Each with its heads of every half; one that lacks samples in a half is moved to ``failed``."""
    pictures = sorted({each for one in candidates.values() for each in one.pictures})
    if candidates and len(pictures) < 2:
        raise BadSampleError(f"Halves are drawn of two or more pictures, got {len(pictures)}.")
    drawn = halves(pictures, draws, seed)
    contenders = {}
    for name, each in candidates.items():
        try:
            contenders[name] = Contender(each.whole, tuple(each.on(half).heads for half in drawn))
        except (BadSampleError, UnsupportedError) as error:
            failed[name] = str(error)
    return contenders


def _run(
    model: LoadedModel, options: DiscoveryOptions, criteria: Sequence[str], draws: int
) -> dict[str, Any]:
    settings = {name: value for name, value in asdict(options).items() if name != "criterion"}
    return {
        "model": model.id,
        "revision": model.revision,
        "analysis": "criteria",
        "criteria": list(criteria),
        "draws": draws,
        **settings,
        "versions": {"vlmscope": __version__},
    }


class _Judgement:
    """Intervals out of sums over images, and out of draws."""

    def __init__(self, judged: Judged, contenders: Mapping[str, Contender], seed: int) -> None:
        self._sums, self._contenders, self._seed = judged.sums, contenders, seed
        self._names = list(contenders)

    def result(self, name: str, candidate: Candidate) -> CriterionResult:
        heads = self._contenders[name].whole.heads
        first = self._contenders[self._names[0]].whole.heads
        return CriterionResult(
            name,
            heads,
            self._mean(name, POINTING),
            self._mean(name, IOU),
            self._mean(name, HALVES),
            self._interval(self._stability(name)),
            len({*heads} & {*first}),
            len(candidate.records),
            candidate.skipped,
        )

    def control(self, name: str) -> ControlResult:
        return ControlResult(name, self._mean(name, POINTING), self._mean(name, IOU))

    def differences(self) -> Iterator[CriteriaDifference]:
        """Of every two criteria, then of each and the controls."""
        same = ((POINTING, POINTING), (IOU, IOU), (HALVES, HALVES))
        for one, other in itertools.combinations(self._names, 2):
            stable = paired(self._stability(one), self._stability(other), seed=self._seed)
            scores = self._differences(one, other, same)
            yield CriteriaDifference(
                one, other, *scores, _known(stable.difference), self._overlap(one, other)
            )
        alone = ((POINTING, POINTING), (IOU, IOU), (HALVES, POINTING))
        for one, control in itertools.product(self._names, (AVERAGE, RANDOM)):
            yield CriteriaDifference(one, control, *self._differences(one, control, alone))

    def _score(self, name: str, metric: str) -> SummedScore:
        return summed_scores(self._sums, [f"{name}: {metric}"])[0]

    def _mean(self, name: str, metric: str) -> Interval:
        return self._interval(self._score(name, metric))

    def _interval(self, score: DrawnScore) -> Interval:
        return _known(interval_of(resampled(score, seed=self._seed)))

    def _differences(
        self, one: str, other: str, metrics: Sequence[tuple[str, str]]
    ) -> tuple[Interval, Interval, Interval]:
        """Pointing, box IoU, pointing of halves; of each the metric of either."""
        first, second, third = (
            _known(paired(self._score(one, a), self._score(other, b), seed=self._seed).difference)
            for a, b in metrics
        )
        return first, second, third

    def _stability(self, name: str) -> SummedScore:
        sets = [set(heads) for heads in self._contenders[name].drawn]
        return stability_score([[_jaccard(a, b) for b in sets] for a in sets])

    def _overlap(self, one: str, other: str) -> Interval:
        pairs = zip(self._contenders[one].drawn, self._contenders[other].drawn, strict=True)
        return bootstrap([_jaccard(set(a), set(b)) for a, b in pairs], seed=self._seed)


def stability_score(table: Sequence[Sequence[float]]) -> SummedScore:
    """Mean over pairs of draws as a score whose images are the draws.

    Resampled, a draw is never held against itself.

    Args:
        table: (draws, draws), the Jaccard index of the sets of two draws.
    """
    agreement = np.array(table, dtype=np.float64)
    apart = 1.0 - np.eye(len(agreement))

    def mean_of_pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = ((counts @ apart) * counts).sum(axis=1)
        agreeing = ((counts @ (apart * agreement)) * counts).sum(axis=1)
        return np.divide(agreeing, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)

    names = tuple(f"draw {number}" for number in range(len(agreement)))
    return SummedScore("stable", names, np.eye(len(agreement)), mean_of_pairs)


def _jaccard(one: set[Head], other: set[Head]) -> float:
    return len(one & other) / len(one | other)


def _known(interval: Interval | None) -> Interval:
    assert interval is not None  # there are held-out samples, and two draws at least
    return interval
