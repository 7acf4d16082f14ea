"""The paper's claims beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmscope.metrics import Score
from vlmscope.reproduce.findings import Finding
from vlmscope.reproduce.localization_heads.claims import PaperClaim, claims_of
from vlmscope.reproduce.localization_heads.comparing import Sums, gain, rank_correlation
from vlmscope.reproduce.localization_heads.outcomes import ModelOutcome
from vlmscope.reproduce.localization_heads.scope import Scope
from vlmscope.reproduce.localization_heads.splits import PaperSplit
from vlmscope.reproduce.localization_heads.sums import mean_of_models
from vlmscope.reproduce.localization_heads.variants import ALONE, MAIN
from vlmscope.reproduce.localization_heads.work import scoring_id
from vlmscope.reproduce.measurements import Measurement

__all__ = ["Evidence"]

_DISCOVERED_ON = "refcoco"


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that was measured.

    Attributes:
        outcomes: one per model.
        splits: all of the paper's, there or not.
        scope: how much was run.
        sam: whether masks were drawn by a SAM.
    """

    outcomes: Sequence[ModelOutcome]
    splits: Sequence[PaperSplit]
    scope: Scope
    sam: bool

    def findings(self) -> tuple[Finding, ...]:
        """A line per claim."""
        claims = claims_of([each.model for each in self.outcomes])
        return tuple(Finding(each.claim, self.measurement(each)) for each in claims)

    def measurement(self, wanted: PaperClaim) -> Measurement:
        """What was measured for a claim."""
        outcomes = self._outcomes(wanted)
        models = ", ".join(each.model for each in outcomes)
        split = next(each for each in self.splits if each.name == wanted.claim.dataset)
        if split.data is None:
            return Measurement(None, models, split.name, missing=split.missing)
        variants = (MAIN, wanted.variant) if wanted.kind == "gain" else (wanted.variant,)
        for each in outcomes:
            for variant in variants:
                if wanted.kind != "rank" and each.sums(split, variant) is None:
                    missing = f"not measured on {each.model}: {_why_not(variant)}"
                    return Measurement(None, models, split.name, missing=missing)
        score = _score(wanted, outcomes, split)
        reservations = self._reservations(wanted, outcomes, split)
        return Measurement(score, models, split.name, reservations)

    def _outcomes(self, wanted: PaperClaim) -> list[ModelOutcome]:
        """Of the models of the claim where all are there, of all for a mean, else of the first."""
        own = [each for each in self.outcomes if each.model in wanted.claim.models]
        if wanted.kind == "mean":
            order = {model: place for place, model in enumerate(wanted.claim.models)}
            return sorted(self.outcomes, key=lambda each: order.get(each.model, len(order)))
        return own[:1] or list(self.outcomes[:1])

    def _reservations(
        self, wanted: PaperClaim, outcomes: Sequence[ModelOutcome], split: PaperSplit
    ) -> tuple[str, ...]:
        reasons = [*self.scope.reservations(), *split.reservations]
        for each in outcomes:
            train, result = each.trains[0], each.results[scoring_id(each.conditions[0], split)]
            if train.set != _DISCOVERED_ON:
                reasons.append(f"heads were discovered on {train.name}, not {_DISCOVERED_ON} train")
            reasons += [f"heads discovered on: {reason}" for reason in train.reservations]
            measured = len(each.sums(split, wanted.variant) or ())
            if wanted.kind == "rank":
                measured = _images_of_heads(each, split)
            if measured < result["of"]:
                reasons.append(f"{measured:,} of {result['of']:,} images")
            if each.stated["quantisation"]:
                reasons.append(f"the weights of {each.model} are quantised")
        if wanted.sam and not self.sam:
            reasons.append("no SAM drew the masks: they are made of cells")
        return tuple(dict.fromkeys(reasons))


def _score(wanted: PaperClaim, outcomes: Sequence[ModelOutcome], split: PaperSplit) -> Score | None:
    first = outcomes[0]
    if wanted.kind == "mean":
        tables = [each.sums(split, wanted.variant) or {} for each in outcomes]
        return mean_of_models(tables, first.seed)
    if wanted.kind == "gain":
        sums = first.sums(split, MAIN) or {}
        return gain(sums, first.sums(split, wanted.variant) or {}, first.seed)
    if wanted.kind == "rank":
        frequencies, tables = _alone(first, split)
        return rank_correlation(frequencies, tables, first.seed)
    return first.scores(split, wanted.variant).get(wanted.metric)


def _alone(outcome: ModelOutcome, split: PaperSplit) -> tuple[list[float], list[Sums]]:
    """Selection frequency of the first heads, and the sums of each alone."""
    tables = outcome.scoring(split)["tables"]
    known = {f"{ALONE} {row.head}": row.frequency.value for row in outcome.heads.frequencies}
    names = [name for name in known if tables.get(name)]
    return [known[name] for name in names], [tables[name] for name in names]


def _images_of_heads(outcome: ModelOutcome, split: PaperSplit) -> int:
    _, tables = _alone(outcome, split)
    return len(tables[0]) if tables else 0


def _why_not(variant: str) -> str:
    return {
        "tau": "no head reaches the threshold",
        "named": "no heads are published for it",
    }.get(variant, "no head is left for it, or no image could be used")
