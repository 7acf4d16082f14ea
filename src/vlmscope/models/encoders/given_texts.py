"""An image tower with text embeddings that were made elsewhere.

The tower may be that of a whole dual encoder, whose text encoder is then not asked, or stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.errors import ModelMismatchError
from vlmscope.models.encoders.blocks import VisionBlock
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.models.encoders.patches import PatchGrid
from vlmscope.models.encoders.text_table import TextTable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TOWERS_ALONE", "GivenTexts", "TowerAlone"]


@dataclass(frozen=True)
class TowerAlone:
    """An image tower that is saved without its text encoder.

    Attributes:
        dual: the model type of the dual encoder that it is of.
        auto_class: of transformers, which loads it with all that leads into the joint space.
    """

    dual: str
    auto_class: str


TOWERS_ALONE: Mapping[str, TowerAlone] = MappingProxyType(
    {
        "clip_vision_model": TowerAlone("clip", "CLIPVisionModelWithProjection"),
        "siglip_vision_model": TowerAlone("siglip", "SiglipVisionModel"),
    }
)
"""By ``config.model_type``."""


class GivenTexts(DualFamily):
    """A family whose texts are looked up in a table.

    Args:
        base: the family that the tower is of.
        table: phrases and embeddings.
        auto_class: of transformers, which loads the tower; None: the family's.
    """

    templates = False

    def __init__(self, base: DualFamily, table: TextTable, auto_class: str | None = None) -> None:
        self.id, self.model_types = base.id, base.model_types
        self.auto_class = auto_class or base.auto_class
        self.spare_weights = base.spare_weights
        self.prefix_tokens = base.prefix_tokens
        self.pooled_tokens = base.pooled_tokens
        self.notes = (
            *base.notes,
            f"texts: {len(table.rows)} given embeddings, sha256 {table.digest}; no templates",
        )
        self._base, self._table = base, table

    @property
    def digest(self) -> str:
        """Of phrases and vectors."""
        return self._table.digest

    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        return self._base.blocks(_whole(hf))

    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        return self._base.embed(_whole(hf), values, grid)

    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        return self._base.project(_whole(hf), tokens)

    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        return self._base.pool(_whole(hf), tokens)

    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        return self._table.of_texts(texts).to(hf.device, hf.dtype)

    def unknown_words(self, processor: Any, texts: Sequence[str]) -> tuple[str, ...]:
        return ()  # a phrase that is not there is refused

    def vision_config(self, hf: PreTrainedModel) -> Any:
        alone = hf.config.model_type in TOWERS_ALONE
        return hf.config if alone else self._base.vision_config(hf)

    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        return self._base.own_output(_whole(hf), values)

    def native_side(self, hf: PreTrainedModel) -> int:
        alone = hf.config.model_type in TOWERS_ALONE
        return super().native_side(hf) if alone else self._base.native_side(hf)

    def logit_scale(self, hf: PreTrainedModel) -> float:
        return self._base.logit_scale(hf)

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        width = int(self.vision_config(hf).hidden_size)
        with torch.no_grad():
            token = torch.zeros(1, 1, width, device=hf.device, dtype=hf.dtype)
            joint = int(self.project(hf, token).shape[-1])
        if joint != self._table.width:
            raise ModelMismatchError(
                f"The text embeddings in {self._table.where} have {self._table.width} values each, and "
                f"this tower's joint space has {joint}. Embed the texts by the text encoder that was "
                "trained with the tower."
            )


def _whole(hf: PreTrainedModel) -> Any:
    """The tower where a dual encoder has it: SigLIP's own model is what a dual encoder holds inside."""
    return hf if hasattr(hf, "vision_model") or hasattr(hf, "classifier") else _holding(hf)


def _holding(hf: PreTrainedModel) -> SimpleNamespace:
    return SimpleNamespace(vision_model=hf, config=hf.config)
