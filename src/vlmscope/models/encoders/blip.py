"""BLIP for image-text retrieval: a ViT with a class token, BERT-like text, one joint space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.encoders.blocks import QKV, VisionBlock
from vlmscope.models.encoders.clip import check_text_side, tokenise
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.models.encoders.patches import PatchGrid, resize_positions
from vlmscope.models.spare_weights import POOLER, SpareWeights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["BlipFamily"]


class BlipFamily(DualFamily):
    """``BlipForImageTextRetrieval`` of transformers."""

    id = "blip"
    model_types = ("blip",)
    auto_class = "BlipForImageTextRetrieval"
    pooled_tokens = 1
    spare_weights = (
        POOLER,
        SpareWeights(r"^text_decoder\.", "the captioner, which compares no text with an image"),
    )
    checkpoints = (Checkpoint("Salesforce/blip-itm-base-coco", "224M", "BSD-3-Clause", side=384),)

    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        return [_block(layer) for layer in hf.vision_model.encoder.layers]

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        parts = hf.vision_model.embeddings
        patches = parts.patch_embedding(values.to(parts.patch_embedding.weight.dtype))
        patches = patches.flatten(2).transpose(1, 2)
        first = parts.class_embedding.expand(values.shape[0], 1, -1)
        positions = resize_positions(parts.position_embedding, 1, grid)
        tokens: Tensor = torch.cat([first, patches], dim=1) + positions
        return tokens

    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        projected: Tensor = hf.vision_proj(hf.vision_model.post_layernorm(tokens))
        return projected

    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        return self.project(hf, tokens[:, :1])[:, 0]

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        limit = hf.config.text_config.max_position_embeddings
        inputs = tokenise(processor, texts, limit, padding=True).to(hf.device)
        hidden = hf.text_encoder(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], return_dict=True
        ).last_hidden_state
        features: Tensor = hf.text_proj(hidden[:, 0])
        return features

    def vision_config(self, hf: PreTrainedModel) -> Any:
        return hf.config.vision_config

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        out: Tensor = hf.vision_model(pixel_values=values, output_hidden_states=True).hidden_states[
            -1
        ]
        return out

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_text_side(hf, processor)


def _block(layer: Any) -> VisionBlock:
    attention = layer.self_attn
    heads = attention.num_heads

    def project(x: Tensor) -> QKV:
        # one matrix makes all three: (batch, tokens, 3 * dim) -> three (batch, heads, tokens, head_dim)
        mixed = attention.qkv(x).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        return QKV(mixed[0], mixed[1], mixed[2])

    return VisionBlock(
        norm1=layer.layer_norm1,
        project=project,
        out=attention.projection,
        norm2=layer.layer_norm2,
        mlp=layer.mlp,
        scale=attention.scale,
        fused=False,
    )
