"""A claim beside what was measured for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.metrics import Score
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.measurements import Measurement
from vlmscope.reproduce.verdicts import Verdict, judge

__all__ = ["COLUMNS", "Finding"]

COLUMNS = ("claim", "published", "measured", "interval", "n", "images", "verdict", "why")
"""Of a table of findings."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        claim: what the paper says.
        measurement: what was measured here.
    """

    claim: Claim
    measurement: Measurement

    @property
    def verdict(self) -> Verdict:
        """Confirmed, refuted or undecided."""
        return judge(self.claim, self.measurement)

    @property
    def row(self) -> tuple[str, ...]:
        """Cells under :data:`COLUMNS`; a dash where nothing was measured."""
        verdict = self.verdict
        numbers = _numbers(self.claim, self.measurement.score)
        return (self.claim.sentence, self.claim.published, *numbers, verdict.word, verdict.reason)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        verdict = self.verdict
        return {
            "claim": self.claim.to_dict(),
            "measured": self.measurement.to_dict(),
            "verdict": verdict.word,
            "reason": verdict.reason,
        }


def _numbers(claim: Claim, score: Score | None) -> tuple[str, ...]:
    """Value, interval, samples and images as they are shown."""
    if score is None or score.interval is None:
        return ("-",) * 4
    value, low, high = score.interval
    spread = f"{claim.shown(low)} to {claim.shown(high)}"
    return claim.shown(value), spread, f"{score.n:,} {score.unit}", f"{score.images:,}"
