"""The step that scores a split under a condition: one pass over its images, all variants at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmscope.data.resume import SampleLog, walk
from vlmscope.errors import BadImageError, BadPhraseError, BadSampleError
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.localization_heads.images import Reader
from vlmscope.reproduce.localization_heads.splits import PaperSplit
from vlmscope.reproduce.localization_heads.variants import Variant
from vlmscope.reproduce.pace import Pace

__all__ = ["Scoring"]

_BAD = (BadImageError, BadPhraseError, BadSampleError)


@dataclass(frozen=True, eq=False)
class Scoring:
    """Scores images of a split.

    Attributes:
        id: of the step.
        split: where the images are.
        images: ids of those that are scored.
        closer: of these the ones on which all variants are measured, the others under the first alone.
        reader: model, prompt, placement and SAM.
        variants: from the results of earlier steps, the paper's setting first.
        tokens: image tokens of an image.
        progress: show a bar.
    """

    id: str
    split: PaperSplit
    images: Sequence[str]
    closer: frozenset[str]
    reader: Reader
    variants: Callable[[KeptResults], Sequence[Variant]]
    tokens: int
    progress: bool

    def work(self, kept: KeptResults, pace: Pace) -> dict[str, Any]:
        """Sums per variant and image, and what was skipped."""
        variants = self.variants(kept)
        log = SampleLog(kept.state_file(self.id), self._header(variants))

        def step(image_id: str) -> bool:
            if image_id in log:
                pace.passed_over(self.tokens)
                return True
            wanted = variants if image_id in self.closer else variants[:1]
            log.add(image_id, {"sums": self.reader.sums(self.split.opened.load(image_id), wanted)})
            pace.computed(self.tokens)
            return False

        skipped = walk(
            self.images, step, title=self.id, unit="image", progress=self.progress, bad=_BAD
        )
        bad = {image_id for image_id, _ in skipped}
        usable = [image_id for image_id in self.images if image_id not in bad]
        tables: dict[str, dict[str, list[float]]] = {variant.id: {} for variant in variants}
        for image_id in usable:
            for name, sums in log[image_id]["sums"].items():
                tables[name][image_id] = sums
        return {
            "images": len(usable),
            "of": len(self.split.opened.image_ids),
            "tables": tables,
            "titles": {variant.id: variant.title for variant in variants},
            "heads": {variant.id: [str(head) for head in variant.heads] for variant in variants},
            "skipped": [f"image {image_id}: {reason}" for image_id, reason in skipped],
        }

    def _header(self, variants: Sequence[Variant]) -> dict[str, Any]:
        return {
            "job": "reproduction",
            "step": self.id,
            "variants": {each.id: [str(head) for head in each.heads] for each in variants},
        }
