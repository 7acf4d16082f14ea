"""Samples that a job left out: where they come from and why, whoever found them unusable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.data.row_files import RowFile

__all__ = ["SkippedSample", "skipped_samples"]


@dataclass(frozen=True)
class SkippedSample:
    """A sample that could not be used, or repeats another.

    Attributes:
        place: where it comes from: ``line 7`` of a file, ``sample 6`` of a list, or its digest.
        reason: why, as a sentence.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"

    @property
    def line(self) -> int | None:
        """Its line in the file, from 1; None: it comes from no file."""
        match = re.fullmatch(r"line (\d+)", self.place)
        return None if match is None else int(match[1])

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: ``{"line": 7, "reason": ...}``, or ``id`` where there is no line."""
        where = {"id": self.place} if self.line is None else {"line": self.line}
        return {**where, "reason": self.reason}


def skipped_samples(
    samples: Iterable[Any], left_out: Iterable[tuple[str, str]]
) -> tuple[SkippedSample, ...]:
    """Everything that was left out of a list, by its place in it.

    Args:
        samples: what was gone through; a file knows itself which of its rows are bad.
        left_out: place and reason of what the job could not use.
    """
    rows: Sequence[Any] = samples.skipped if isinstance(samples, RowFile) else ()
    every = [SkippedSample(f"line {row.line}", row.reason) for row in rows]
    every += [SkippedSample(place, reason) for place, reason in left_out]
    return tuple(sorted(every, key=_number))  # stable: what has no number keeps its order


def _number(skipped: SkippedSample) -> int:
    match = re.fullmatch(r"[a-z]+ (\d+)", skipped.place)
    return 0 if match is None else int(match[1])
