"""The numbers of the training recipe, one preset for two cores and one for a GPU."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.training.corpus import CorpusOptions

__all__ = ["PRESETS", "Recipe", "StageOptions"]


@dataclass(frozen=True)
class StageOptions:
    """One stage of training.

    Attributes:
        steps: updates at most. The learning rate falls to zero when these, or the stage's time,
            are used up, whichever comes first.
        batch: scenes to an update.
        rate: highest learning rate.
        warmup: updates until it is reached.
        tower_share: learning rate of the vision tower, relative to ``rate``.
        decay: AdamW weight decay of matrices.
        clip: largest norm of the gradient.
    """

    steps: int
    batch: int
    rate: float = 1e-3
    warmup: int = 200
    tower_share: float = 1.0
    decay: float = 0.05
    clip: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """The whole recipe.

    Attributes:
        corpus, shape: the data and the model.
        vision: the vision tower alone, on patch labels.
        joint: everything, on packed questions.
        minutes: time for both stages; rendering and evaluation come on top.
        vision_minutes: share of ``minutes`` for the vision stage.
        align: weight of the alignment of projected patches with word embeddings.
        align_late: the same for the patches after the decoder, which keeps what a patch shows at
            the patch; image tokens else pass it on to later ones.
        patches: weight of the patch labels in the joint stage.
    """

    corpus: CorpusOptions
    vision: StageOptions
    joint: StageOptions
    minutes: float
    vision_minutes: float
    shape: Shape = field(default_factory=Shape)
    align: float = 0.4
    align_late: float = 0.2
    patches: float = 0.15


PRESETS = {
    "cpu": Recipe(
        corpus=CorpusOptions(scenes=40_000, text=224),
        vision=StageOptions(steps=3_500, batch=24),
        joint=StageOptions(steps=8_000, batch=8, tower_share=0.5),
        minutes=75,
        vision_minutes=0.2,
    ),
    "cuda": Recipe(
        corpus=CorpusOptions(scenes=200_000),
        vision=StageOptions(steps=4_000, batch=256),
        joint=StageOptions(steps=8_000, batch=64, tower_share=0.5),
        minutes=6,
        vision_minutes=0.22,
    ),
}
"""Device type -> recipe."""
