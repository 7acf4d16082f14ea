"""Stage one: the vision tower alone learns what each patch shows.

Without it, minutes of end-to-end training stay at chance. The class token learns which objects
the scene holds, so that tiny-clip can start from the same tower.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vlmscope.tiny.model.architecture import build_vision
from vlmscope.tiny.training.corpus import Corpus
from vlmscope.tiny.training.feed import Batch, Feed
from vlmscope.tiny.training.linear_probes import Probes
from vlmscope.tiny.training.recipe import Recipe
from vlmscope.tiny.training.stage import Progress, Stage, load_state, save_state

if TYPE_CHECKING:
    from transformers import CLIPVisionModel

__all__ = ["load_vision", "save_vision", "train_vision"]


def train_vision(
    recipe: Recipe, corpus: Corpus, seed: int, device: torch.device, state: Path | None = None
) -> tuple[CLIPVisionModel, Probes, Progress]:
    """Train a vision tower and its probes from fresh weights or from a kept state."""
    tower = build_vision(recipe.shape, seed).to(device)
    probes = Probes(recipe.shape).to(device)

    def loss(batch: Batch) -> dict[str, torch.Tensor]:
        output = tower(batch.pixels)
        patch = probes.patch_loss(output.last_hidden_state[:, 1:], batch)
        scene = probes.scene_loss(output.pooler_output, batch)
        return {"loss": patch + 0.5 * scene, "patch": patch, "scene": scene}

    stage = Stage(
        "vision",
        {"tower": tower, "probes": probes},
        loss,
        recipe.vision,
        60 * recipe.minutes * recipe.vision_minutes,
        state,
    )
    progress = stage.run(Feed(corpus, recipe.vision.batch, seed, device))
    return tower, probes, progress


def save_vision(path: Path, tower: CLIPVisionModel, probes: Probes, progress: Progress) -> None:
    """Tower and probes in float16, with how far the stage got."""
    tensors = {f"tower.{name}": value.half() for name, value in tower.state_dict().items()}
    tensors |= {f"probes.{name}": value.half() for name, value in probes.state_dict().items()}
    save_state(path, tensors, {"steps": progress.step, "seconds": progress.seconds})


def load_vision(path: Path, tower: torch.nn.Module, probes: Probes) -> None:
    """Fill a tower and probes with what :func:`save_vision` wrote."""
    tensors, _ = load_state(path)
    for prefix, module in (("tower.", tower), ("probes.", probes)):
        module.load_state_dict(
            {
                name.removeprefix(prefix): value.float()
                for name, value in tensors.items()
                if name.startswith(prefix)
            },
            strict=False,
        )
