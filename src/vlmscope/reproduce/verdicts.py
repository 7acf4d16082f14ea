"""What a measurement says of a claim: confirmed, refuted, or undecided, and why."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.measurements import Measurement
from vlmscope.stats import Interval

__all__ = ["CONFIRMED", "REFUTED", "RULE", "UNDECIDED", "Verdict", "judge"]

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"

RULE = (
    "A claimed value is confirmed where the interval holds it, and refuted where the interval lies "
    "wholly below it (of what is claimed to be low: wholly above; of what may be wrong either way: "
    "beside it). A claimed range is confirmed where the interval lies wholly inside, refuted where it "
    "lies wholly outside on the side that speaks against the claim. Everything else is undecided, and "
    "so is whatever was measured on part of a set, under a limit, or on another model or set than the "
    "claim's own."
)
"""How :func:`judge` decides, in words."""


@dataclass(frozen=True)
class Verdict:
    """A word and why.

    Attributes:
        word: ``confirmed``, ``refuted`` or ``undecided``.
        reason: a clause.
    """

    word: str
    reason: str

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


def judge(claim: Claim, measurement: Measurement) -> Verdict:
    """The verdict on a claim, by :data:`RULE`."""
    hindrance = _hindrance(claim, measurement)
    if hindrance:
        return Verdict(UNDECIDED, hindrance)
    assert measurement.score is not None and measurement.score.interval is not None
    return _compared(claim, measurement.score.interval)


def _hindrance(claim: Claim, measurement: Measurement) -> str:
    """Why the measurement decides nothing, or ""."""
    if measurement.missing:
        return measurement.missing
    if measurement.score is None or measurement.score.interval is None:
        return "nothing could be measured"
    if not claim.has_number:
        return "no number of it is published"
    reasons = list(measurement.reservations)
    models = ", ".join(claim.models)
    if models and measurement.model != models:
        reasons.append(f"measured on {measurement.model}, the claim is of {models}")
    if claim.dataset and measurement.dataset != claim.dataset:
        reasons.append(f"measured on {measurement.dataset}, the claim is of {claim.dataset}")
    return "; ".join(reasons)


def _compared(claim: Claim, interval: Interval) -> Verdict:
    inside = claim.low <= interval.low and interval.high <= claim.high
    holds = interval.low <= claim.low <= interval.high
    if inside if claim.is_range else holds:
        found = "lies inside" if claim.is_range else "holds the published value"
        return Verdict(CONFIRMED, f"the interval {found}")
    below, above = interval.high < claim.low, interval.low > claim.high
    if not (below or above):
        return Verdict(UNDECIDED, "the interval lies partly outside the published range")
    side = "below" if below else "above"
    against = {"higher": below, "lower": above, "either": True}[claim.direction]
    word = REFUTED if against else UNDECIDED
    return Verdict(word, f"the interval lies wholly {side} the published value")
