"""What was found with one model, read from the results of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vlmscope.metrics import Score
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.localization_heads.comparing import Sums
from vlmscope.reproduce.localization_heads.conditions import Condition
from vlmscope.reproduce.localization_heads.splits import PaperSplit
from vlmscope.reproduce.localization_heads.sums import scores_of
from vlmscope.reproduce.localization_heads.work import VERIFICATION, discovery_id, scoring_id
from vlmscope.types import HeadSet

__all__ = ["ModelOutcome"]


@dataclass(frozen=True, eq=False)
class ModelOutcome:
    """One model; nothing of its weights is kept.

    Attributes:
        model: id.
        stated: JSON values for the protocol: revision, dtype, quantisation, prompt ...
        conditions: prompts and placements, the paper's own first.
        trains: where heads were discovered, the one that is used first.
        scored: splits that were scored, ablations on the first.
        results: of the steps, by id.
        costs: title and cost of each step.
        seed: of the bootstraps.
    """

    model: str
    stated: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    trains: tuple[PaperSplit, ...]
    scored: tuple[PaperSplit, ...]
    results: Mapping[str, Any] = field(repr=False)
    costs: tuple[tuple[str, Cost], ...] = field(repr=False)
    seed: int = 0
    _scores: dict[tuple[str, str], dict[str, Score]] = field(default_factory=dict, repr=False)

    @cached_property
    def heads(self) -> HeadSet:
        """The set that the paper's table is made with, and its evidence."""
        return HeadSet.from_dict(self.results[VERIFICATION]["heads"])

    def discovered(self, condition: Condition, train: PaperSplit) -> HeadSet | None:
        """The set found under a condition on a train split; None: none was looked for."""
        result = self.results.get(discovery_id(condition, train))
        return None if result is None else HeadSet.from_dict(result["heads"])

    def scoring(self, split: PaperSplit, condition: Condition | None = None) -> Any:
        """The result of scoring a split, under the paper's condition by default; None: it was not."""
        return self.results.get(scoring_id(condition or self.conditions[0], split))

    def sums(
        self, split: PaperSplit, variant: str, condition: Condition | None = None
    ) -> Sums | None:
        """Image id -> numbers; None where the variant was not measured."""
        result = self.scoring(split, condition)
        tables = {} if result is None else result["tables"]
        return tables.get(variant) or None

    def scores(
        self, split: PaperSplit, variant: str, condition: Condition | None = None
    ) -> dict[str, Score]:
        """Scores by name; none where the variant was not measured."""
        key = (scoring_id(condition or self.conditions[0], split), variant)
        if key not in self._scores:
            sums = self.sums(split, variant, condition)
            self._scores[key] = {} if sums is None else scores_of(list(sums.values()), self.seed)
        return self._scores[key]

    @property
    def skipped(self) -> list[str]:
        """What no step could use, and why."""
        return [
            f"{self.model}, {step}: {reason}"
            for step, result in self.results.items()
            for reason in result["skipped"]
        ]
