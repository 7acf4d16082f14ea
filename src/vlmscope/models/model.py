"""A model ready to be looked into: the transformers model, its processor, and what its family knows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vlmscope.errors import BadPhraseError, UnknownNameError
from vlmscope.models.cards import ModelCard
from vlmscope.models.encoding import Encoded, EncodedText, check_length, encode_text, pad_batch
from vlmscope.models.family import Family, ImageInputs
from vlmscope.models.frozen import frozen
from vlmscope.models.prompts import Prompt, WrittenPrompt, write_chat, write_paper
from vlmscope.types import TokenMap, View

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["LoadedModel"]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A frozen vision-language model with its processor.

    Attributes:
        id: embedded or hub id, or the folder it came from.
        revision: commit on the hub or a fingerprint of the weights; None when unknown.
        hf: the transformers model. vlmscope never changes it for good.
        processor: the transformers processor.
        family: what is known of its kind.
        card: what is known of this checkpoint.
    """

    id: str
    revision: str | None
    hf: PreTrainedModel
    processor: Any
    family: Family
    card: ModelCard

    def __repr__(self) -> str:
        layers, heads = self.decoder_shape
        return (
            f"LoadedModel({self.id!r}, family={self.family.id!r}, {layers} layers x {heads} heads)"
        )

    @property
    def decoder(self) -> PreTrainedModel:
        """The text decoder."""
        return self.family.decoder(self.hf)

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder's layers."""
        return self.family.layers(self.hf)

    @property
    def decoder_shape(self) -> tuple[int, int]:
        """(layers, heads) of the decoder."""
        return len(self.layers), int(self.decoder.config.num_attention_heads)

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return self.hf.get_input_embeddings().weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.hf.dtype

    @property
    def context(self) -> int | None:
        """Most positions that the decoder can hold."""
        limit = getattr(self.decoder.config, "max_position_embeddings", None)
        return None if limit is None else int(limit)

    def write(self, prompt: str | Prompt, preset: str | None = None) -> WrittenPrompt:
        """Write a prompt under a preset (default: the family's first).

        Raises:
            UnknownNameError: for a preset the family does not have.
        """
        preset = self.resolve_preset(preset)
        asked = Prompt.of(prompt)
        if preset == "paper":
            return write_paper(asked, self.card.system, self.image_token)
        return write_chat(asked, self.processor, self.processor.tokenizer.bos_token)

    def resolve_preset(self, preset: str | None) -> str:
        """The preset's name, checked; None gives the family's default."""
        if preset is None:
            return self.family.presets[0]
        if preset not in self.family.presets:
            raise UnknownNameError("prompt preset", preset, self.family.presets)
        return preset

    @property
    def image_token(self) -> str:
        """The text of the image token."""
        return str(
            self.processor.tokenizer.convert_ids_to_tokens(self.family.image_token_id(self.hf))
        )

    def fit(self, pixels: NDArray[np.uint8], placement: str | None = None) -> ImageInputs:
        """One original image, uint8 (height, width, 3), as the model takes it."""
        chosen = placement or self.family.default_placement
        return self.family.image_inputs(self.hf, self.processor, pixels, chosen)

    def encode(
        self,
        images: Sequence[NDArray[np.uint8]],
        prompts: Sequence[str | Prompt],
        *,
        preset: str | None = None,
        placement: str | None = None,
        padding_side: str = "right",
    ) -> Encoded:
        """Prepare a batch of (image, prompt) pairs.

        Args:
            images: uint8 (height, width, 3) each, of any sizes; the same array may repeat.
            prompts: one per image.
            preset: ``paper`` or ``chat``; default: the family's first.
            placement: ``pad`` or ``processor``; default: the family's.
            padding_side: where shorter prompts are filled up.

        Raises:
            BadPhraseError: an empty phrase, or one longer than the context.
            ValueError: numbers of images and prompts differ.
        """
        if len(images) != len(prompts) or not images:
            raise ValueError(
                f"one prompt per image is needed, got {len(images)} and {len(prompts)}"
            )
        fitted = [self.fit(image, placement) for image in images]
        texts = [
            self.encode_prompt(prompt, image.tokens, preset)
            for prompt, image in zip(prompts, fitted, strict=True)
        ]
        batch, shifts = pad_batch(texts, self.pad_id, padding_side)
        for name in fitted[0].tensors:
            batch[name] = torch.cat([image.tensors[name] for image in fitted])
        inputs = {name: self._place(tensor) for name, tensor in batch.items()}
        maps = tuple(
            token_map(text, image, pixels.shape[:2], shift, batch["input_ids"].shape[1])
            for text, image, pixels, shift in zip(texts, fitted, images, shifts, strict=True)
        )
        return Encoded(inputs, maps)

    def encode_prompt(
        self, prompt: str | Prompt, image_tokens: int, preset: str | None = None
    ) -> EncodedText:
        """Tokenise one prompt for an image of so many tokens."""
        written = self.write(prompt, preset)
        image_token_id = self.family.image_token_id(self.hf)
        if self.image_token in Prompt.of(prompt).text:
            raise BadPhraseError(
                f"The phrase contains the image token {self.image_token!r}; only vlmscope places it. "
                "Remove it from the phrase."
            )
        text = encode_text(written, self.processor.tokenizer, image_token_id, image_tokens)
        check_length(len(text.ids), self.context, self.id)
        return text

    @property
    def pad_id(self) -> int:
        """The id that fills gaps; masked, so which one does not matter."""
        pad = self.processor.tokenizer.pad_token_id
        return int(pad) if pad is not None else 0

    def frozen(self) -> AbstractContextManager[None]:
        """No gradients and no dropout inside; the training flags are put back after."""
        return frozen(self.hf)

    def _place(self, tensor: torch.Tensor) -> torch.Tensor:
        dtype = self.dtype if tensor.is_floating_point() else None
        return tensor.to(device=self.device, dtype=dtype)


def token_map(
    text: EncodedText,
    image: ImageInputs,
    image_size: tuple[int, int],
    shift: int = 0,
    length: int | None = None,
) -> TokenMap:
    """Roles and geometry of one encoded prompt, ``shift`` positions into a padded sequence."""
    total = len(text.ids) + shift if length is None else length
    before, after = shift, total - shift - len(text.ids)
    views = tuple(
        View(layout.name, layout.offsets + text.image_start + shift, layout.y_edges, layout.x_edges)
        for layout in image.layouts
    )
    return TokenMap(
        roles=np.pad(text.roles, (before, after)),  # 0 is Role.PAD
        tokens=("",) * before + text.tokens + ("",) * after,
        image_size=(int(image_size[0]), int(image_size[1])),
        views=views,
        placement=image.placement,
        notes=_notes(text),
    )


def _notes(text: EncodedText) -> tuple[str, ...]:
    if not text.unknown:
        return ()
    words = ", ".join(repr(word) for word in text.unknown[:8])
    more = f" and {len(text.unknown) - 8} more" if len(text.unknown) > 8 else ""
    return (f"The model's vocabulary lacks {words}{more}: it reads them as 'unknown'.",)
