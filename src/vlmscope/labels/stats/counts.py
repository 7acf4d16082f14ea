"""What a folder of labels holds, counted in one look at its rows."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.labels.objects import failed, is_object

__all__ = ["COLUMNS", "FailureKind", "LabelCounts", "PhraseCount", "Spread"]

COLUMNS = (
    *("id", "phrase", "instance", "box", "score", "width", "height", "warnings"),
    *("picture_hash", "error", "message"),
)
"""Of the rows, for :meth:`LabelCounts.add`."""

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_BINS = 10
_SMALL, _MEDIUM = 32**2, 96**2  # pixels: COCO's sizes


@dataclass(frozen=True)
class Spread:
    """How numbers are spread.

    Attributes:
        count: how many there are.
        quantiles: the least, 5 %, 25 %, the median, 75 %, 95 %, the greatest.
        edges: of ten bins of equal width.
        bins: how many lie in each.
    """

    count: int
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    bins: tuple[int, ...]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Spread | None:
        """The spread of (n,) finite numbers; None: there is none."""
        if not len(values):
            return None
        bins, edges = np.histogram(values, _BINS)
        quantiles = np.quantile(values, _QUANTILES)
        return cls(
            len(values), tuple(quantiles.tolist()), tuple(edges.tolist()), tuple(bins.tolist())
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        named = {
            f"{share:g}": value for share, value in zip(_QUANTILES, self.quantiles, strict=True)
        }
        histogram = {"edges": list(self.edges), "counts": list(self.bins)}
        return {"count": self.count, "quantiles": named, "histogram": histogram}


@dataclass
class PhraseCount:
    """What became of a phrase.

    Attributes:
        images: in how many it was looked for.
        found: in how many of them it has an object.
        objects: how many it has in all.
        scored: how many of them have a score.
        scores: the sum of these scores.
    """

    images: int = 0
    found: int = 0
    objects: int = 0
    scored: int = 0
    scores: float = 0.0

    @property
    def mean_score(self) -> float | None:
        """Of its objects; None: none has a score."""
        return self.scores / self.scored if self.scored else None


@dataclass
class FailureKind:
    """Images that failed with one class of error.

    Attributes:
        id: of the first.
        message: of the first.
        images: how many.
    """

    id: str
    message: str
    images: int = 0


@dataclass
class LabelCounts:
    """Counts that grow image by image: of each object sixteen bytes, of each image eight, and the phrases.

    Attributes:
        images: how many there are, failed ones included.
        rows: how many.
        failures: by class of error.
        empty: images in which no phrase has an object.
        phrases: by text.
        warnings: how many objects have each.
        warned: objects that have any.
        sizes: objects by COCO's sizes, of their boxes.
        scores: of the objects.
        areas: of their boxes, as a share of the image.
        hashes: of the pictures, with the number of the image.
    """

    images: int = 0
    rows: int = 0
    failures: dict[str, FailureKind] = field(default_factory=dict)
    empty: int = 0
    phrases: dict[str, PhraseCount] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    scores: array[float] = field(default_factory=lambda: array("d"))
    areas: array[float] = field(default_factory=lambda: array("d"))
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    hashed: array[int] = field(default_factory=lambda: array("q"))

    @property
    def failed(self) -> int:
        """Images that could not be labelled."""
        return sum(each.images for each in self.failures.values())

    @property
    def objects(self) -> int:
        """How many there are."""
        return len(self.areas)

    @property
    def never_found(self) -> list[str]:
        """Phrases that have no object anywhere."""
        return sorted(text for text, count in self.phrases.items() if not count.objects)

    def known_scores(self) -> NDArray[np.float64]:
        """Of the objects that have one."""
        scores = np.frombuffer(self.scores, dtype=np.float64)
        return scores[np.isfinite(scores)]

    def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Count an image."""
        number = self.images
        self.images += 1
        self.rows += len(rows)
        if failed(rows):
            self._fail(name, rows)
            return
        if rows[0]["picture_hash"] is not None:
            self.hashes.append(rows[0]["picture_hash"])
            self.hashed.append(number)
        found = Counter(row["phrase"] for row in rows if is_object(row))
        self.empty += not found
        for text in {row["phrase"] for row in rows}:
            phrase = self.phrases.setdefault(text, PhraseCount())
            phrase.images += 1
            phrase.found += text in found
        for row in rows:
            if is_object(row):
                self._object(row)

    def _fail(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        row = next(row for row in rows if row["error"] is not None)
        first = FailureKind(name, row["message"] or "")
        self.failures.setdefault(row["error"], first).images += 1

    def _object(self, row: Mapping[str, Any]) -> None:
        x0, y0, x1, y1 = row["box"]
        area = max(0.0, x1 - x0) * max(0.0, y1 - y0)
        size = "small" if area < _SMALL else "medium" if area < _MEDIUM else "large"
        self.sizes[size] += 1
        self.areas.append(area / max(1, (row["width"] or 0) * (row["height"] or 0)))
        score = math.nan if row["score"] is None else row["score"]
        self.scores.append(score)
        phrase = self.phrases[row["phrase"]]
        phrase.objects += 1
        if math.isfinite(score):
            phrase.scored += 1
            phrase.scores += score
        self.warned += bool(row["warnings"])
        self.warnings.update(row["warnings"])
