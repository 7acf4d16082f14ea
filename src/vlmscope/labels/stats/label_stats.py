"""What is in a folder of labels, and how far it can be trusted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmscope.errors import BadSampleError, OutputError
from vlmscope.io import shown_path
from vlmscope.labels.audit import Decisions
from vlmscope.labels.decided import Key, decisions_about
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.objects import failed, is_object
from vlmscope.labels.stats.counts import COLUMNS, LabelCounts, Spread
from vlmscope.labels.stats.least_score import LeastScore, choose_least_score
from vlmscope.labels.stats.near import near_groups
from vlmscope.labels.stats.precision import Precision, decided_of, measure_precision

__all__ = ["LabelStats", "NearImages", "label_stats"]

_GROUPS, _MEMBERS = 1_000, 50  # of near-duplicates that are named
_WARNINGS = 100
_SAME = 1e-9  # two scores of one object


@dataclass(frozen=True)
class NearImages:
    """Images whose hashes are near another one's.

    Attributes:
        bits: how many of 64 may differ.
        images: how many images are near another one.
        groups: how many groups they make.
        named: ids by group, the largest first: a thousand groups and fifty ids of each at most.
    """

    bits: int
    images: int
    groups: int
    named: tuple[tuple[str, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        named = [list(group) for group in self.named]
        return {"bits": self.bits, "images": self.images, "groups": self.groups, "ids": named}


@dataclass(frozen=True)
class LabelStats:
    """Counts of a folder and, with decisions, its precision.

    Attributes:
        counts: of rows, images, phrases, warnings.
        scores: of the objects; None: there is none.
        areas: of their boxes, as shares of the images.
        near: near-duplicate images.
        precision: None without decisions.
        least_score: likewise.
        notes: what to know before reading it.
    """

    counts: LabelCounts
    scores: Spread | None
    areas: Spread | None
    near: NearImages
    precision: Precision | None = None
    least_score: LeastScore | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        counts = self.counts
        return {
            "images": counts.images,
            "failed_images": counts.failed,
            "images_without_objects": counts.empty,
            "rows": counts.rows,
            "objects": counts.objects,
            "failures": {
                kind: {"images": each.images, "first": each.id, "message": each.message}
                for kind, each in counts.failures.items()
            },
            "phrases": {
                text: {
                    "images": each.images,
                    "found": each.found,
                    "objects": each.objects,
                    "mean_score": each.mean_score,
                }
                for text, each in counts.phrases.items()
            },
            "never_found": counts.never_found,
            "objects_with_warnings": counts.warned,
            "warnings": dict(counts.warnings.most_common(_WARNINGS)),
            "sizes": {name: counts.sizes[name] for name in ("small", "medium", "large")},
            "scores": None if self.scores is None else self.scores.to_dict(),
            "area_shares": None if self.areas is None else self.areas.to_dict(),
            "near_duplicates": self.near.to_dict(),
            "precision": None if self.precision is None else self.precision.to_dict(),
            "least_score": None if self.least_score is None else self.least_score.to_dict(),
            "notes": list(self.notes),
        }


def label_stats(
    folder: LabelFolder | str | os.PathLike[str],
    decisions: Decisions | str | os.PathLike[str] | None = None,
    *,
    precision: float = 0.9,
    near: int = 3,
) -> LabelStats:
    """Count a folder of labels and, with decisions about a sample, say how many are right.

    The rows are read once, and once more where near-duplicates are to be named. Of each object sixteen
    bytes are kept, of each image sixteen.

    Args:
        folder: of labels, finished or not.
        decisions: those that the page of :func:`vlmscope.audit_labels` downloaded, or their file.
        precision: that the least score is to reach.
        near: images are near-duplicates when their hashes differ in so few of 64 bits, up to 8.

    Raises:
        OutputError: no folder of labels, or nothing in it.
        BadSampleError: decisions that cannot be read, of another folder, or about objects that are not in
            this one.
    """
    labels = folder if isinstance(folder, LabelFolder) else LabelFolder.open(folder)
    decided = None if decisions is None else decisions_about(labels, decisions)
    wanted = {} if decided is None else {each.key: each.score for each in decided.each}
    counts = LabelCounts()
    population = _Population(None if decided is None else decided.least_score)
    for name, rows in labels.images(COLUMNS):
        counts.add(name, rows)
        if not failed(rows):
            population.add(name, rows, wanted)
    if not counts.images:
        raise OutputError(
            f"{shown_path(labels.path)} holds no labels yet. Run the vlmscope label command that made it "
            "again: it goes on."
        )
    stats = LabelStats(
        counts,
        Spread.of(counts.known_scores()),
        Spread.of(np.frombuffer(counts.areas, dtype=np.float64)),
        _near_images(labels, counts, near),
    )
    return (
        stats if decided is None else _with_precision(stats, decided, wanted, population, precision)
    )


class _Population:
    """The objects that decisions are about, counted."""

    def __init__(self, least_score: float | None) -> None:
        self.least_score = least_score
        self.objects = 0

    def add(
        self, name: str, rows: Sequence[dict[str, Any]], wanted: dict[Key, float | None]
    ) -> None:
        """Count the objects of an image, and take those off ``wanted`` that are there."""
        for row in rows:
            if is_object(row, self.least_score):
                self.objects += 1
                key = name, row["phrase"], row["instance"] or 0
                if key in wanted and _alike(wanted[key], row["score"]):
                    del wanted[key]


def _alike(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is None and (second is None or not np.isfinite(second))
    return abs(first - second) <= _SAME * max(1.0, abs(first))


def _with_precision(
    stats: LabelStats,
    decisions: Decisions,
    missing: dict[Key, float | None],
    population: _Population,
    precision: float,
) -> LabelStats:
    if missing:
        name, phrase, instance = next(iter(missing))
        raise BadSampleError(
            f"{len(missing):,} of {len(decisions.each):,} decisions are about objects that are not in the "
            f"folder, or have another score there; the first: {phrase!r} number {instance} in {name!r}. "
            "Make a new page with vlmscope audit."
        )
    scores = stats.counts.known_scores()
    if decisions.least_score is not None:
        scores = scores[scores >= decisions.least_score]
    return LabelStats(
        stats.counts,
        stats.scores,
        stats.areas,
        stats.near,
        measure_precision(decisions),
        choose_least_score(decided_of(decisions), scores, precision),
        tuple(_notes(decisions, population)),
    )


def _notes(decisions: Decisions, population: _Population) -> list[str]:
    notes = []
    if decisions.least_score is not None:
        notes.append(
            f"The decisions are about objects of a score of at least {decisions.least_score:g}."
        )
    grown = population.objects - decisions.population
    if grown:
        notes.append(
            f"The folder had {decisions.population:,} such objects when the page was made and has "
            f"{population.objects:,} now: the precision is that of then."
        )
    return notes


def _near_images(labels: LabelFolder, counts: LabelCounts, bits: int) -> NearImages:
    groups = near_groups(np.frombuffer(counts.hashes, dtype=np.uint64), bits)
    hashed = np.frombuffer(counts.hashed, dtype=np.int64)
    shown = [hashed[places[:_MEMBERS]].tolist() for places in groups[:_GROUPS]]
    names = _ids_of(labels, {number for group in shown for number in group})
    named = tuple(tuple(names[number] for number in group) for group in shown)
    return NearImages(bits, sum(map(len, groups)), len(groups), named)


def _ids_of(labels: LabelFolder, numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    every = enumerate(name for name, _ in labels.images(("id",)))
    return {number: name for number, name in every if number in numbers}
