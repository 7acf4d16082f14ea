"""A sample of a folder's objects to be looked at, with what each stands for."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import OutputError
from vlmscope.export.formats import LabelledObject
from vlmscope.io import shown_path
from vlmscope.labels.audit.strata import Stratum, drawn_rows, stratified
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.objects import is_object, object_of_row
from vlmscope.options import check_number

__all__ = ["AuditSample", "SampledObject", "fingerprint_of", "sample_objects"]


@dataclass(frozen=True)
class SampledObject:
    """An object to be looked at.

    Attributes:
        id: of its image.
        found: the object.
        stratum: number of its stratum.
    """

    id: str
    found: LabelledObject
    stratum: int


@dataclass(frozen=True)
class AuditSample:
    """Objects to be looked at, in random order, so that whoever stops early has a sample all the same.

    Attributes:
        fingerprint: of the folder's job.
        seed: of the draw.
        least_score: objects below it were not drawn; None: all could be.
        strata: what was drawn of which.
        objects: in the order in which they are shown.
    """

    fingerprint: str
    seed: int
    least_score: float | None
    strata: tuple[Stratum, ...]
    objects: tuple[SampledObject, ...]

    @property
    def population(self) -> int:
        """How many objects there are to draw from."""
        return sum(each.objects for each in self.strata)

    def to_dict(self) -> dict[str, Any]:
        """What decisions have to know of the sample: JSON values."""
        return {
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "least_score": self.least_score,
            "strata": [each.to_dict() for each in self.strata],
        }


def sample_objects(
    labels: LabelFolder, count: int = 200, *, seed: int = 0, least_score: float | None = None
) -> AuditSample:
    """Draw objects of a folder; seventeen bytes of each are kept meanwhile.

    Args:
        labels: the folder.
        count: how many; fewer where there are fewer.
        seed: of the draw.
        least_score: objects below it, and those without a score, are not drawn.

    Raises:
        BadOptionError: a count that is none.
        OutputError: there is no such object.
    """
    check_number("count", count, at_least=1, whole=True)
    scores, warned, phrases = _read(labels, least_score)
    if not len(scores):
        least = "" if least_score is None else f" of a score of at least {least_score:g}"
        raise OutputError(
            f"{shown_path(labels.path)} holds no object{least}, so there is nothing to look at. See: "
            "vlmscope stats"
        )
    strata, bins = stratified(scores, warned)
    places, drawn = drawn_rows(strata, phrases, count, seed)
    rows = _rows_at(labels, least_score, places)
    objects = tuple(
        SampledObject(rows[place]["id"], object_of_row(rows[place]), int(strata[place]))
        for place in places.tolist()
    )
    described = tuple(
        _described(
            int(bins[number]), scores[strata == number], warned[strata == number], int(count)
        )
        for number, count in enumerate(drawn)
    )
    return AuditSample(fingerprint_of(labels), seed, least_score, described, objects)


def fingerprint_of(labels: LabelFolder) -> str:
    """What tells a job from another one; of a job.json that says none, the empty text."""
    return str(labels.job.get("fingerprint", ""))


def _read(
    labels: LabelFolder, least_score: float | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Score, warning and number of the phrase of every object."""
    scores, warned, phrases = array("d"), array("b"), array("q")
    numbers: dict[str, int] = {}
    for row in _objects(labels, ("box", "score", "phrase", "warnings"), least_score):
        scores.append(math.nan if row["score"] is None else row["score"])
        warned.append(bool(row["warnings"]))
        phrases.append(numbers.setdefault(row["phrase"], len(numbers)))
    return (
        np.frombuffer(scores, dtype=np.float64),
        np.frombuffer(warned, dtype=np.int8).astype(bool),
        np.frombuffer(phrases, dtype=np.int64),
    )


def _rows_at(
    labels: LabelFolder, least_score: float | None, places: NDArray[np.int64]
) -> dict[int, dict[str, Any]]:
    wanted = set(places.tolist())
    columns = ("id", "phrase", "instance", "box", "point", "score", "presence", "mask", "warnings")
    rows = enumerate(_objects(labels, columns, least_score))
    return {place: row for place, row in rows if place in wanted}


def _objects(
    labels: LabelFolder, columns: tuple[str, ...], least_score: float | None
) -> Iterator[dict[str, Any]]:
    return (row for row in labels.rows(columns) if is_object(row, least_score))


def _described(
    number: int, scores: NDArray[np.float64], warned: NDArray[np.bool_], drawn: int
) -> Stratum:
    """The stratum of a score bin with such objects."""
    known = bool(np.isfinite(scores).all())
    low, high = (float(scores.min()), float(scores.max())) if known else (None, None)
    return Stratum(number, low, high, bool(warned[0]), len(scores), drawn)
