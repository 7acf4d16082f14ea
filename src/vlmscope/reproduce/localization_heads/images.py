"""One image under every variant: read once, located many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import read_heads
from vlmscope.data.datasets import EvalSample
from vlmscope.models import LoadedModel
from vlmscope.post import Located, locate
from vlmscope.refine import Refiner
from vlmscope.refine.embedding import Embedded
from vlmscope.reproduce.localization_heads.conditions import Condition
from vlmscope.reproduce.localization_heads.sums import COLUMNS, sentence_sums
from vlmscope.reproduce.localization_heads.variants import ALONE, Variant
from vlmscope.results import Grounding

__all__ = ["ROWS", "Reader"]

ROWS = "last_text"
"""The read-out row: the last token of the expression."""


@dataclass(frozen=True)
class Reader:
    """What is done to an image.

    Attributes:
        model: the model.
        condition: prompt and placement.
        refiner: a SAM that draws masks for boxes; None: masks are the method's own cells. The masks
            of single heads are always their own.
    """

    model: LoadedModel
    condition: Condition
    refiner: Refiner | None = None

    def sums(self, sample: EvalSample, variants: Sequence[Variant]) -> dict[str, list[float]]:
        """By variant the sums over an image's sentences, see :data:`sums.COLUMNS`.

        Raises:
            BadPhraseError: a sentence that the model cannot be asked.
        """
        heads = tuple(dict.fromkeys(head for variant in variants for head in variant.heads))
        maps = read_heads(
            self.model,
            sample.image.pixels,
            [referent.label for referent in sample.referents],
            rows=ROWS,
            heads=heads,
            preset=self.condition.preset,
            placement=self.condition.placement,
        )
        totals = {variant.id: np.zeros(len(COLUMNS)) for variant in variants}
        embedded = self._embedded(sample)
        for referent, read in zip(sample.referents, maps, strict=True):
            values = read.one_row()
            located = {
                each.id: locate(read.token_map, each.rows(read.token_map, heads, values), each.post)
                for each in variants
            }
            masks = {name: each.mask for name, each in located.items()}
            if embedded is not None and referent.target.mask is not None:
                masks |= self._drawn(sample, located, embedded)
            for name, each in located.items():
                totals[name] += sentence_sums(each.box, masks[name], referent)
        return {name: total.tolist() for name, total in totals.items()}

    def _embedded(self, sample: EvalSample) -> Embedded | None:
        """The image in SAM's eyes, once for all sentences; None: nothing is to be drawn."""
        masks = any(referent.target.mask is not None for referent in sample.referents)
        return self.refiner.embed(sample.image) if self.refiner is not None and masks else None

    def _drawn(
        self, sample: EvalSample, located: dict[str, Located], embedded: Embedded
    ) -> dict[str, NDArray[np.bool_]]:
        """SAM's masks for the boxes of all variants but single heads."""
        assert self.refiner is not None
        names = [name for name in located if not name.startswith(ALONE)]
        groundings = [
            Grounding.of(
                located[name],
                phrase=name,
                method="localization-heads",
                model=self.model.id,
                image=sample.image.pixels,
                score=0.0,
                details={},
            )
            for name in names
        ]
        drawn = self.refiner.refine(groundings, "box", embedded=embedded)
        return {name: each.mask for name, each in zip(names, drawn, strict=True)}
