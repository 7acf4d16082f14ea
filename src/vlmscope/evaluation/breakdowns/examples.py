"""Which sentences a report shows: each run's best and worst, and some that nobody chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.evaluation.breakdowns.failures import drawn_order
from vlmscope.evaluation.rows import Rows

__all__ = ["RULE", "RunExamples", "examples_of"]

_EXTREMES, _UNCHOSEN = 4, 12

RULE = (
    f"Best and worst: the {_EXTREMES} sentences with the largest and the smallest IoU of the boxes, at "
    "most one per image; equal ones by the IoU of the masks, then by lot. Unchosen: the "
    f"{_UNCHOSEN} sentences that a draw by the seed and the sentences' ids alone puts first (SHA-256 of "
    "both), the same for every run and whatever was measured."
)

_Key = tuple[float, float, str]
_Row = Mapping[str, Any]


@dataclass(frozen=True)
class RunExamples:
    """Rows of one run that are shown.

    Attributes:
        label: of the run.
        best: its largest IoUs, the largest first.
        worst: its smallest, the smallest first.
        unchosen: drawn by seed and ids alone.
    """

    label: str
    best: tuple[_Row, ...]
    worst: tuple[_Row, ...]
    unchosen: tuple[_Row, ...]

    @property
    def rows(self) -> tuple[_Row, ...]:
        """All of them; a sentence may occur twice."""
        return (*self.best, *self.worst, *self.unchosen)

    def to_dict(self) -> dict[str, Any]:
        """JSON values: ids of sentences."""
        groups = {"best": self.best, "worst": self.worst, "unchosen": self.unchosen}
        return {name: [row["id"] for row in rows] for name, rows in groups.items()}


def examples_of(label: str, rows: Rows, *, seed: int = 0) -> RunExamples:
    """The examples of a run by :data:`RULE`; rows are read once, and a few are kept.

    Args:
        label: of the run.
        rows: of its sentences.
        seed: of the draw.
    """
    drawn = _Least(_UNCHOSEN, lambda row: (0.0, 0.0, drawn_order(seed, row["id"])), _sentence)
    best = _Least(_EXTREMES, lambda row: _quality(row, -1, seed), _image)
    worst = _Least(_EXTREMES, lambda row: _quality(row, 1, seed), _image)
    for row in rows:
        drawn.add(row)
        if not row["absent"]:
            best.add(row)
            worst.add(row)
    return RunExamples(label, best.rows(), worst.rows(), drawn.rows())


def _quality(row: _Row, sign: int, seed: int) -> _Key:
    return sign * row["iou"], sign * (row["mask_iou"] or 0.0), drawn_order(seed, row["id"])


def _image(row: _Row) -> object:
    return row["image"]


def _sentence(row: _Row) -> object:
    return row["image"], row["id"]


class _Least:
    """The rows with the smallest keys, one of each group at most.

    A row that was pushed out was beaten by as many groups as are kept, so it need not be remembered.
    """

    def __init__(
        self, most: int, key: Callable[[_Row], _Key], group: Callable[[_Row], object]
    ) -> None:
        self._most, self._key, self._group = most, key, group
        self._kept: dict[object, tuple[_Key, _Row]] = {}

    def add(self, row: _Row) -> None:
        key, group = self._key(row), self._group(row)
        if group in self._kept:
            if key < self._kept[group][0]:
                self._kept[group] = key, row
            return
        self._kept[group] = key, row
        if len(self._kept) > self._most:
            del self._kept[max(self._kept, key=lambda each: self._kept[each][0])]

    def rows(self) -> tuple[_Row, ...]:
        return tuple(row for _, row in sorted(self._kept.values(), key=_first))


def _first(pair: Sequence[Any]) -> Any:
    return pair[0]
