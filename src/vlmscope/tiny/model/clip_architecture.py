"""tiny-clip as transformers builds it: the vision tower of tiny-llava and a small text tower."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from vlmscope.tiny.model.architecture import Shape, build_vision, vision_config
from vlmscope.tiny.model.clip_tokenizer import BOS, LONGEST, PAD, clip_vocabulary

if TYPE_CHECKING:
    from transformers import CLIPConfig, CLIPModel

__all__ = ["TextShape", "build_clip", "clip_config", "start_towers"]


@dataclass(frozen=True)
class TextShape:
    """The sizes of the text tower and of the joint space.

    Attributes:
        width, layers, heads: the text tower.
        joint: dimensions in which image and text are compared.
    """

    width: int = 128
    layers: int = 3
    heads: int = 4
    joint: int = 128


def clip_config(shape: Shape, text: TextShape) -> CLIPConfig:
    """Configuration of the whole model."""
    from transformers import CLIPConfig, CLIPTextConfig

    words = len(clip_vocabulary())
    vision = vision_config(shape)
    vision.projection_dim = text.joint
    reader = CLIPTextConfig(
        vocab_size=words,
        hidden_size=text.width,
        intermediate_size=4 * text.width,
        num_hidden_layers=text.layers,
        num_attention_heads=text.heads,
        max_position_embeddings=LONGEST,
        projection_dim=text.joint,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=words - 1,
    )
    return CLIPConfig(
        text_config=reader.to_dict(),
        vision_config=vision.to_dict(),
        projection_dim=text.joint,
        # 10 instead of CLIP's 14: an image and its phrases share less than an image and its caption
        logit_scale_init_value=math.log(10),
    )


def build_clip(shape: Shape, text: TextShape, seed: int) -> CLIPModel:
    """A whole model with fresh weights, the same for the same seed."""
    from transformers import CLIPModel

    tower = build_vision(shape, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIPModel(clip_config(shape, text))
        _start_text(model.text_model)
    start_towers(model, tower)
    return model


def start_towers(model: CLIPModel, tower: torch.nn.Module) -> None:
    """Give the model the weights of a vision tower; every one of them must fit."""
    model.vision_model.load_state_dict(tower.state_dict())


def _start_text(tower: torch.nn.Module) -> None:
    """Weights far wider than CLIP's own start, for the reason given in ``architecture``."""
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            if name.endswith("token_embedding.weight"):
                parameter.normal_(0.0, 0.5)
            elif name.endswith("position_embedding.weight"):
                parameter.normal_(0.0, 0.1)
            elif parameter.ndim == 2:
                parameter.normal_(0.0, 0.7 / math.sqrt(parameter.shape[1]))
