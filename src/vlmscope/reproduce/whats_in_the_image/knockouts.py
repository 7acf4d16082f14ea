"""What a description loses when edges from the image are blocked, by the objects it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.knockout import KnockoutOptions, KnockoutSweep, knockout_sweep
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.depths import layers_between
from vlmscope.reproduce.whats_in_the_image.paper import HALF, LLAVA_WINDOW, QUARTER
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, mean_score, shown, together

__all__ = ["EDGES", "KNOCKOUTS", "measure_from_half", "measure_outside"]

EDGES = ("image->generated", "image->query", "image->both")

KNOCKOUTS = {"outside": len(EDGES) * 3, "from half": 2}
"""How many knock-outs are asked of the model for an image, by part."""

_COLUMNS = ("blocked", "in layers", "F1", "interval", "images")
_NOTE = (
    "F1 of the objects named, against the description without a knock-out; images whose description "
    "names no object of the list are left out. The last prompt position counts as query, as in the "
    "published code."
)


class _Place(NamedTuple):
    """Edges and a window of a sweep; -1: all layers."""

    edges: str
    window: int


_OUTSIDE = {
    "f1-image-generated": _Place("image->generated", -1),
    "f1-image-query": _Place("image->query", -1),
    "f1-quarter-low": _Place("image->both", 0),
    "f1-quarter-high": _Place("image->both", 0),
    "f1-llava-window": _Place("image->both", 1),
}
_FROM_HALF = {"f1-after-half": _Place("image->both", 0)}


def measure_outside(job: Job, state: Path | None) -> Part:
    """F1 with edges blocked everywhere, and everywhere but in a window.

    Args:
        job: model, images and settings.
        state: file of finished images; None: nowhere.
    """
    depth = len(job.model.layers)
    windows = (layers_between(depth, *QUARTER), layers_between(depth, *LLAVA_WINDOW))
    return _measure(job, state, EDGES, "outside", windows, _OUTSIDE)


def measure_from_half(job: Job, state: Path | None) -> Part:
    """F1 with the image blocked from half of the depth on; see :func:`measure_outside`."""
    depth = len(job.model.layers)
    return _measure(
        job, state, ("image->both",), "from", (layers_between(depth, HALF, 1.0),), _FROM_HALF
    )


def _measure(
    job: Job,
    state: Path | None,
    edges: tuple[str, ...],
    mode: str,
    windows: tuple[tuple[int, ...], ...],
    places: dict[str, _Place],
) -> Part:
    options = KnockoutOptions(
        edges=";".join(edges),
        mode=mode,
        windows=windows,
        ask=True,
        max_new_tokens=job.max_new_tokens,
        seed=job.seed,
    )
    swept = knockout_sweep(
        job.model, job.images, options, objects=job.words, resume=state, progress=job.progress
    )
    scores = {id: mean_score(id, _f1(swept, *place), seed=job.seed) for id, place in places.items()}
    title = (
        "Objects named, blocked outside of a window"
        if mode == "outside"
        else ("Objects named, blocked from half of the depth on")
    )
    table = Table(f"knockouts-{mode}", title, _COLUMNS, list(_rows(swept, job.seed)), _NOTE)
    return Part(scores, (table,), swept.run, together(job.images.skipped, swept.skipped))


def _f1(swept: KnockoutSweep, edges: str, window: int) -> NDArray[np.float64]:
    """Float (images,); NaN where the clean description names no object."""
    lost = swept.effects("f1_lost")[swept.edges.index(edges), window, 0]
    return np.asarray(1.0 - lost)


def _rows(swept: KnockoutSweep, seed: int) -> Iterator[tuple[object, ...]]:
    for edges in swept.edges:
        for number, window in enumerate(swept.windows):
            score = mean_score("F1", _f1(swept, edges, number), seed=seed)
            yield edges, _layers(window.blocked, swept.depth), *shown(score)


def _layers(blocked: tuple[int, ...], depth: int) -> str:
    """``all``, or runs of layers such as ``0-1+4-5``."""
    if len(blocked) == depth:
        return "all"
    starts = [layer for layer in blocked if layer - 1 not in blocked]
    ends = [layer for layer in blocked if layer + 1 not in blocked]
    return "+".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
