"""tiny-llava as transformers builds it: CLIP vision tower, two-layer projector, Llama decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from vlmscope.tiny.model.tokenizer import BOS, EOS, IMAGE, PAD, vocabulary

if TYPE_CHECKING:
    from transformers import (
        CLIPVisionConfig,
        CLIPVisionModel,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

__all__ = ["Shape", "build_llava", "build_vision", "llava_config", "vision_config"]


@dataclass(frozen=True)
class Shape:
    """The sizes of the model.

    Attributes:
        canvas: edge of the input image in pixels.
        patch: edge of a patch in pixels.
        vision_width, vision_layers, vision_heads: the vision tower.
        text_width, text_layers, text_heads, text_inner: the decoder.
    """

    canvas: int = 128
    patch: int = 8
    vision_width: int = 128
    vision_layers: int = 4
    vision_heads: int = 4
    text_width: int = 192
    text_layers: int = 6
    text_heads: int = 8
    text_inner: int = 576

    @property
    def image_tokens(self) -> int:
        """Patches of an image."""
        return (self.canvas // self.patch) ** 2


def vision_config(shape: Shape) -> CLIPVisionConfig:
    """Configuration of the vision tower."""
    from transformers import CLIPVisionConfig

    return CLIPVisionConfig(
        hidden_size=shape.vision_width,
        intermediate_size=4 * shape.vision_width,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_heads,
        image_size=shape.canvas,
        patch_size=shape.patch,
        projection_dim=shape.vision_width,
    )


def llava_config(shape: Shape) -> LlavaConfig:
    """Configuration of the whole model."""
    from transformers import LlamaConfig, LlavaConfig

    text = LlamaConfig(
        vocab_size=len(vocabulary()),
        hidden_size=shape.text_width,
        intermediate_size=shape.text_inner,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.text_heads,
        num_key_value_heads=shape.text_heads,
        max_position_embeddings=1024,
        initializer_range=0.05,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    return LlavaConfig(
        vision_config=vision_config(shape),
        text_config=text,
        image_token_id=IMAGE,
        image_seq_length=shape.image_tokens,
        # the last layer: with four of them, LLaVA's usual last but one would waste a quarter
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )


def build_vision(shape: Shape, seed: int) -> CLIPVisionModel:
    """A vision tower with fresh weights, the same for the same seed."""
    from transformers import CLIPVisionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = CLIPVisionModel(vision_config(shape))
        _start_vision(tower, shape)
    return tower


def build_llava(shape: Shape, seed: int) -> LlavaForConditionalGeneration:
    """A whole model with fresh weights, the same for the same seed."""
    from transformers import LlavaForConditionalGeneration

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(llava_config(shape))
        _start_vision(model.model.vision_tower, shape)
        _widen(model.model.multi_modal_projector)
    return model


def _start_vision(tower: torch.nn.Module, shape: Shape) -> None:
    """Positions from sines and cosines, linear weights far wider than CLIP's own start.

    CLIP's start is meant for 400 million images; from there, minutes of training stay at chance.
    """
    _widen(tower)
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            if name.endswith("position_embedding.weight"):
                parameter.copy_(_sines(shape.canvas // shape.patch, shape.vision_width))


def _widen(module: torch.nn.Module) -> None:
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
                fan_in = layer.weight[0].numel()
                layer.weight.normal_(0.0, 0.7 / math.sqrt(fan_in))
                if layer.bias is not None:
                    layer.bias.zero_()


def _sines(grid: int, width: int, scale: float = 0.3) -> torch.Tensor:
    """float32 (1 + grid * grid, width): zeros for the class token, then rows of the grid."""
    steps = torch.arange(grid, dtype=torch.float32)
    waves = torch.pi * 2.0 ** torch.linspace(0, math.log2(grid), width // 4) / grid
    angles = steps[:, None] * waves
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)  # (grid, width / 2)
    rows = axis[:, None, :].expand(grid, grid, -1)
    columns = axis[None, :, :].expand(grid, grid, -1)
    table = torch.cat([rows, columns], dim=2).reshape(grid * grid, width)
    return scale * torch.cat([torch.zeros(1, width), table])
