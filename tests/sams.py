"""Tiny SAMs with random weights, and stand-ins for the processors that need torchvision.

The sizes are those of no checkpoint: canvas, low resolution and patch differ from the defaults, so
that a number taken from the wrong place shows. Mask prompts keep their 16 channels: of four, the first norm
would be taken over one, and every mask would come out of it as zero.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import (
    Sam2Config,
    Sam2Model,
    Sam3TrackerConfig,
    Sam3TrackerModel,
    SamConfig,
    SamImageProcessorPil,
    SamModel,
    SamProcessor,
)

from vlmscope.refine import Refiner
from vlmscope.results import Grounding

DECODER = {"mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def tiny_sam(canvas: int = 64, longest: int | None = None) -> tuple[SamModel, SamProcessor]:
    """A SAM whose canvas has ``canvas`` pixels a side; images are scaled to ``longest``."""
    torch.manual_seed(3)
    config = SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": canvas,
            "patch_size": 8,
            "window_size": 4,
            "global_attn_indexes": [1],
            "num_pos_feats": 8,
            "mlp_dim": 32,
            "initializer_range": 0.2,
        },
        prompt_encoder_config={
            "hidden_size": 16,
            "image_size": canvas,
            "patch_size": 8,
            "mask_input_channels": 16,
        },
        mask_decoder_config={"hidden_size": 16, "iou_head_hidden_dim": 16, **DECODER},
        initializer_range=0.3,
    )
    images = SamImageProcessorPil(
        size={"longest_edge": longest or canvas}, pad_size={"height": canvas, "width": canvas}
    )
    return SamModel(config).eval(), SamProcessor(images)


def tiny_sam2() -> tuple[Sam2Model, Stretched]:
    """A SAM 2 of 64 pixels a side, and a stand-in for its processor."""
    torch.manual_seed(3)
    config = Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 2, 2, 2],
                "global_attention_blocks": [3],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "mask_input_channels": 16},
        mask_decoder_config={"hidden_size": 32, "iou_head_hidden_dim": 16, **DECODER},
        initializer_range=0.3,
    )
    return Sam2Model(config).eval(), Stretched(64)


def tiny_sam3() -> tuple[Sam3TrackerModel, Stretched]:
    """The tracker of a SAM 3 of 56 pixels a side, and a stand-in for its processor."""
    torch.manual_seed(3)
    config = Sam3TrackerConfig(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 56,
                "pretrain_image_size": 28,
                "window_size": 2,
                "global_attn_indexes": [1],
            },
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 56, "mask_input_channels": 16},
        mask_decoder_config={"hidden_size": 32, "iou_head_hidden_dim": 16, **DECODER},
        initializer_range=0.3,
    )
    return Sam3TrackerModel(config).eval(), Stretched(56)


class Stretched:
    """Does what the image processors of SAM 2 and 3 do, which exist for torchvision alone."""

    def __init__(self, side: int) -> None:
        self.size = SimpleNamespace(height=side, width=side)

    def __call__(self, images: Any, return_tensors: str, input_data_format: str) -> dict[str, Any]:
        """Both sides are resized to the canvas; there is no padding."""
        (pixels,) = images
        values = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
        side = (self.size.height, self.size.width)
        return {
            "pixel_values": functional.interpolate(values, side, mode="bilinear"),
            "original_sizes": [pixels.shape[:2]],
        }


def refiner(canvas: int = 64, longest: int | None = None) -> Refiner:
    """A tiny SAM, wrapped."""
    return Refiner.wrap(*tiny_sam(canvas, longest), name="tiny-sam")


def bold(sam: Refiner, factor: float = 12.0) -> Refiner:
    """The same SAM, surer of its masks: with random weights no logit is far from 0."""
    with torch.no_grad():
        for head in sam.hf.mask_decoder.output_hypernetworks_mlps:
            head.proj_out.weight *= factor
            head.proj_out.bias *= factor
    return sam


def grounding(pixels: NDArray[np.uint8], box: Any, **changes: Any) -> Grounding:
    """A Grounding as a method gives it; the peak lies in the middle of its box."""
    size = pixels.shape[:2]
    mask = np.zeros(size, bool)
    point = None
    if box is not None:
        x0, y0, x1, y1 = box
        mask[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        point = ((x0 + x1) / 2, (y0 + y1) / 2)
    values: dict[str, Any] = {
        "phrase": "the red square",
        "method": "by-hand",
        "model": "none",
        "image": pixels,
        "heatmap": mask.astype(np.float32),
        "score_map": np.zeros((2, 2), np.float32),
        "mask": mask,
        "box": box,
        "point": point,
        "score": 0.5,
        "seen": (0.0, 0.0, float(size[1]), float(size[0])),
        "details": {"heads": ["L1H1"]},
    }
    return Grounding(**{**values, **changes})


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """An image of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
