"""Linear heads on the vision tower, used in training only and never shipped."""

from __future__ import annotations

import torch
from torch.nn import functional

from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.training.corpus import IGNORED
from vlmscope.tiny.training.feed import Batch
from vlmscope.tiny.world.words import ATTRIBUTES, COLOURS, PATTERNS, SHAPES, TONES

__all__ = ["Probes", "patch_targets"]

_GROUND = 0.2  # weight of a background patch; there are several times as many as object patches


class Probes(torch.nn.Module):
    """What each patch shows, from its feature; what the scene holds, from the class token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape
        self._sizes = [len(words) + 1 for words in ATTRIBUTES.values()]
        self._scene = [len(PATTERNS), len(TONES), len(COLOURS) * len(SHAPES)]
        self.patch = torch.nn.Linear(shape.vision_width, sum(self._sizes) + 3)
        self.scene = torch.nn.Linear(shape.vision_width, sum(self._scene))

    def patch_loss(self, features: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Attributes of each patch (or "nothing"), offset to the object's centre, its radius.

        Args:
            features: (batch, patches, vision_width), without the class token.
            batch: the labels.
        """
        output = self.patch(features).float()
        logits = output[..., :-3].split(self._sizes, dim=-1)
        classes, places, weight = patch_targets(batch, self._shape)
        loss = sum(
            functional.cross_entropy(logit.transpose(1, 2), classes[..., index], reduction="none")
            for index, logit in enumerate(logits)
        )
        inside = (batch.owners != 0) * weight
        offsets = functional.smooth_l1_loss(output[..., -3:], places, reduction="none").sum(-1)
        return (weight * loss).sum() / weight.sum() + (inside * offsets).sum() / inside.sum()

    def scene_loss(self, pooled: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Background and which pairs of colour and shape there are.

        Args:
            pooled: (batch, vision_width), the class token after the last norm.
            batch: the labels.
        """
        pattern, tone, pairs = self.scene(pooled).float().split(self._scene, dim=-1)
        colour, shape = batch.objects[..., 2], batch.objects[..., 3]
        exists = colour >= 0
        index = torch.where(exists, colour * len(SHAPES) + shape, 0)
        present = torch.zeros_like(pairs).scatter_reduce(1, index, exists.float(), "amax")
        loss = functional.binary_cross_entropy_with_logits(pairs, present, reduction="sum")
        ground = functional.cross_entropy(pattern, batch.grounds[:, 0])
        ground = ground + functional.cross_entropy(tone, batch.grounds[:, 1])
        return ground + loss / (4 * len(pairs))


def patch_targets(batch: Batch, shape: Shape) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels of every patch.

    Returns:
        classes: int64 (batch, patches, attributes), 0 is "nothing", then the word's index + 1.
        places: float32 (batch, patches, 3): x and y from the patch to the object's centre, and
            the object's radius, in quarters of the canvas.
        weight: float32 (batch, patches), 0 where an outline makes the label doubtful.
    """
    owner = torch.where(batch.owners == IGNORED, 0, batch.owners)
    row = (owner - 1).clamp(min=0)[..., None].expand(-1, -1, 7)
    mine = batch.objects.gather(1, row)
    classes = torch.where(owner[..., None] > 0, mine[..., :4] + 1, 0)
    grid = shape.canvas // shape.patch
    cell = torch.arange(grid * grid, device=owner.device)
    at = torch.stack([cell % grid, cell // grid, torch.full_like(cell, -1)], dim=-1)
    origin = (at + 0.5) * shape.patch
    origin[:, 2] = 0
    places = (mine[..., 4:] - origin) / (shape.canvas / 4)
    weight = torch.where(owner > 0, 1.0, _GROUND)
    return classes, places, torch.where(batch.owners == IGNORED, 0.0, weight)
