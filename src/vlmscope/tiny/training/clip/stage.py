"""Stage two of tiny-clip: image and text meet in one space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from vlmscope.tiny.model.architecture import build_vision
from vlmscope.tiny.model.clip_architecture import build_clip, start_towers
from vlmscope.tiny.training.clip.feed import ClipBatch, ClipFeed
from vlmscope.tiny.training.clip.loss import clip_losses
from vlmscope.tiny.training.clip.recipe import ClipRecipe
from vlmscope.tiny.training.corpus import Corpus
from vlmscope.tiny.training.feed import Batch
from vlmscope.tiny.training.linear_probes import Probes
from vlmscope.tiny.training.stage import Progress, Stage
from vlmscope.tiny.training.vision_stage import load_vision

if TYPE_CHECKING:
    from transformers import CLIPModel

__all__ = ["contrast_stage", "train_contrast"]


def contrast_stage(
    recipe: ClipRecipe,
    vision: Path | None,
    seed: int,
    device: torch.device,
    state: Path | None = None,
) -> tuple[CLIPModel, Stage]:
    """The model, started from a trained vision tower if there is one, and its stage."""
    model = build_clip(recipe.shape, recipe.text, seed)
    if vision is not None:
        tower = build_vision(recipe.shape, seed)
        load_vision(vision, tower, Probes(recipe.shape))
        start_towers(model, tower)
    model = model.to(device)

    def loss(batch: Batch) -> dict[str, torch.Tensor]:
        return clip_losses(model, cast(ClipBatch, batch))

    seconds = 60 * recipe.minutes * (1 - recipe.vision_minutes if vision else 1)
    stage = Stage(
        "contrast", {"model": model}, loss, recipe.contrast, seconds, state, tower="vision_model"
    )
    return model, stage


def train_contrast(
    recipe: ClipRecipe,
    corpus: Corpus,
    vision: Path | None,
    seed: int,
    device: torch.device,
    state: Path | None = None,
) -> tuple[CLIPModel, Progress]:
    """Train the whole model to the end of its stage."""
    model, stage = contrast_stage(recipe, vision, seed, device, state)
    # other batches than in the vision stage, so that the two do not end on the same scenes
    feed = ClipFeed(corpus, recipe.contrast.batch, recipe.texts, seed + 2_000, device)
    return model, stage.run(feed)
