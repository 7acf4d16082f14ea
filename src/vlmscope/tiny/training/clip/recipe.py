"""The numbers of tiny-clip's training recipe, one preset for two cores and one for a GPU."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.model.clip_architecture import TextShape
from vlmscope.tiny.training.corpus import CorpusOptions
from vlmscope.tiny.training.recipe import PRESETS, Recipe, StageOptions

__all__ = ["CLIP_PRESETS", "ClipRecipe"]


@dataclass(frozen=True)
class ClipRecipe:
    """The whole recipe.

    Attributes:
        corpus: the data; its questions are not read, so they are kept short.
        vision: the vision tower alone, on patch labels.
        contrast: both towers, on images and texts. The only stage that sees text, and it sees
            whole images only.
        texts: texts for each image of a batch; as many rivals come on top.
        minutes: time for both stages; rendering and evaluation come on top.
        vision_minutes: share of ``minutes`` for the vision stage.
        shape, text: the model.
    """

    corpus: CorpusOptions
    vision: StageOptions
    contrast: StageOptions
    texts: int
    minutes: float
    vision_minutes: float
    shape: Shape = field(default_factory=Shape)
    text: TextShape = field(default_factory=TextShape)

    def first_stage(self, device: str) -> Recipe:
        """The vision stage in the terms of tiny-llava, which owns it."""
        return replace(
            PRESETS["cpu" if device == "cpu" else "cuda"],
            corpus=self.corpus,
            vision=self.vision,
            minutes=self.minutes,
            vision_minutes=self.vision_minutes,
            shape=self.shape,
        )


CLIP_PRESETS = {
    "cpu": ClipRecipe(
        corpus=CorpusOptions(scenes=40_000, variants=1, text=8),
        vision=StageOptions(steps=3_500, batch=24),
        contrast=StageOptions(steps=4_000, batch=64),
        texts=4,
        minutes=75,
        vision_minutes=0.2,
    ),
    "cuda": ClipRecipe(
        corpus=CorpusOptions(scenes=200_000, variants=1, text=8),
        vision=StageOptions(steps=4_000, batch=256),
        contrast=StageOptions(steps=8_000, batch=256),
        texts=3,
        minutes=4,
        vision_minutes=0.25,
    ),
}
"""Device type -> recipe."""
