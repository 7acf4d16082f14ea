"""What criteria of discovery are worth beside each other: on held-out samples, and over draws."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.data.samples import grouped, read_sample
from vlmscope.errors import BadOptionError, BadSampleError, UnsupportedError
from vlmscope.heads.discover import discover_heads
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.heads.verify import verify_heads
from vlmscope.markup import one_line
from vlmscope.models import LoadedModel
from vlmscope.options import check_number
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadSet

__all__ = [
    "COMPARED",
    "CRITERIA_COLUMNS",
    "CriteriaComparison",
    "CriterionResult",
    "compare_criteria",
]

COMPARED = ("published", "contrastive", "image-mass", "coordinates")
"""Criteria that are compared unless said otherwise; the first is what the others are held against."""

CRITERIA_COLUMNS = (
    "pointing, box IoU: of the heads together on held-out samples, with 95% intervals over images; stable: "
    "mean Jaccard index of the sets from random halves of the pictures, with the middle 95% of resampled "
    "draws; shared: heads that the first criterion chose, too."
)
"""What the columns of :meth:`CriteriaComparison.table` hold."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class CriterionResult:
    """One criterion.

    Attributes:
        criterion: its name.
        heads: chosen on all samples, best first.
        pointing, mean_iou: of their combination on held-out samples.
        stability: mean Jaccard index between the sets of two draws, with the middle 95% of the
            same mean over resampled draws.
        shared: how many of the heads the first criterion chose, too.
    """

    criterion: str
    heads: tuple[Head, ...]
    pointing: Interval
    mean_iou: Interval
    stability: Interval
    shared: int


@dataclass(frozen=True)
class CriteriaComparison:
    """Criteria beside each other.

    Attributes:
        model: that was looked into.
        samples: of discovery.
        held_out: samples that heads were judged on.
        draws: random halves of the pictures.
        results: in the order asked for.
        failed: criterion -> why it found no heads.
        average_pointing: of the average of all heads that discovery reads: what choosing has to beat.
        chance_pointing: of a token drawn at random.
    """

    model: str
    samples: int
    held_out: int
    draws: int
    results: tuple[CriterionResult, ...]
    failed: dict[str, str]
    average_pointing: float | None
    chance_pointing: float

    def __repr__(self) -> str:
        points = [f"{each.criterion} {each.pointing.value:.2f}" for each in self.results]
        return one_line(self, f"{self.model}, {self.held_out} held-out samples", ", ".join(points))

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a criterion each."""
        columns = ["criterion", "heads", "pointing", "box IoU", "stable", "shared"]
        return columns, [
            [
                each.criterion,
                " ".join(map(str, each.heads)),
                str(each.pointing),
                str(each.mean_iou),
                str(each.stability),
                f"{each.shared} of {len(each.heads)}",
            ]
            for each in self.results
        ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        results = [{**asdict(r), "heads": [list(head) for head in r.heads]} for r in self.results]
        return {**asdict(self), "results": results}


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

    No criterion looks at a label; held-out samples need boxes or masks. Every sample is read once
    for each criterion, whatever the number of draws.

    Args:
        model: the model.
        samples: as for :func:`discover_heads`; several phrases of each picture, one after the other,
            where contrastive is among the criteria. All are kept in memory.
        held_out: as for :func:`verify_heads`; gone through once for each criterion.
        criteria: names of :data:`vlmscope.heads.options.CRITERIA`.
        options: the other options of discovery.
        draws: random halves of the pictures, two at least.
        progress: show bars on stderr.

    Raises:
        BadOptionError: no criterion, one that is named twice, or fewer than two draws.
        BadSampleError: no criterion found heads, fewer than two pictures, or no held-out sample.
    """
    check_number("draws", draws, at_least=2, whole=True)
    if not criteria or len(set(criteria)) < len(criteria):
        raise BadOptionError(f"Name one or more different criteria, got {list(criteria)}.")
    options = options or DiscoveryOptions()
    wanted = {name: replace(options, criterion=name) for name in criteria}
    pictures = [
        list(group) for group in grouped(itertools.starmap(read_sample, enumerate(samples)))
    ]
    if len(pictures) < 2:
        raise BadSampleError(f"Halves are drawn of two or more pictures, got {len(pictures)}.")
    judged = list(held_out)
    results: list[CriterionResult] = []
    failed: dict[str, str] = {}
    evidence = None
    with tempfile.TemporaryDirectory() as place:
        for name, settings in wanted.items():
            bench = _Bench(model, settings, Path(place) / f"{name}.state", progress)
            try:
                whole = bench.discover(pictures)
            except (BadSampleError, UnsupportedError) as error:
                failed[name] = str(error)
                continue
            sets = [set(each.heads) for each in bench.drawn(pictures, draws)]
            verified = verify_heads(model, whole, judged, progress=progress)
            assert verified.evidence is not None  # what verification adds
            evidence = verified.evidence
            first = results[0].heads if results else whole.heads
            results.append(
                CriterionResult(
                    name,
                    whole.heads,
                    evidence.pointing,
                    evidence.mean_iou,
                    _stability(sets, options.seed),
                    len({*whole.heads} & {*first}),
                )
            )
    if evidence is None:
        raise BadSampleError(f"No criterion found heads. The first: {next(iter(failed.values()))}")
    return CriteriaComparison(
        model.id,
        sum(map(len, pictures)),
        evidence.samples,
        draws,
        tuple(results),
        failed,
        evidence.average_pointing,
        evidence.chance_pointing,
    )


@dataclass(frozen=True)
class _Bench:
    model: LoadedModel
    options: DiscoveryOptions
    state: Path
    progress: bool

    def discover(self, pictures: Sequence[Sequence[Any]]) -> HeadSet:
        rows = list(itertools.chain.from_iterable(pictures))
        return discover_heads(
            self.model, rows, self.options, progress=self.progress, resume=self.state
        )

    def drawn(self, pictures: Sequence[Sequence[Any]], draws: int) -> Iterator[HeadSet]:
        """Sets from random halves of the pictures, the same halves for every criterion."""
        quiet = replace(self, progress=False)
        rng = np.random.default_rng(self.options.seed)
        for _ in range(draws):
            chosen = np.sort(rng.permutation(len(pictures))[: max(1, len(pictures) // 2)])
            yield quiet.discover([pictures[number] for number in chosen])


def _stability(sets: Sequence[set[Head]], seed: int) -> Interval:
    """Mean Jaccard index of pairs of draws; resampled, a draw is never held against itself."""
    table = np.array([[len(a & b) / len(a | b) for b in sets] for a in sets])
    rng = np.random.default_rng(seed)
    means = []
    for picks in rng.integers(0, len(sets), (_RESAMPLES, len(sets))):
        apart = picks[:, None] != picks[None, :]
        if apart.any():
            means.append(float(table[np.ix_(picks, picks)][apart].mean()))
    low, high = np.quantile(means, [0.025, 0.975])
    value = table[~np.eye(len(sets), dtype=bool)].mean()
    return Interval(float(value), float(low), float(high))
