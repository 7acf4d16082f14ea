"""Granite 4 Vision: windows that are whole tiles and parts of one, features in front of three layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers

import vlmscope as vs
from lvlms.build import Build, chat_template, sharpen, silence, special_tokenizer, text_options
from vlmscope.models import LoadedModel

SHAPES = ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))


def granite_vision(side: int = 56, patch: int = 7, rate: str = "2/4") -> LoadedModel:
    torch.manual_seed(0)
    words = special_tokenizer(["<image>"], {"image_token": "<image>"})
    pinpoints = [[rows * side, columns * side] for rows, columns in SHAPES]
    config = transformers.Granite4VisionConfig(
        text_config=text_options(
            len(words),
            model_type="granite4_vision_text",
            embedding_multiplier=2.0,
            attention_multiplier=0.2,
            residual_multiplier=0.5,
            logits_scaling=4.0,
        ),
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 64,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": side,
            "patch_size": patch,
            "vision_use_head": False,
        },
        qformer_config={
            "model_type": "blip_2_qformer",
            "num_hidden_layers": 1,
            "intermediate_size": 48,
            "cross_attention_frequency": 1,
            "use_qformer_text_input": False,
        },
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="full",
        image_grid_pinpoints=pinpoints,
        downsample_rate=rate,
        deepstack_layer_map=[[1, 0], [2, 1]],
        spatial_vision_layer=-1,
        spatial_target_layers=[0, 1, 2, 2],
    )
    model = transformers.Granite4VisionForConditionalGeneration(config).eval()
    processor = transformers.Granite4VisionProcessor(
        image_processor=transformers.LlavaNextImageProcessorPil(
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_grid_pinpoints=pinpoints,
        ),
        tokenizer=words,
        patch_size=patch,
        vision_feature_select_strategy="full",
        downsample_rate=rate,
        chat_template=chat_template("<image>\n"),
    )
    return sharpen(vs.from_pretrained_model(model, processor, name="random-granite4-vision"))


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")
    # of the windows: attention to their patches, and of their tokens to each other
    silence(model.hf.model.layerwise_projectors, "attention.output.dense")
    silence(model.hf.model.spatial_projectors, "attention.output.dense")


def added(model: LoadedModel, image: np.ndarray) -> torch.Tensor:
    """Float (positions, values): all that is added to the image's positions, side by side."""
    seen: list[dict[str, Any]] = []
    hook = model.decoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs), with_kwargs=True
    )
    try:
        vs.prefill(model, [image], "the small red circle on the left", stop_after=0)
    finally:
        hook.remove()
    mask = seen[0]["vision_mask"][0, :, 0]
    features = torch.cat(list(seen[0]["deepstack_features"].values()), dim=-1)
    whole = features.new_zeros((len(mask), features.shape[-1]))
    whole[mask] = features
    return whole


BUILDS = {
    "granite4-vision": Build(granite_vision, quiet, entering=added),
    "granite4-vision-gaps": Build(
        lambda: granite_vision(side=60, patch=7, rate="4/8"), quiet, entering=added
    ),
}
