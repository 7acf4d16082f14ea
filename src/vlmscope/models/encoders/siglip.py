"""SigLIP and SigLIP 2 (fixed resolution): no class token, an attention-pooling head.

There is no class token whose projection patches could share. Patches are carried to the joint space
through the pooling head as if each were the only token: its value and output projections, then its
residual feed-forward part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.encoders.blocks import VisionBlock
from vlmscope.models.encoders.clip import check_text_side, separate_qkv_block, tokenise
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.models.encoders.patches import PatchGrid, resize_positions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["SiglipFamily"]


class SiglipFamily(DualFamily):
    """``SiglipModel`` of transformers."""

    id = "siglip"
    model_types = ("siglip",)
    auto_class = "AutoModel"
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("google/siglip-base-patch16-224", "203M", "Apache-2.0", side=448),
        Checkpoint("google/siglip2-base-patch16-224", "375M", "Apache-2.0", side=448),
    )
    prefix_tokens = 0
    notes = ("no class token: patches go through the pooling head, each as if it were alone",)

    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        return [separate_qkv_block(layer) for layer in hf.vision_model.encoder.layers]

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        parts = hf.vision_model.embeddings
        patches = parts.patch_embedding(values.to(parts.patch_embedding.weight.dtype))
        patches = patches.flatten(2).transpose(1, 2)
        tokens: Tensor = patches + resize_positions(parts.position_embedding.weight[None], 0, grid)
        return tokens

    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        head = hf.vision_model.head
        attention = head.attention
        dim = attention.embed_dim
        x = hf.vision_model.post_layernorm(tokens)
        values = F.linear(x, attention.in_proj_weight[2 * dim :], attention.in_proj_bias[2 * dim :])
        alone = attention.out_proj(values)  # softmax over a single token is 1
        projected: Tensor = alone + head.mlp(head.layernorm(alone))
        return projected

    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        pooled: Tensor = hf.vision_model.head(hf.vision_model.post_layernorm(tokens))
        return pooled

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        # trained with every text padded to the full length: other padding changes the embedding
        limit = hf.config.text_config.max_position_embeddings
        ids = tokenise(processor, texts, limit, padding="max_length")["input_ids"]
        out = hf.get_text_features(input_ids=ids.to(hf.device))
        features: Tensor = out if isinstance(out, Tensor) else out.pooler_output
        return features

    def vision_config(self, hf: PreTrainedModel) -> Any:
        return hf.config.vision_config

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        # the tower's last_hidden_state is already normalised: take the last block's
        out: Tensor = hf.vision_model(pixel_values=values, output_hidden_states=True).hidden_states[
            -1
        ]
        return out

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_text_side(hf, processor)
