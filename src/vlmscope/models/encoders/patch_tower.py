"""A vision tower that knows no text: DINO, DINOv2 with or without registers, DINOv3.

What it says of patches is which of them belong together. It runs by its own code, so positions are
resampled as it was trained to have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.encoders.dual import FittedPatches
from vlmscope.models.encoders.patches import (
    Normalisation,
    PatchGrid,
    grid_map,
    grid_size,
    to_pixel_values,
    to_values,
)
from vlmscope.models.guard import frozen

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TOWERS", "PatchTower", "TowerKind", "is_tower", "kind_of_tower", "wrap_tower"]


@dataclass(frozen=True)
class TowerKind:
    """A kind of tower in transformers.

    Attributes:
        model_class: name of its class, without a head.
        example: a well-known checkpoint.
        loading: what the class is told when it is loaded.
        running: what it is told with every image.
    """

    model_class: str
    example: str
    loading: Mapping[str, Any] = field(default_factory=dict)
    running: Mapping[str, Any] = field(default_factory=dict)


TOWERS: Mapping[str, TowerKind] = MappingProxyType(
    {
        "dinov2": TowerKind("Dinov2Model", "facebook/dinov2-base"),
        "dinov2_with_registers": TowerKind(
            "Dinov2WithRegistersModel", "facebook/dinov2-with-registers-base"
        ),
        "dinov3_vit": TowerKind("DINOv3ViTModel", "facebook/dinov3-vitb16-pretrain-lvd1689m"),
        "vit": TowerKind(
            "ViTModel",
            "facebook/dino-vitb8",
            loading={"add_pooling_layer": False},
            running={"interpolate_pos_encoding": True},
        ),
    }
)
"""Kinds by ``config.model_type``."""


def is_tower(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is that of a tower without text; a ViT may be a classifier as well."""
    kind = TOWERS.get(str(config.get("model_type")))
    return kind is not None and (
        config["model_type"] != "vit" or kind.model_class in (config.get("architectures") or ())
    )


def kind_of_tower(model_type: str, name: str) -> TowerKind:
    """The kind of a model type. Raises UnsupportedError where it is none; lists what is."""
    if model_type in TOWERS:
        return TOWERS[model_type]
    known = ", ".join(f"{each} ({kind.example})" for each, kind in TOWERS.items())
    raise UnsupportedError(
        f"{name} is of the type {model_type!r}, which is no vision tower that can be a proxy. Take "
        f"one of: {known}."
    )


@dataclass(frozen=True, eq=False)
class PatchTower:
    """A frozen vision tower without text.

    Attributes:
        id: hub id, folder or name.
        revision: of its weights, or None.
        hf: the model of transformers.
        kind: what it is.
        normalisation: how its image processor turns bytes into values.
    """

    id: str
    revision: str | None
    hf: PreTrainedModel
    kind: TowerKind
    normalisation: Normalisation

    def __repr__(self) -> str:
        return f"PatchTower({self.id!r}, patch={self.patch})"

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return int(self.hf.config.patch_size)

    @property
    def prefix(self) -> int:
        """Special tokens in front of the patches: the class token, and registers."""
        return 1 + int(getattr(self.hf.config, "num_register_tokens", 0))

    @property
    def depth(self) -> int:
        """How many blocks it has."""
        return int(self.hf.config.num_hidden_layers)

    @property
    def native_side(self) -> int:
        """Side in pixels of the images that it was trained on, or that its positions are kept for."""
        return int(self.hf.config.image_size)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.hf.dtype

    def fit(
        self,
        pixels: NDArray[np.uint8],
        side: int | tuple[int, int] | None = None,
        keep_ratio: bool = True,
    ) -> FittedPatches:
        """Put an original image on a grid of patches; as :meth:`DualEncoder.fit`."""
        size = (int(pixels.shape[0]), int(pixels.shape[1]))
        grid = grid_size(size, self.patch, side or self.native_side, keep_ratio)
        values = to_pixel_values(pixels, grid, self.patch, self.normalisation)
        return FittedPatches(values, grid, grid_map(size, grid))

    def patches(self, values: Tensor, after: int | None = None) -> Tensor:
        """Patches alone, without class token and registers.

        Args:
            values: float (batch, 3, height, width), normalised, of whole patches.
            after: how many blocks; None: all of them, and the last norm.

        Returns:
            (batch, patches, dim), on the tower's device.
        """
        values = values.to(self.hf.device, self.hf.dtype)
        with frozen(self.hf):
            out = self.hf(
                pixel_values=values, output_hidden_states=after is not None, **self.kind.running
            )
        tokens: Tensor = out.last_hidden_state if after is None else out.hidden_states[after]
        return tokens[:, self.prefix :]

    def features(self, pixels: Tensor, grid: PatchGrid) -> Tensor:
        """Patches behind the tower's last norm, on a grid that is asked for.

        Args:
            pixels: float (batch, 3, height, width), 0..1; resized to whole patches of the tower.
            grid: (rows, columns) of patches.

        Returns:
            (batch, rows * columns, dim), on the tower's device.
        """
        size = grid[0] * self.patch, grid[1] * self.patch
        if tuple(pixels.shape[-2:]) != size:
            pixels = F.interpolate(pixels.float(), size=size, mode="bicubic", antialias=True)
            pixels = pixels.clamp(0, 1)
        return self.patches(to_values(pixels, self.normalisation))


def wrap_tower(
    hf_model: PreTrainedModel, processor: Any, name: str, revision: str | None
) -> PatchTower:
    """A tower of what is loaded.

    Raises:
        UnsupportedError: a model of another kind, or one with a head.
        ModelMismatchError: a processor that says nothing of an image's values.
    """
    kind = kind_of_tower(str(hf_model.config.model_type), name)
    if type(hf_model).__name__ != kind.model_class:
        raise UnsupportedError(
            f"{type(hf_model).__name__} is not the tower alone. Give a transformers.{kind.model_class}."
        )
    images = getattr(processor, "image_processor", processor)
    if not hasattr(images, "image_mean"):
        raise ModelMismatchError(
            f"{type(processor).__name__} is no image processor; load the one that belongs to the tower "
            "(AutoImageProcessor)."
        )
    return PatchTower(name, revision, hf_model, kind, Normalisation.of(images))
