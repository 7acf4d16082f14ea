"""Stage two: the whole model learns to answer, many questions to an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vlmscope.tiny.model.architecture import build_llava
from vlmscope.tiny.training.corpus import Corpus
from vlmscope.tiny.training.feed import Batch, Feed
from vlmscope.tiny.training.linear_probes import Probes
from vlmscope.tiny.training.objectives import align_loss, answer_loss, packed_forward
from vlmscope.tiny.training.recipe import Recipe
from vlmscope.tiny.training.stage import Progress, Stage
from vlmscope.tiny.training.vision_stage import load_vision

if TYPE_CHECKING:
    from transformers import LlavaForConditionalGeneration

__all__ = ["joint_stage", "take_over", "train_joint"]


def joint_stage(
    recipe: Recipe,
    vision: Path | None,
    seed: int,
    device: torch.device,
    state: Path | None = None,
    start: Path | None = None,
) -> tuple[LlavaForConditionalGeneration, Stage]:
    """The model, started from a trained vision tower, and the stage that trains it on.

    Args:
        recipe: the numbers.
        vision: what ``save_vision`` wrote, or None to start from a whole model.
        seed: of the weights that are fresh.
        device: to train on.
        state: where the stage's state is kept.
        start: folder of a whole model of the same shape, all of whose weights are taken over.
    """
    model = build_llava(recipe.shape, seed)
    probes = Probes(recipe.shape)
    if vision is not None:
        load_vision(vision, model.model.vision_tower, probes)
    if start is not None:
        take_over(model, start)
    model, probes = model.to(device), probes.to(device)

    def loss(batch: Batch) -> dict[str, torch.Tensor]:
        forward = packed_forward(model, batch.pixels, batch.text, batch.system)
        answers, right = answer_loss(forward.logits, batch.text)
        embeddings = model.get_input_embeddings().weight
        align = align_loss(forward.projected, embeddings, batch, recipe.shape)
        late = align_loss(forward.decoded, embeddings, batch, recipe.shape)
        patch = probes.patch_loss(forward.features, batch)
        total = answers + recipe.align * align + recipe.align_late * late + recipe.patches * patch
        parts = {"answers": answers, "right": right, "align": align, "late": late, "patch": patch}
        return {"loss": total, **parts}

    share = 1 - recipe.vision_minutes if start is None else 1.0
    seconds = 60 * recipe.minutes * share
    modules = {"model": model, "probes": probes}
    return model, Stage("joint", modules, loss, recipe.joint, seconds, state)


def take_over(model: torch.nn.Module, folder: Path) -> None:
    """Give a model the weights of an exported one; the shapes of all of them must agree."""
    from transformers import LlavaForConditionalGeneration

    other = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    model.load_state_dict(other.state_dict())


def train_joint(
    recipe: Recipe,
    corpus: Corpus,
    vision: Path | None,
    seed: int,
    device: torch.device,
    state: Path | None = None,
    start: Path | None = None,
) -> tuple[LlavaForConditionalGeneration, Progress]:
    """Train the whole model to the end of its stage."""
    model, stage = joint_stage(recipe, vision, seed, device, state, start)
    # other batches than in the vision stage, so that the two do not end on the same scenes
    progress = stage.run(Feed(corpus, recipe.joint.batch, seed + 1_000, device))
    return model, progress
