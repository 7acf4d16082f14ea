"""ViT and DeiT classifiers: the classifier's rows stand in for text.

A phrase is looked up among the labels; there is no text encoder that could read any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vlmscope.errors import ModelMismatchError, UnknownNameError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.encoders.blocks import VisionBlock, separate_projections
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.models.encoders.patches import PatchGrid, resize_positions
from vlmscope.models.spare_weights import POOLER

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["DeitFamily", "VitFamily", "label_rows"]


class VitFamily(DualFamily):
    """``ViTForImageClassification`` of transformers."""

    id = "vit"
    model_types: tuple[str, ...] = ("vit",)
    auto_class = "AutoModelForImageClassification"
    pooled_tokens = 1
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("google/vit-base-patch16-224", "87M", "Apache-2.0", "phrases = labels"),
        Checkpoint("facebook/deit-tiny-patch16-224", "6M", "Apache-2.0", "phrases = labels"),
    )
    spare_weights = (POOLER,)
    templates = False
    notes = ("no text encoder: phrases are looked up among the classifier's labels",)
    _trunk = "vit"

    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        return [_block(layer) for layer in getattr(hf, self._trunk).layers]

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        parts = getattr(hf, self._trunk).embeddings
        projection = parts.patch_embeddings.projection
        patches = projection(values.to(projection.weight.dtype)).flatten(2).transpose(1, 2)
        count = values.shape[0]
        special = [token.expand(count, -1, -1) for token in self._special(parts)]
        positions = resize_positions(parts.position_embeddings, len(special), grid)
        tokens: Tensor = torch.cat([*special, patches], dim=1) + positions
        return tokens

    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        projected: Tensor = getattr(hf, self._trunk).layernorm(tokens)
        return projected

    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        return self.project(hf, tokens[:, :1])[:, 0]

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        rows = label_rows(hf.config.id2label, texts)
        weights: Tensor = hf.classifier.weight[torch.tensor(rows, device=hf.device)]
        return weights

    def vision_config(self, hf: PreTrainedModel) -> Any:
        return hf.config

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        trunk = getattr(hf, self._trunk)
        out: Tensor = trunk(pixel_values=values, output_hidden_states=True).hidden_states[-1]
        return out

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        if not isinstance(getattr(hf, "classifier", None), nn.Linear):
            raise ModelMismatchError(
                f"{type(hf).__name__} has no linear classifier whose rows could stand in for text."
            )

    def _special(self, parts: Any) -> tuple[Tensor, ...]:
        return (parts.cls_token,)


class DeitFamily(VitFamily):
    """``DeiTForImageClassification``: a distillation token beside the class token."""

    id = "deit"
    model_types = ("deit",)
    checkpoints = ()  # DeiTs without a distillation token are ViTs
    prefix_tokens = 2
    _trunk = "deit"

    def _special(self, parts: Any) -> tuple[Tensor, ...]:
        return parts.cls_token, parts.distillation_token


def label_rows(id2label: dict[int, str], texts: Sequence[str]) -> list[int]:
    """Rows of the classifier for texts: a whole label, one of its comma-separated names, or its number.

    Raises:
        UnknownNameError: for a text that is no label; lists the nearest.
    """
    known: dict[str, int] = {}
    for row, label in sorted(id2label.items(), key=lambda item: int(item[0])):
        for name in [label, *label.split(",")]:
            known.setdefault(name.strip().lower(), int(row))
    numbers = {int(row) for row in id2label}
    rows = []
    for text in texts:
        name = text.strip().lower()
        if name.isdecimal() and int(name) in numbers:
            rows.append(int(name))
            continue
        if name not in known:
            raise UnknownNameError("label", text, known, where="See: id2label in its config.json")
        rows.append(known[name])
    return rows


def _block(layer: Any) -> VisionBlock:
    attention = layer.attention
    return VisionBlock(
        norm1=layer.layernorm_before,
        project=separate_projections(attention, attention.num_attention_heads),
        out=attention.o_proj,
        norm2=layer.layernorm_after,
        mlp=layer.mlp,
        scale=attention.scaling,
        fused=attention.config._attn_implementation != "eager",
    )
