"""CLIP: OpenAI's, MetaCLIP's and LAION's OpenCLIP checkpoints, in transformers format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.errors import BadPhraseError, ModelMismatchError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.encoders.blocks import VisionBlock, separate_projections
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.models.encoders.patches import PatchGrid, resize_positions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ClipFamily", "check_text_side", "separate_qkv_block", "tokenise"]


class ClipFamily(DualFamily):
    """``CLIPModel`` of transformers."""

    id = "clip"
    model_types = ("clip",)
    auto_class = "AutoModel"
    pooled_tokens = 1
    checkpoints = (
        Checkpoint(
            "tiny-clip",
            "1.5M",
            "Apache-2.0",
            "ships inside vlmscope; knows rendered shapes, not photographs",
            embedded=True,
        ),
        Checkpoint("openai/clip-vit-base-patch16", "150M", "MIT", side=448),
        Checkpoint("openai/clip-vit-base-patch32", "151M", "MIT", side=448),
        Checkpoint("openai/clip-vit-large-patch14", "428M", "MIT", side=448),
        Checkpoint("laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "150M", "MIT", side=448),
        Checkpoint("facebook/metaclip-b16-400m", "150M", "CC-BY-NC-4.0", side=448),
    )

    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        return [separate_qkv_block(layer) for layer in hf.vision_model.encoder.layers]

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        vision = hf.vision_model
        parts = vision.embeddings
        patches = parts.patch_embedding(values.to(parts.patch_embedding.weight.dtype))
        patches = patches.flatten(2).transpose(1, 2)
        first = parts.class_embedding.expand(values.shape[0], 1, -1)
        positions = resize_positions(parts.position_embedding.weight[None], 1, grid)
        tokens: Tensor = vision.pre_layrnorm(torch.cat([first, patches], dim=1) + positions)
        return tokens

    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        projected: Tensor = hf.visual_projection(hf.vision_model.post_layernorm(tokens))
        return projected

    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        return self.project(hf, tokens[:, :1])[:, 0]

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        limit = hf.config.text_config.max_position_embeddings
        inputs = tokenise(processor, texts, limit, padding=True)
        out = hf.get_text_features(**inputs.to(hf.device))
        features: Tensor = out if isinstance(out, Tensor) else out.pooler_output
        return features

    def vision_config(self, hf: PreTrainedModel) -> Any:
        return hf.config.vision_config

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        out: Tensor = hf.vision_model(pixel_values=values).last_hidden_state
        return out

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_text_side(hf, processor)


def separate_qkv_block(layer: Any) -> VisionBlock:
    """A block of CLIP's or SigLIP's vision tower."""
    attention = layer.self_attn
    return VisionBlock(
        norm1=layer.layer_norm1,
        project=separate_projections(attention, attention.num_heads),
        out=attention.out_proj,
        norm2=layer.layer_norm2,
        mlp=layer.mlp,
        scale=attention.scale,
        fused=attention.config._attn_implementation != "eager",
    )


def tokenise(processor: Any, texts: Sequence[str], limit: int, padding: bool | str) -> Any:
    """Token ids of texts.

    Raises:
        BadPhraseError: a text longer than the text tower can read; nothing is cut off silently.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    for text, ids in zip(texts, tokenizer(list(texts), verbose=False)["input_ids"], strict=True):
        if len(ids) > limit:
            raise BadPhraseError(
                f"The phrase {text[:60]!r}{'...' if len(text) > 60 else ''} has {len(ids)} tokens, "
                f"more than the {limit} that the text tower reads. Shorten it."
            )
    length: dict[str, Any] = {}
    if (
        padding == "max_length"
    ):  # how SigLIP was trained, whatever side the tokenizer's class prefers
        length = {"max_length": limit, "padding_side": "right"}
    return tokenizer(list(texts), padding=padding, return_tensors="pt", **length)


def check_text_side(hf: PreTrainedModel, processor: Any) -> None:
    """Raise ModelMismatchError unless tokenizer and image processor fit the model."""
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or getattr(processor, "image_processor", None) is None:
        raise ModelMismatchError(
            f"{type(processor).__name__} lacks a tokenizer or an image processor; load the processor "
            "that belongs to the model (AutoProcessor)."
        )
    vocabulary = int(hf.config.text_config.vocab_size)
    if len(tokenizer) > vocabulary:
        raise ModelMismatchError(
            f"The tokenizer has {len(tokenizer)} tokens, the model embeds {vocabulary}. Load the "
            "processor that belongs to the model."
        )
