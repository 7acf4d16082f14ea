"""The objects of a folder, in memory: what a list shows of each, and what it is filtered by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmscope.labels.audit.strata import Stratum, stratified
from vlmscope.labels.decided import Key
from vlmscope.labels.folder import LabelFolder

__all__ = ["ListedObject", "Objects"]

_COLUMNS = ("id", "phrase", "instance", "box", "score", "warnings", "width", "height")


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object.

    Attributes:
        id: of its image.
        phrase, instance: likewise.
        box: xyxy, float pixels of the upright image.
        score: None: it has none.
        warnings: sentences to read before trusting it.
        size: (height, width) of the image; None: not said.
        stratum: number of its stratum.
    """

    id: str
    phrase: str
    instance: int
    box: tuple[float, ...]
    score: float | None
    warnings: tuple[str, ...]
    size: tuple[int, int] | None
    stratum: int = 0

    @property
    def key(self) -> Key:
        """What is unique of it."""
        return self.id, self.phrase, self.instance


class Objects:
    """Every object of a folder, some 300 bytes each, in the order of its parts.

    Args:
        labels: the folder.

    Raises:
        MissingExtraError, OutputError: as for its rows.
    """

    def __init__(self, labels: LabelFolder) -> None:
        rows = [row for row in labels.rows(_COLUMNS) if row["box"] is not None]
        numbers, self.strata = _strata(rows)
        self.each = [_listed(row, number) for row, number in zip(rows, numbers, strict=True)]
        self.by_key = {each.key: each for each in self.each}
        self.images = {each.id for each in self.each}

    def chosen(
        self, least_score: float | None = None, warned: bool | None = None
    ) -> Iterator[ListedObject]:
        """Those of a score of at least so much, and with or without a warning; None: any."""
        for each in self.each:
            if least_score is not None and (each.score is None or each.score < least_score):
                continue
            if warned is None or bool(each.warnings) == warned:
                yield each


def _listed(row: dict[str, Any], stratum: int) -> ListedObject:
    size = (row["height"], row["width"])
    return ListedObject(
        id=row["id"],
        phrase=row["phrase"],
        instance=row["instance"] or 0,
        box=tuple(row["box"]),
        score=_number(row["score"]),
        warnings=tuple(row["warnings"]),
        size=None if None in size else size,
        stratum=stratum,
    )


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _strata(rows: list[dict[str, Any]]) -> tuple[list[int], tuple[Stratum, ...]]:
    """The stratum of each row, as a sample for an audit has them, and the strata with nothing drawn."""
    if not rows:
        return [], ()
    scores = np.array([math.nan if row["score"] is None else row["score"] for row in rows])
    warned = np.array([bool(row["warnings"]) for row in rows])
    numbers, bins = stratified(scores, warned)
    strata = []
    for number, score_bin in enumerate(bins.tolist()):
        inside = numbers == number
        own = scores[inside]
        known = bool(np.isfinite(own).all())
        low, high = (float(own.min()), float(own.max())) if known else (None, None)
        strata.append(
            Stratum(int(score_bin), low, high, bool(warned[inside][0]), int(inside.sum()), 0)
        )
    return numbers.tolist(), tuple(strata)
