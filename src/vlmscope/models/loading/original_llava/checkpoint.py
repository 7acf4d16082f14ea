"""A checkpoint of the original LLaVA code as transformers' model and processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vlmscope.models.families import FAMILIES
from vlmscope.models.loading.devices import WeightPlan
from vlmscope.models.loading.original_llava.files import fetched, stored_tensors
from vlmscope.models.loading.original_llava.names import TOWER, TensorNames
from vlmscope.models.loading.original_llava.processor import (
    IMAGE_TOKEN,
    load_tokenizer,
    make_processor,
)
from vlmscope.models.loading.original_llava.projector import model_class
from vlmscope.models.loading.original_llava.settings import OriginalSettings, read_settings
from vlmscope.models.loading.original_llava.tower import (
    find_tower,
    image_processor,
    tower_config,
    tower_weights,
)
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import Source
from vlmscope.models.spare_weights import SpareWeights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["OriginalLlava", "is_original_llava"]

_EMBEDDED = "model.language_model.embed_tokens.weight"
_OUT = "lm_head.weight"


def is_original_llava(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is in the format of the original LLaVA code."""
    if "vision_config" in config:
        return False
    kind = config.get("model_type")
    return kind in FAMILIES.get("llava").foreign_types or (
        kind == "llava" and "mm_vision_tower" in config
    )


@dataclass(frozen=True)
class OriginalLlava:
    """One such checkpoint.

    Attributes:
        source: where it lies, pinned.
        settings: what its configuration says.
        tower: where its vision tower lies, which gives its settings and, where the checkpoint does
            not hold them, its weights.
    """

    source: Source
    settings: OriginalSettings
    tower: Source

    @classmethod
    def of(cls, source: Source) -> OriginalLlava:
        """Read the settings; the weights are left where they are.

        Raises:
            UnsupportedError: a model beyond LLaVA-1.5 and Yi-VL, or a tower that is no CLIP.
            ModelLoadError: settings that cannot be read, or a tower that is not there.
        """
        settings = read_settings(source.config, source.name)
        return cls(source, settings, find_tower(source, settings.tower))

    @cached_property
    def processor(self) -> Any:
        """transformers' processor.

        Raises:
            ModelLoadError: a part that cannot be read.
        """
        images = image_processor(self.tower, pads=self.settings.pads)
        return make_processor(self.settings, self._tokenizer, images, self._vision_config)

    @cached_property
    def config(self) -> Any:
        """transformers' configuration, its vocabulary as large as the image token needs.

        Raises:
            ModelLoadError: a part that cannot be read.
        """
        from transformers import LlavaConfig

        vision, token = self._vision_config, self._image_token_id
        rows = max(int(self.settings.text["vocab_size"]), token + 1)
        with explained(self.source.name):
            return LlavaConfig(
                vision_config=vision,
                text_config=self._text_config(rows),
                image_token_index=token,
                image_seq_length=(vision.image_size // vision.patch_size) ** 2,
                vision_feature_layer=self.settings.layer,
                vision_feature_select_strategy="full" if self.settings.keeps_class else "default",
                tie_word_embeddings=bool(self.settings.text.get("tie_word_embeddings", False)),
                image_delimiters=["<im_start>", "<im_end>"] if self.settings.delimited else None,
            )

    def empty(self) -> PreTrainedModel:
        """The model without its weights, on whatever device torch makes new tensors."""
        model: PreTrainedModel = model_class(self.settings.projector)(self.config)
        return model.eval()

    def load(
        self, plan: WeightPlan, spare: Iterable[SpareWeights]
    ) -> tuple[Source, PreTrainedModel]:
        """The model with its weights.

        Args:
            plan: what they become and where they go.
            spare: what may be left over.

        Returns:
            The source, whose revision tells the tower's too where that is elsewhere, and the model.

        Raises:
            ModelLoadError: tensors that are missing, renamed, left over or of another shape.
        """
        name = self.source.name
        stored = dict(stored_tensors(fetched(self.source, weights=True), name))
        names = TensorNames(self.settings.projector)
        inside = any(key.startswith(TOWER) for key in stored)
        wanted = self._wanted(with_tower=inside)
        names.check(name, stored, wanted, spare)
        placed = {names.in_transformers(key): value for key, value in stored.items()}
        weights = {key: value for key, value in placed.items() if key in wanted}
        if not inside:
            weights |= {f"{TOWER}{key}": value for key, value in tower_weights(self.tower).items()}
        self._grow(weights)
        source = self.source if inside else self._with_tower()
        return source, self._filled(weights, plan)

    @cached_property
    def _vision_config(self) -> Any:
        return tower_config(self.tower, self.settings.layer, self.source.name)

    @cached_property
    def _tokenizer(self) -> Any:
        folder = fetched(self.source, weights=False)
        text = self._text_config(int(self.settings.text["vocab_size"]))
        return load_tokenizer(folder, self.source.name, text)

    @property
    def _image_token_id(self) -> int:
        return int(self._tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))

    def _text_config(self, rows: int) -> Any:
        from transformers import LlamaConfig

        with explained(self.source.name):
            return LlamaConfig(**{**self.settings.text, "vocab_size": rows})

    def _wanted(self, *, with_tower: bool) -> dict[str, Tensor]:
        """What the checkpoint has to hold, by transformers' names: tensors without storage."""
        with torch.device("meta"):
            wanted = dict(self.empty().state_dict())
        rows = int(self.settings.text["vocab_size"])
        for key in (_EMBEDDED, _OUT):
            wanted[key] = wanted[key][:rows]
        if self.config.tie_word_embeddings:
            del wanted[_OUT]
        return {
            key: each for key, each in wanted.items() if with_tower or not key.startswith(TOWER)
        }

    def _grow(self, weights: dict[str, Tensor]) -> None:
        """Rows for the image token, where the vocabulary ends before it.

        The mean of the others: its logit is then the mean of theirs, so it is never the best answer.
        """
        rows = int(self.config.text_config.vocab_size)
        for key in (_EMBEDDED, _OUT):
            if key in weights and len(weights[key]) < rows:
                old = weights[key]
                mean = old.float().mean(0, keepdim=True).to(old.dtype)
                weights[key] = torch.cat([old, mean.expand(rows - len(old), -1)])

    def _filled(self, weights: dict[str, Tensor], plan: WeightPlan) -> PreTrainedModel:
        spread = {} if plan.device_map is None else {"device_map": plan.device_map}
        dtype = weights[_EMBEDDED].dtype if plan.dtype == "auto" else plan.dtype
        hf = model_class(self.settings.projector).from_pretrained(
            None, config=self.config, state_dict=weights, dtype=dtype, **spread
        )
        hf.config.name_or_path = self.source.path
        if plan.device is not None:
            hf.to(plan.device)
        model: PreTrainedModel = hf.eval()
        return model

    def _with_tower(self) -> Source:
        return replace(self.source, revision=f"{self.source.revision}+tower:{self.tower.revision}")
