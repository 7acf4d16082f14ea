"""The steps for one model, with what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.models import LoadedModel
from vlmscope.refine import Refiner
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.image_tokens import LOOKED_AT, tokens_per_image
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.localization_heads.conditions import Condition, conditions_of
from vlmscope.reproduce.localization_heads.discovering import Discovery, Verification
from vlmscope.reproduce.localization_heads.drawing import DrawnSamples, drawn_images
from vlmscope.reproduce.localization_heads.images import Reader
from vlmscope.reproduce.localization_heads.overlap import unscored_images
from vlmscope.reproduce.localization_heads.scope import SAMPLES, SUBSET, Scope
from vlmscope.reproduce.localization_heads.scoring import Scoring
from vlmscope.reproduce.localization_heads.splits import PaperSplit
from vlmscope.reproduce.localization_heads.variants import MAIN, Variant, variants_of
from vlmscope.reproduce.steps import Step
from vlmscope.types import HeadSet

__all__ = ["ModelWork", "discovery_id", "scoring_id"]

VERIFICATION = "verify"
"""Id of the step that verifies."""


def discovery_id(condition: Condition, train: PaperSplit) -> str:
    """Id of the step that discovers heads."""
    return f"discover.{condition.id}.{train.set}"


def scoring_id(condition: Condition, split: PaperSplit) -> str:
    """Id of the step that scores a split."""
    return f"score.{condition.id}.{split.set}.{split.split}"


@dataclass(frozen=True, eq=False)
class ModelWork:
    """Everything that is done with one model.

    Attributes:
        model: the model.
        trains: train splits that are there; heads are discovered on the first.
        scored: splits that are scored, of which ablations are made on the first.
        scope: how much.
        refiner: a SAM, or None.
        progress: show bars.
    """

    model: LoadedModel
    trains: tuple[PaperSplit, ...]
    scored: tuple[PaperSplit, ...]
    scope: Scope
    refiner: Refiner | None
    progress: bool

    def steps(self) -> list[Step]:
        """All steps, the paper's own prompt and placement first."""
        main, *others = conditions_of(self.model)
        first, *rest = self.trains
        steps = [self._discovery(main, first), self._verification(main, first)]
        steps += [self._scoring(main, split, first) for split in self.scored]
        steps += [self._discovery(main, train) for train in rest]
        for condition in others:
            splits = self.scored if self.scope.full else self.scored[:1]
            steps.append(self._discovery(condition, first))
            steps += [self._scoring(condition, split, first) for split in splits]
        return steps

    def _discovery(self, condition: Condition, train: PaperSplit) -> Step:
        images = unscored_images(train, self.scored)
        drawn = drawn_images(images, self.scope.limit or len(images), self.scope.seed)
        samples = DrawnSamples.of(train.opened, drawn, SAMPLES, self.scope.seed)
        if not len(samples):
            raise BadSampleError(
                f"Every image of {train.name} is in a split that is scored, so heads cannot be "
                "discovered on images that are not. Use the publishers' train split."
            )
        name = discovery_id(condition, train)
        tokens = self._tokens(condition)
        work = Discovery(
            name, self.model, condition, samples, tokens, self.scope.seed, self.progress
        )
        cost = self._cost(len(samples), len(samples.images), tokens)
        return Step(name, f"discover heads, {condition.id}, {train.name}", cost, work.work)

    def _verification(self, condition: Condition, train: PaperSplit) -> Step:
        split, seed = self.scored[0], self.scope.seed
        samples = DrawnSamples.of(split.opened, self._images(split, False), SUBSET, seed)
        tokens = self._tokens(condition)
        found = discovery_id(condition, train)
        work = Verification(
            VERIFICATION, found, self.model, condition, samples, tokens, seed, self.progress
        )
        cost = self._cost(len(samples), len(samples.images), tokens)
        return Step(VERIFICATION, f"verify heads, {split.name}", cost, work.work)

    def _scoring(self, condition: Condition, split: PaperSplit, train: PaperSplit) -> Step:
        main = condition == conditions_of(self.model)[0]
        images = self._images(split, main or self.scope.full)
        closer = self._images(split, self.scope.full) if main and split is self.scored[0] else []
        found = discovery_id(condition, train)

        def variants(kept: KeptResults) -> Sequence[Variant]:
            result = kept[found]
            heads = HeadSet.from_dict(result["heads"])
            every = variants_of(self.model, heads, result["criteria"])
            return every if closer else [each for each in every if each.id == MAIN]

        name, tokens = scoring_id(condition, split), self._tokens(condition)
        reader = Reader(self.model, condition, self.refiner)
        work = Scoring(
            name, split, images, frozenset(closer), reader, variants, tokens, self.progress
        )
        cost = self._cost(split.opened.sentences(images), len(images), tokens)
        return Step(name, f"score {split.name}, {condition.id}", cost, work.work)

    def _images(self, split: PaperSplit, whole: bool) -> list[str]:
        """The images of a split: all of them, or those that are drawn; under a limit the first."""
        images = list(split.opened.image_ids)[: self.scope.limit]
        return images if whole else drawn_images(images, SUBSET, self.scope.seed)

    def _cost(self, sentences: int, images: int, tokens: int) -> Cost:
        passes = images if self.model.family.causal_image else sentences
        return Cost(sentences, images, passes, passes * tokens)

    def _tokens(self, condition: Condition) -> int:
        """Image tokens of an image, from the first ones of the first split that is scored."""
        return self._token_counts[condition.placement]

    @cached_property
    def _token_counts(self) -> dict[str, int]:
        pictures = self._pictures()
        return {
            placement: round(tokens_per_image(self.model, pictures, placement))
            for placement in self.model.family.placements
        }

    def _pictures(self) -> list[NDArray[np.uint8]]:
        data = self.scored[0].opened
        pictures = []
        for image_id in islice(data.image_ids, LOOKED_AT):
            try:
                pictures.append(data.load(image_id).image.pixels)
            except (BadImageError, BadSampleError):
                continue  # is skipped, and said, when its turn comes
        return pictures
