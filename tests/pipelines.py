"""Tiny random text-to-image pipelines, in the form of diffusers: exactness needs no training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lvlms import special_tokenizer

__all__ = ["diffusion_pipeline", "xl_pipeline"]

_KEYS = 16


def _diffusers() -> Any:
    return pytest.importorskip("diffusers", reason="diffusers is not installed (extra: diffusion)")


def _tokenizer() -> Any:
    tokenizer = special_tokenizer([])
    tokenizer.model_max_length = _KEYS
    return tokenizer


def _text(words: int, kind: Any = CLIPTextModel, **more: Any) -> Any:
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=_KEYS,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        **more,
    )
    return kind(config).eval()


def _unet(cross: int, **more: Any) -> Any:
    settings = {
        "sample_size": 16,
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": cross,
        "attention_head_dim": (2, 4),
        "norm_num_groups": 8,
        **more,
    }
    return _sharp(_diffusers().UNet2DConditionModel(**settings).eval())


def _sharp(unet: Any) -> Any:
    """Queries and keys so large that rows have peaks."""
    for name, part in unet.named_modules():
        if name.endswith(("attn2.to_q", "attn2.to_k")):
            part.weight.data *= 8
    return unet


def _vae() -> Any:
    return (
        _diffusers()
        .AutoencoderKL(
            block_out_channels=(16, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=32,
        )
        .eval()
    )


def diffusion_pipeline(vocabulary: Sequence[str] = (), **unet: Any) -> Any:
    """Stable Diffusion of 16 x 16 latents, pictures of 32 x 32.

    Args:
        vocabulary: words that it knows beside those of all tests.
        **unet: settings of its U-Net.
    """
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    tokenizer.add_tokens(list(vocabulary))
    pipeline = _diffusers().StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_text(len(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(32, **unet),
        scheduler=_diffusers().DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def xl_pipeline() -> Any:
    """Stable Diffusion XL: two text encoders, several transformer blocks in one attention."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    pipeline = _diffusers().StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_text(len(tokenizer)),
        text_encoder_2=_text(len(tokenizer), CLIPTextModelWithProjection, projection_dim=24),
        tokenizer=tokenizer,
        tokenizer_2=_tokenizer(),
        unet=_unet(
            64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 24,
            transformer_layers_per_block=(1, 2),
        ),
        scheduler=_diffusers().EulerDiscreteScheduler(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
