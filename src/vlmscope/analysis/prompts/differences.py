"""What differs between questions and an open-ended prompt on the same pictures, paired by picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.analysis.prompts.looks import ROWS_READ
from vlmscope.analysis.prompts.result import PromptAblation
from vlmscope.analysis.prompts.variants import CLEAN
from vlmscope.metrics.image_sums import SENTENCES, ImageSums
from vlmscope.metrics.paired import interval_of, paired, resampled, summed_scores
from vlmscope.stats import Interval

__all__ = ["PromptDifference", "differences"]

_SHARES = {
    "image": "on the image",
    "object": "on the object",
    "elsewhere": "on another's object",
}


@dataclass(frozen=True)
class PromptDifference:
    """One measure under both prompts.

    Attributes:
        name: of the measure.
        pictures: that have it under both.
        asked, other: its mean under the questions, and under the open-ended prompt.
        difference: the first less the second, paired by picture.
    """

    name: str
    pictures: int
    asked: Interval
    other: Interval
    difference: Interval


def differences(
    looks: Sequence[Mapping[str, Any]], asked: PromptAblation, other: PromptAblation, seed: int = 0
) -> list[PromptDifference]:
    """Shares of attention first, then the log-probability under every change that both prompts allow.

    Args:
        looks: records of :func:`vlmscope.analysis.prompts.looks.looks_of`.
        asked, other: the ablations.
        seed: of the intervals.
    """
    found = [*_shares(looks, seed)]
    for name in asked.names:
        if name != CLEAN and name in other.names:
            sides = _per_token(asked, name), _per_token(other, name)
            rows = [
                (each, sides[0][each["asked"]], sides[1][each["open"]])
                for each in looks
                if each["asked"] in sides[0] and each["open"] in sides[1]
            ]
            if rows:
                found.append(_difference(f"log p: {name}", rows, seed))
    return found


def _shares(looks: Sequence[Mapping[str, Any]], seed: int) -> Iterator[PromptDifference]:
    for number, row in enumerate(ROWS_READ):
        for key, name in _SHARES.items():
            rows = [
                (each, each["looks asked"][key][number], each["looks open"][key][number])
                for each in looks
                if key in each["looks asked"]
            ]
            if rows:
                yield _difference(f"{row}: {name}", rows, seed)


def _per_token(ablation: PromptAblation, name: str) -> dict[str, float]:
    """By question the mean change of a kind, per token of the answer."""
    tokens = {question["id"]: max(1, question["tokens"]) for question in ablation.questions}
    changes: dict[str, list[float]] = {}
    for row in ablation.rows():
        if row["variant"] == name:
            changes.setdefault(row["id"], []).append(row["log_prob_change"])
    return {key: sum(each) / len(each) / tokens[key] for key, each in changes.items()}


def _difference(
    name: str, rows: Sequence[tuple[Mapping[str, Any], float, float]], seed: int
) -> PromptDifference:
    records = [
        {"id": each["asked"], "image": each["picture"], "asked": one, "open": two}
        for each, one, two in rows
    ]
    sums = ImageSums.of(
        records, lambda each: {"asked": each["asked"], "open": each["open"], SENTENCES: 1.0}
    )
    asked, other = summed_scores(sums, ("asked", "open"))
    one, two = (interval_of(resampled(score, seed=seed)) for score in (asked, other))
    between = paired(asked, other, seed=seed).difference
    assert one is not None and two is not None and between is not None  # there are rows
    return PromptDifference(name, len(sums.images), one, two, between)
