"""Curves with intervals: temperature, iterations, depth, and what iterations do to the projections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.reproduce.gem.counts import mean_iou
from vlmscope.reproduce.gem.findings import few_classes
from vlmscope.reproduce.gem.iterating import JOINED
from vlmscope.reproduce.gem.outcomes import ModelOutcome
from vlmscope.reproduce.gem.spectra import PROJECTIONS
from vlmscope.reproduce.gem.tables import iteration_way
from vlmscope.reproduce.gem.ways import GEM, ITERATIONS
from vlmscope.reproduce.reproductions import Plot
from vlmscope.stats import Interval, bootstrap

__all__ = ["plots_of"]


def plots_of(outcomes: Sequence[ModelOutcome]) -> tuple[Plot, ...]:
    """All plots; models share one where their curves have the same places."""
    several = len(outcomes) > 1
    return (
        _temperature(outcomes),
        *(_iterations(outcome, several) for outcome in outcomes),
        *(_depth(outcome, several) for outcome in outcomes),
        *(plot for outcome in outcomes for plot in _mechanisms(outcome, several)),
    )


def _temperature(outcomes: Sequence[ModelOutcome]) -> Plot:
    constants = outcomes[0].group("temperature")
    series: dict[str, Sequence[Interval]] = {}
    for outcome in outcomes:
        of = f", {outcome.model}" if len(outcomes) > 1 else ""
        series[f"constant{of}"] = [outcome.mious[way["id"]] for way in constants]
        series[f"adaptive{of}"] = [outcome.mious[GEM]] * len(constants)
    return Plot(
        "temperature",
        "Temperature",
        series,
        [way["place"] for way in constants],
        "inverse temperature",
        "mIoU",
        "The adaptive rule is drawn across: it has one value, not a place on the axis.",
        "log",
    )


def _iterations(outcome: ModelOutcome, several: bool) -> Plot:
    few = few_classes(outcome)
    groups = {"all images": few | True, "few classes": few, "many classes": ~few}
    series = {
        name: [
            mean_iou(outcome.counts[iteration_way(n)].only(np.flatnonzero(group)), outcome.seed)
            for n in ITERATIONS
        ]
        for name, group in groups.items()
        if group.any()
    }
    return Plot(
        "iterations",
        _titled("Iterations and the number of classes in an image", outcome, several),
        series,
        ITERATIONS,
        "iterations",
        "mIoU",
        "mIoU is over the classes that are present: groups of images are not held against each other.",
    )


def _depth(outcome: ModelOutcome, several: bool) -> Plot:
    published = (float(outcome.stated["depth"]), outcome.mious[GEM])
    others = [(way["place"], outcome.mious[way["id"]]) for way in outcome.group("depth")]
    places = sorted([published, *others], key=lambda each: each[0])
    return Plot(
        "depth",
        _titled("How many of the last blocks have a GEM path", outcome, several),
        {"mIoU": [interval for _, interval in places]},
        [place for place, _ in places],
        "blocks",
        "mIoU",
    )


def _mechanisms(outcome: ModelOutcome, several: bool) -> list[Plot]:
    gap = outcome.iterating("within") - outcome.iterating("across")
    shown: Mapping[str, tuple[str, NDArray[np.float64], str, str]] = {
        "spread": (
            "How far apart the projected vectors are",
            outcome.iterating("spread"),
            "1 - mean cosine",
            "1 less the mean cosine of two vectors, over the blocks with a GEM path",
        ),
        "largest": (
            "The largest cluster",
            outcome.iterating("largest"),
            "share of the patches",
            f"the largest cluster's share; patches are joined by a cosine of at least {JOINED:g}, last block",
        ),
        "gap": (
            "Objects in the projected vectors",
            gap,
            "difference of cosines",
            "cosine within classes less across classes, last block",
        ),
    }
    return [
        Plot(
            id,
            _titled(title, outcome, several),
            {
                f"{p}-{p}": _over_images(values[:, i], outcome.seed)
                for i, p in enumerate(PROJECTIONS)
            },
            ITERATIONS,
            "iterations",
            label,
            f"{caption[0].upper()}{caption[1:]}; intervals over images.",
        )
        for id, (title, values, label, caption) in shown.items()
        if not np.isnan(values).all(axis=(1, 2)).all()
    ]


def _over_images(values: NDArray[np.float64], seed: int) -> list[Interval]:
    kept = values[~np.isnan(values).any(axis=1)]
    return [bootstrap(column, seed=seed) for column in kept.T]


def _titled(title: str, outcome: ModelOutcome, several: bool) -> str:
    return f"{title}: {outcome.model}" if several else title
