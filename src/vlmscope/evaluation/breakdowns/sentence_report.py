"""What a report says of sentences beside scores: breakdowns, failures in common, examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.breakdowns import (
    BREAKDOWNS,
    REF_L4_SIZES,
    BreakdownScores,
    Failures,
    breakdown_scores,
    failures,
)
from vlmscope.evaluation.breakdowns.examples import RULE, RunExamples, examples_of
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.rows import Rows

__all__ = ["Again", "SentenceReport", "sentence_report"]

Again = Callable[[str, Sequence[str]], tuple[EvalSample, Iterator[tuple[str, list[Place]]]]]
"""From an image id and labels of runs to the image and, one after the other, each run's places in it."""


@dataclass(frozen=True, eq=False)
class SentenceReport:
    """All of it is made of rows; only pictures need the images again.

    Attributes:
        breakdowns: label of a run -> its scores part by part.
        failures: of all runs together; None for a single one.
        examples: what is shown of each run.
        seed: of bootstraps and draws.
        again: looks at an image once more, for pictures; None: there are none.
    """

    breakdowns: dict[str, list[BreakdownScores]]
    failures: Failures | None
    examples: tuple[RunExamples, ...]
    seed: int
    again: Again | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, beside those of the scores."""
        return {
            "breakdowns": {
                label: {each.id: each.to_dict() for each in scores}
                for label, scores in self.breakdowns.items()
            },
            "failures": None if self.failures is None else self.failures.to_dict(),
            "examples": {
                "rule": RULE,
                "seed": self.seed,
                "runs": {each.label: each.to_dict() for each in self.examples},
            },
        }


def sentence_report(
    dataset: str, runs: Sequence[tuple[str, Rows]], *, seed: int = 0, again: Again | None = None
) -> SentenceReport:
    """What rows say; they are gone through a few times, one by one.

    Args:
        dataset: its id.
        runs: labels with rows of the same sentences in the same order.
        seed: of bootstraps and draws.
        again: for pictures.

    Raises:
        BadSampleError: runs on different sentences.
    """
    ways = (*BREAKDOWNS, REF_L4_SIZES) if dataset == "ref-l4" else BREAKDOWNS
    breakdowns = {label: breakdown_scores(rows, ways, seed=seed) for label, rows in runs}
    labels, rows = [label for label, _ in runs], [rows for _, rows in runs]
    common = failures(labels, rows, seed=seed) if len(runs) > 1 else None
    examples = tuple(examples_of(label, each, seed=seed) for label, each in runs)
    return SentenceReport(breakdowns, common, examples, seed, again)
