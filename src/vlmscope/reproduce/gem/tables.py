"""Numbers beside the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vlmscope.reproduce.gem.counts import difference, mean_iou
from vlmscope.reproduce.gem.findings import few_classes
from vlmscope.reproduce.gem.images import MEANS
from vlmscope.reproduce.gem.iterating import JOINED, MEASURES
from vlmscope.reproduce.gem.outcomes import ModelOutcome
from vlmscope.reproduce.gem.paper import FIGURES, VOC_BASELINES, VOC_ITERATIONS
from vlmscope.reproduce.gem.spectra import PROJECTIONS
from vlmscope.reproduce.gem.ways import GEM, ITERATIONS
from vlmscope.reproduce.reproductions import Table
from vlmscope.stats import Interval

__all__ = ["iteration_way", "tables_of"]

_SCORES = (
    *("setting", "mIoU", "interval", "less published", "interval of that"),
    *("pointing", "interval of pointing"),
)
_SCORES_NOTE = (
    "less published: mIoU less that of the first line, over the same resampled images. Pointing: share "
    "of objects on which the peak of their class lies."
)
_SOURCES = ("setting", "mIoU", *MEANS[:2], "difference", *MEANS[2:], "difference of texts")
_SOURCES_NOTE = (
    "At the end of the dense path, means over images. Within, across: cosine of two patches of one class "
    "and of two; class token, right text, other texts: cosine of labelled patches with the image's own "
    "embedding, the text of their class, and those of the image's other classes."
)
_CLUSTERS_NOTE = (
    "Of unit vectors, in the blocks with a GEM path: spread, 1 less their mean cosine; effective "
    "clusters, n^2 over the sum of squared cosines. In the last block: clusters of patches that are "
    f"joined by a cosine of at least {JOINED:g}, the largest one's share of the patches, cosine within "
    "and across classes. Means over heads and images."
)
_BLOCKS_NOTE = (
    "Spectral norm of each head's weights, mean and range over heads; below 1 a projection is a "
    "contraction of what norm1 hands it. Temperature: the adaptive inverse temperature, mean over "
    "images, in the blocks with a GEM path."
)


def tables_of(outcomes: Sequence[ModelOutcome]) -> tuple[Table, ...]:
    """All tables, model by model."""
    several = len(outcomes) > 1
    return (
        *([_models(outcomes)] if several else []),
        *(
            replace(
                table,
                id=f"{table.id}-{number}" if number else table.id,
                title=f"{table.title}: {outcome.model}" if several else table.title,
            )
            for number, outcome in enumerate(outcomes)
            for table in _of_model(outcome)
        ),
        _published(),
    )


def iteration_way(count: int) -> str:
    """Id of the way with so many iterations; one is the published setting."""
    return GEM if count == 1 else f"iterations-{count}"


def _of_model(outcome: ModelOutcome) -> list[Table]:
    return [
        Table("settings", "Settings", _SCORES, _score_rows(outcome), _chosen(outcome)),
        Table(
            "sources",
            "Settings and what patches are like",
            _SOURCES,
            _source_rows(outcome),
            _SOURCES_NOTE,
        ),
        Table(
            "iterations",
            "Iterations and the number of classes",
            (
                "iterations",
                *_column("all images"),
                *_column("few classes"),
                *_column("many classes"),
            ),
            _iteration_rows(outcome),
            f"mIoU. Few: at most {_median(outcome):g} classes in the image, the median.",
        ),
        Table(
            "clusters",
            "What iterations do",
            ("projection", "iterations", *_CLUSTERS),
            _cluster_rows(outcome),
            _CLUSTERS_NOTE,
        ),
        Table(
            "blocks",
            "Projections and temperature, block by block",
            ("block", *PROJECTIONS, "heads below 1", "temperature"),
            _block_rows(outcome),
            _BLOCKS_NOTE,
        ),
    ]


def _column(name: str) -> tuple[str, str]:
    return name, f"interval, {name.split()[0]}"


_CLUSTERS = ("spread", "effective clusters", "clusters", "largest", "within", "across")


def _score_rows(outcome: ModelOutcome) -> list[tuple[object, ...]]:
    published = outcome.counts[GEM]
    rows: list[tuple[object, ...]] = []
    for way in outcome.ways:
        id = way["id"]
        less = None if id == GEM else difference(outcome.counts[id], published, outcome.seed)
        shown = (outcome.mious[id], less, outcome.pointing.get(id))
        rows.append((way["title"], *(cell for each in shown for cell in _shown(each))))
    return rows


def _source_rows(outcome: ModelOutcome) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for way in outcome.ways:
        id = way["id"]
        within, across, *others = (_mean(outcome.means(id, name)) for name in MEANS)
        gap, margin = _mean(outcome.gap(id)), _mean(outcome.margin(id))
        miou = outcome.mious[id].value
        rows.append((way["title"], miou, within, across, gap, *others, margin))
    return rows


def _chosen(outcome: ModelOutcome) -> str:
    constants = {way["id"]: way["title"] for way in outcome.group("temperature")}
    _, both = outcome.counts.crossed(list(constants))
    even, odd = (constants[way] for way in both)
    which = even if even == odd else f"{even} for even images, {odd} for odd ones"
    return f"{_SCORES_NOTE} The best constant, by the other half of the images: {which}."


def _iteration_rows(outcome: ModelOutcome) -> list[tuple[object, ...]]:
    few = few_classes(outcome)
    groups = [np.flatnonzero(group) for group in (few, ~few)]
    rows: list[tuple[object, ...]] = []
    for count in ITERATIONS:
        way = iteration_way(count)
        parts = [
            mean_iou(outcome.counts[way].only(group), outcome.seed) if len(group) else None
            for group in groups
        ]
        cells = [cell for each in (outcome.mious[way], *parts) for cell in _shown(each)]
        rows.append((count, *cells))
    return rows


def _cluster_rows(outcome: ModelOutcome) -> list[tuple[object, ...]]:
    values = {name: outcome.iterating(name) for name in MEASURES}
    return [
        (p, count, *(_mean(values[name][:, place, index]) for name in MEASURES))
        for place, p in enumerate(PROJECTIONS)
        for index, count in enumerate(ITERATIONS)
    ]


def _block_rows(outcome: ModelOutcome) -> list[tuple[object, ...]]:
    first = len(outcome.norms) - outcome.stated["depth"]
    temperatures = outcome.temperatures.mean(axis=0)
    rows: list[tuple[object, ...]] = []
    for number, norms in enumerate(outcome.norms):
        every = [norm for p in PROJECTIONS for norm in norms[p]]
        below = float(np.mean([norm < 1 for norm in every]))
        temperature = float(temperatures[number - first]) if number >= first else None
        rows.append((number, *(_range(norms[p]) for p in PROJECTIONS), f"{below:.0%}", temperature))
    return rows


def _models(outcomes: Sequence[ModelOutcome]) -> Table:
    """The published setting and the methods beside it, model by model, nothing tuned."""
    columns = ("model", "patch", "patches", "GEM", "interval", "pointing", *VOC_BASELINES)
    rows = [
        (
            outcome.model,
            outcome.stated["patch"],
            "x".join(map(str, outcome.stated["grid"])),
            *_shown(outcome.mious[GEM]),
            _value(outcome.pointing.get(GEM)),
            *(_value(outcome.mious[name]) for name in VOC_BASELINES),
        )
        for outcome in outcomes
    ]
    return Table("models", "Models side by side", columns, rows, "mIoU, parameters untouched.")


def _published() -> Table:
    iterations = ", ".join(f"{value:.1%}" for value in VOC_ITERATIONS)
    baselines = ", ".join(f"{name} {value:.1%}" for name, value in VOC_BASELINES.items())
    rows = [(model, *(f"{value:.1%}" for value in values)) for model, *values in FIGURES]
    return Table(
        "published",
        "Published figures",
        ("model", "VOC", "Context", "OpenImages V7, points"),
        rows,
        f"mIoU of GEM. CLIP B/16 on VOC with 0 to 4 iterations: {iterations}; other methods: {baselines}.",
    )


def _shown(interval: Interval | None) -> tuple[float | None, str]:
    if interval is None:
        return None, "-"
    return interval.value, f"{interval.low:.3f} to {interval.high:.3f}"


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _range(norms: Sequence[float]) -> str:
    return f"{np.mean(norms):.2f} ({min(norms):.2f} to {max(norms):.2f})"


def _mean(values: np.ndarray) -> float | None:  # type: ignore[type-arg]
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else None


def _median(outcome: ModelOutcome) -> float:
    return float(np.median(outcome.counts.present))
