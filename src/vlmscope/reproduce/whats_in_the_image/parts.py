"""What one part of the work hands back: scores for claims, tables beside them, the record of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vlmscope.analysis.knockout import ObjectWords
from vlmscope.metrics import Score
from vlmscope.models import LoadedModel
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.images import Described
from vlmscope.stats import Interval, bootstrap

__all__ = ["Job", "Part", "mean_score", "shown", "together"]


@dataclass(frozen=True, eq=False)
class Job:
    """What every part is given.

    Attributes:
        model: that is looked into.
        images: that it describes.
        words: by which objects are known in what it says.
        max_new_tokens: longest description.
        seed: of intervals and shuffles.
        progress: show bars on stderr.
    """

    model: LoadedModel
    images: Described
    words: ObjectWords
    max_new_tokens: int
    seed: int = 0
    progress: bool = False


@dataclass(frozen=True)
class Part:
    """Results of a part.

    Attributes:
        scores: id of a claim -> what was measured for it.
        tables: numbers beside the claims.
        run: everything needed to repeat it, JSON values.
        skipped: what could not be used, and why.
        missing: why nothing was measured, as a clause; else "".
    """

    scores: Mapping[str, Score]
    tables: tuple[Table, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    missing: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values, from which :meth:`of` makes the part again."""
        tables = [
            {
                **vars(table),
                "columns": list(table.columns),
                "rows": [list(row) for row in table.rows],
            }
            for table in self.tables
        ]
        return {
            "scores": {id: _score_dict(score) for id, score in self.scores.items()},
            "tables": tables,
            "run": dict(self.run),
            "skipped": list(self.skipped),
            "missing": self.missing,
        }

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Part:
        """A part out of what :meth:`to_dict` made."""
        return cls(
            {id: _score(record) for id, record in values["scores"].items()},
            tuple(Table(**table) for table in values["tables"]),
            values["run"],
            tuple(values["skipped"]),
            values["missing"],
        )


def mean_score(name: str, values: ArrayLike, *, seed: int, unit: str = "images") -> Score:
    """The mean over images with its interval; images without the value, NaN, are left out.

    Args:
        name: of the score.
        values: float (images,).
        seed: of the interval.
        unit: what is counted.
    """
    kept = np.asarray(values, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    interval = bootstrap(kept, seed=seed) if len(kept) else None
    return Score(name, interval, len(kept), unit, len(kept))


def shown(score: Score) -> tuple[float | None, str, int]:
    """Cells of a table: value, interval, images."""
    if score.interval is None:
        return None, "-", score.images
    value, low, high = score.interval
    return value, f"{low:.3f} to {high:.3f}", score.images


def together(*groups: Iterable[object]) -> tuple[str, ...]:
    """Every reason once, in order."""
    return tuple(dict.fromkeys(str(each) for group in groups for each in group))


def _score_dict(score: Score) -> dict[str, Any]:
    interval = None if score.interval is None else list(score.interval)
    return {
        "metric": score.metric,
        "interval": interval,
        "n": score.n,
        "unit": score.unit,
        "images": score.images,
        "detail": dict(score.detail),
    }


def _score(record: Mapping[str, Any]) -> Score:
    interval = record["interval"]
    return Score(**{**record, "interval": None if interval is None else Interval(*interval)})
