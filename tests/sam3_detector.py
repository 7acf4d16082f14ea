"""A tiny SAM 3 with random weights that is asked by text, with transformers' own processor.

The processor's class imports torchvision, whose build for a machine without CUDA no index has, so an
empty package stands in for it while the class is imported. What is tested of it, its post-processing,
uses nothing of torchvision; images are resized here by torch.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch.nn import functional
from transformers import Sam3Config
from transformers.models.sam3.modeling_sam3 import Sam3Model
from transformers.models.sam3.processing_sam3 import Sam3Processor

from detectors import clip_tokenizer

__all__ = ["SIDE", "sam3_config", "sam3_processor", "tiny_sam3_detector"]

SIDE = 56
LENGTH = 32  # tokens: the processor pads to as many, whatever its tokenizer says


@cache
def images_class() -> Any:
    """transformers' image processor with its preparation of images done by torch."""
    names = ("torchvision", "torchvision.ops", "torchvision.ops.boxes")
    before = {name: sys.modules.get(name) for name in names}
    try:
        for name in names:
            sys.modules[name] = ModuleType(name)
        sys.modules[names[-1]].batched_nms = None  # type: ignore[attr-defined]
        from transformers.models.sam3.image_processing_sam3 import Sam3ImageProcessor
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module

    class Resized(Sam3ImageProcessor):
        def __call__(self, images: Any, **options: Any) -> Any:
            (pixels,) = images
            values = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
            return {
                "pixel_values": functional.interpolate(values, (SIDE, SIDE), mode="bilinear"),
                "original_sizes": torch.tensor([pixels.shape[:2]]),
            }

    return Resized


class Processor(Sam3Processor):
    """Its parts are not checked by their classes: one of them is made here."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> type:
        return type(argument)


Processor.__name__ = "Sam3Processor"


def sam3_processor() -> Any:
    """Of SAM 3, for squares of 56 pixels and 32 tokens."""
    return Processor(images_class()(size={"height": SIDE, "width": SIDE}), clip_tokenizer(LENGTH))


def sam3_config() -> Sam3Config:
    """Sizes of no checkpoint."""
    parts = {"hidden_size": 32, "num_attention_heads": 2}
    layers = {**parts, "num_layers": 2, "intermediate_size": 32}
    return Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": SIDE,
                "pretrain_image_size": 28,
                "window_size": 2,
                "global_attn_indexes": [1],
                "initializer_range": 0.3,
            },
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        text_config={
            "model_type": "clip_text_model",
            "vocab_size": 40,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "projection_dim": 16,
            "max_position_embeddings": LENGTH,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        geometry_encoder_config=layers,
        detr_encoder_config=layers,
        detr_decoder_config={**layers, "num_queries": 12},
        mask_decoder_config={**parts, "num_upsampling_stages": 3},
        initializer_range=0.3,
    )


def tiny_sam3_detector() -> tuple[Any, Any]:
    """A SAM 3 of 56 pixels a side, which takes 32 tokens."""
    torch.manual_seed(5)
    return Sam3Model(sam3_config()).eval(), sam3_processor()
