"""Tiny random vision towers that know no text, of every kind that can be a proxy."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    BitImageProcessorPil,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    ViTConfig,
    ViTModel,
)

KINDS = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit")


def tiny_tower(kind: str, patch: int = 7) -> tuple[Any, Any]:
    """Model and image processor; values far from those of a fresh checkpoint."""
    torch.manual_seed(11)
    shape = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "patch_size": patch,
        "image_size": 4 * patch,
    }
    if kind == "vit":
        hf: Any = ViTModel(ViTConfig(**shape), add_pooling_layer=False)
    elif kind == "dinov2":
        hf = Dinov2Model(Dinov2Config(**shape))
    elif kind == "dinov2_with_registers":
        hf = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**shape, num_register_tokens=3))
    else:
        hf = DINOv3ViTModel(DINOv3ViTConfig(**shape, num_register_tokens=2))
    with torch.no_grad():
        for name, parameter in hf.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 0.4)
            elif name.endswith("bias"):
                parameter.normal_(0.0, 0.1)
    processor = BitImageProcessorPil(image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.25])
    return hf.eval(), processor
