"""A decision on whether a sentence means nothing: which evidence, and where the line is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vlmscope.metrics import Threshold
from vlmscope.metrics.records import Records
from vlmscope.metrics.score import Score

__all__ = ["RULE", "SCORE", "Decision", "evidence_records", "value_of"]

SCORE = "score"
"""The kind that every row has: the method's own score."""

RULE = "no split: the line belongs to the kind of evidence"
"""Where a threshold was chosen that nobody chose."""


@dataclass(frozen=True)
class Decision:
    """Sentences for which a kind of evidence says less than a threshold are rejected.

    Attributes:
        kind: id of the evidence.
        threshold: of it.
    """

    kind: str
    threshold: Threshold

    @classmethod
    def by_rule(cls, kind: str, line: float) -> Decision:
        """The decision of a kind that brings its line with it, such as yes against no."""
        return cls(kind, Threshold(line, RULE, frozenset(), frozenset()))

    @property
    def ruled(self) -> bool:
        """Whether nobody chose the threshold."""
        return self.threshold.split == RULE

    def rejects(self, row: Mapping[str, Any]) -> bool:
        """Whether the sentence of a row is held to mean nothing."""
        return self.threshold.rejects(value_of(row, self.kind))

    def records(self, rows: Records) -> Iterator[dict[str, Any]]:
        """Records of :class:`vlmscope.metrics.Absent` that hold this evidence."""
        return evidence_records(rows, self.kind)

    def scores(self, rows: Records, split: str, seed: int) -> list[Score]:
        """``absent N_acc``, ``absent T_acc`` and ``absent accuracy``, as of :class:`Threshold`.

        Args:
            rows: of the split.
            split: its name.
            seed: of the bootstrap over images.

        Raises:
            BadSampleError: the split that the threshold was chosen on, or a sentence of it.
        """
        scores = self.threshold.scores(self.records(rows), split, seed=seed)
        if self.kind == SCORE:
            return scores
        return [replace(each, detail={"by": self.kind, **each.detail}) for each in scores]


def evidence_records(rows: Records, kind: str) -> Iterator[dict[str, Any]]:
    """Rows as records of :class:`vlmscope.metrics.Absent`, a kind of evidence being the score."""
    for row in rows:
        kept = {key: row[key] for key in ("id", "image", "absent")}
        yield {**kept, "score": value_of(row, kind)}


def value_of(row: Mapping[str, Any], kind: str) -> float:
    """How much evidence of a kind there is for a row's sentence."""
    value: float = row["score"] if kind == SCORE else row["evidence"][kind]
    return value
