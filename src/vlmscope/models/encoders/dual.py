"""Dual encoders: a vision transformer and something that embeds text into the same space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from string import punctuation
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadPhraseError
from vlmscope.models.cards import Checkpoint, ModelCard
from vlmscope.models.encoders.blocks import VisionBlock
from vlmscope.models.encoders.patches import (
    Normalisation,
    PatchGrid,
    grid_map,
    grid_size,
    to_pixel_values,
)
from vlmscope.models.encoders.recent_texts import RecentTexts
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.guard import frozen
from vlmscope.models.prompts.encoding import control_tokens, refuse_control_tokens
from vlmscope.models.spare_weights import SpareWeights
from vlmscope.types import TokenMap

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["DualEncoder", "DualFamily", "FittedPatches"]


@dataclass(frozen=True, eq=False)
class FittedPatches:
    """One image on its grid of patches.

    Attributes:
        values: float32 (1, 3, height, width), normalised.
        grid: (rows, columns) of patches.
        token_map: the original pixels of every patch.
    """

    values: Tensor
    grid: PatchGrid
    token_map: TokenMap


class DualFamily(ABC):
    """A family of dual encoders.

    Attributes:
        id: explicit and unique.
        model_types: ``config.model_type`` values of transformers.
        auto_class: name of the auto class of transformers that loads it.
        checkpoints: well-known ones, for `vlmscope models`; no two families share one.
        foreign_types: ``config.model_type`` values of another format that :func:`vlmscope.load` reads.
        format_hints: formats of its weights that nothing here reads.
        spare_weights: what its checkpoints may hold beyond what the model takes; all else is refused.
        prefix_tokens: special tokens in front of the patches (the class token).
        pooled_tokens: how many of the first tokens :meth:`pool` reads; 0: all of them.
        templates: whether phrases may be put into prompt templates.
        joint_space: whether patches and texts can be compared; dense methods do nothing else.
        notes: what is done where the encoder differs from CLIP.
    """

    id: str
    model_types: tuple[str, ...]
    auto_class: str
    checkpoints: tuple[Checkpoint, ...] = ()
    foreign_types: tuple[str, ...] = ()
    format_hints: tuple[FormatHint, ...] = ()
    spare_weights: tuple[SpareWeights, ...] = ()
    prefix_tokens: int = 1
    pooled_tokens: int = 0
    templates: bool = True
    joint_space: bool = True
    notes: tuple[str, ...] = ()

    @abstractmethod
    def blocks(self, hf: PreTrainedModel) -> list[VisionBlock]:
        """The vision tower's blocks, first to last."""

    @abstractmethod
    def embed(self, hf: PreTrainedModel, values: Tensor, grid: PatchGrid) -> Tensor:
        """(batch, 3, height, width) -> (batch, prefix + patches, dim): the first block's input."""

    @abstractmethod
    def project(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        """Dense tokens (batch, n, dim) -> the joint space (batch, n, joint), not normalised."""

    @abstractmethod
    def pool(self, hf: PreTrainedModel, tokens: Tensor) -> Tensor:
        """The last block's output (batch, prefix + patches, dim) -> image embedding (batch, joint).

        It may be given the first ``pooled_tokens`` of them alone.
        """

    @abstractmethod
    def embed_text(self, hf: PreTrainedModel, processor: Any, texts: Sequence[str]) -> Tensor:
        """Texts -> the joint space (texts, joint), not normalised.

        Raises:
            UnknownNameError: for a text the encoder has no embedding for (classifier labels).
        """

    def unknown_words(self, processor: Any, texts: Sequence[str]) -> tuple[str, ...]:
        """Words of texts that the vocabulary lacks; none where it spells every word in parts."""
        tokenizer = getattr(processor, "tokenizer", None)
        unknown = getattr(tokenizer, "unk_token_id", None)
        texts = [text for text in texts if text.strip()]
        if tokenizer is None or unknown is None or not texts:
            return ()
        # A vocabulary may hold "fire hydrant" and neither of its words: only what it does not read as
        # a whole is looked at word by word. Without special tokens: CLIP's <unk> is its end of text too.
        read = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        lost = [text for text, parts in zip(texts, read, strict=True) if unknown in parts]
        words = [word.strip(punctuation) for text in lost for word in text.split()]
        words = [word for word in dict.fromkeys(words) if word]
        if not words:
            return ()
        ids = tokenizer(words, add_special_tokens=False, verbose=False)["input_ids"]
        return tuple(word for word, parts in zip(words, ids, strict=True) if unknown in parts)

    @abstractmethod
    def vision_config(self, hf: PreTrainedModel) -> Any:
        """The vision tower's configuration: patch_size, and image_size where there is one size."""

    @abstractmethod
    def own_output(self, hf: PreTrainedModel, values: Tensor) -> Tensor:
        """The model's own last block output for its own image size: what the untouched path equals."""

    @abstractmethod
    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        """Raise ModelMismatchError unless the processor belongs to the model."""

    def native_side(self, hf: PreTrainedModel) -> int:
        """Side in pixels of the (square) images that the tower was trained on."""
        size = self.vision_config(hf).image_size
        return int(size if isinstance(size, int) else size[0])

    def logit_scale(self, hf: PreTrainedModel) -> float:
        """Factor between cosine similarity and the model's own logits."""
        scale = getattr(hf, "logit_scale", None)
        return float(scale.detach().exp()) if isinstance(scale, Tensor) else 100.0


@dataclass(frozen=True, eq=False)
class DualEncoder:
    """A frozen dual encoder with its processor.

    Attributes:
        id, revision, hf, processor, family, card: as for ``LoadedModel``.
    """

    id: str
    revision: str | None
    hf: PreTrainedModel
    processor: Any
    family: DualFamily
    card: ModelCard
    _texts: RecentTexts = field(default_factory=RecentTexts, repr=False)

    def __repr__(self) -> str:
        return f"DualEncoder({self.id!r}, family={self.family.id!r}, patch={self.patch})"

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return int(self.family.vision_config(self.hf).patch_size)

    @property
    def native_side(self) -> int:
        """Side in pixels of the images that the tower was trained on."""
        return self.family.native_side(self.hf)

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return self.hf.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.hf.dtype

    @property
    def blocks(self) -> list[VisionBlock]:
        """The vision tower's blocks."""
        return self.family.blocks(self.hf)

    def fit(
        self,
        pixels: NDArray[np.uint8],
        side: int | tuple[int, int] | None = None,
        keep_ratio: bool = True,
    ) -> FittedPatches:
        """Put an original image, uint8 (height, width, 3), on a grid of patches.

        Args:
            pixels: the image; all of it is seen, nothing is cropped or padded.
            side: in pixels; None: the tower's own.
            keep_ratio: the shorter side becomes ``side``; False: the image is squashed.
        """
        size = (int(pixels.shape[0]), int(pixels.shape[1]))
        grid = grid_size(size, self.patch, side or self.native_side, keep_ratio)
        processor = getattr(self.processor, "image_processor", self.processor)
        values = to_pixel_values(pixels, grid, self.patch, Normalisation.of(processor))
        token_map = replace(grid_map(size, grid), picture_notes=self.card.picture_notes(pixels))
        return FittedPatches(values, grid, token_map)

    def text_embeddings(self, texts: Sequence[str], *, keep: bool = True) -> Tensor:
        """Unit vectors (texts, joint) on the model's device; a text that was embedded lately is not again.

        The last digits of a vector depend on the texts that it was embedded together with.

        Args:
            texts: what is embedded.
            keep: remember those that are new for later calls.

        Raises:
            BadPhraseError: an empty text, or one that spells a control token.
        """
        for text in texts:
            if not isinstance(text, str) or not text.strip():
                raise BadPhraseError(f"A phrase must be text that is not empty, got {text!r}.")
        different = list(dict.fromkeys(texts))
        vectors = self._texts.known(different)
        fresh = self._embedded([text for text in different if text not in vectors])
        if keep:
            self._texts.keep(fresh)
        vectors |= fresh
        return torch.stack([vectors[text] for text in texts])

    def _embedded(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Unit vectors (joint,) of texts that differ."""
        vectors: dict[str, Tensor] = {}
        if texts:
            refuse_control_tokens(texts, control_tokens(self.processor), self.id)
            with self.frozen():
                for start in range(0, len(texts), 256):
                    part = texts[start : start + 256]
                    embeddings = self.family.embed_text(self.hf, self.processor, part)
                    vectors.update(zip(part, F.normalize(embeddings, dim=-1), strict=True))
        return vectors

    def frozen(self) -> AbstractContextManager[None]:
        """No gradients and no dropout inside; the training flags are put back after."""
        return frozen(self.hf)
