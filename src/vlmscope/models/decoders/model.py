"""A model ready to be looked into: the transformers model, its processor, and what its family knows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vlmscope.errors import (
    BadPhraseError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.models.cards import ModelCard
from vlmscope.models.decoders.family import Family
from vlmscope.models.guard import exclusive, frozen
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.layout.placement import shrink
from vlmscope.models.layout.token_maps import token_map
from vlmscope.models.prompts.encoding import (
    ControlTokens,
    Encoded,
    EncodedText,
    check_length,
    control_token_in,
    control_tokens,
    encode_text,
    pad_batch,
    refuse_control_tokens,
)
from vlmscope.models.prompts.prompt import Prompt, PromptRequest, WrittenPrompt
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.types import Answer, TokenMap

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["LoadedModel", "input_device"]


def input_device(embeddings: torch.nn.Module) -> torch.device:
    """Where a model's inputs go, given its input embeddings.

    Weights that accelerate has put aside (to memory or to disk) seem to lie nowhere; they are
    brought to the device that its hook names.
    """
    import torch

    device: torch.device = embeddings.weight.device  # type: ignore[assignment]
    if device.type != "meta":
        return device
    place = getattr(getattr(embeddings, "_hf_hook", None), "execution_device", None)
    return device if place is None else torch.device(place)


Pixels = NDArray[np.uint8]


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
        max_side: images with a longer side are made smaller first, in pixels; None: never. Families
            that take any resolution make fewer tokens of them.
    """

    id: str
    revision: str | None
    hf: PreTrainedModel
    processor: Any
    family: Family
    card: ModelCard
    max_side: int | None = None

    def __repr__(self) -> str:
        layers, heads = self.decoder_shape
        rows = "" if len(self.row_layers) == layers else f" ({len(self.row_layers)} with rows)"
        return (
            f"LoadedModel({self.id!r}, family={self.family.id!r}, {layers} layers{rows} x "
            f"{heads} heads)"
        )

    @cached_property
    def decoder(self) -> PreTrainedModel:
        """The text decoder."""
        return self.family.decoder(self.hf)

    @cached_property
    def layers(self) -> nn.ModuleList:
        """The decoder's layers."""
        return self.family.layers(self.hf)

    @cached_property
    def decoder_shape(self) -> tuple[int, int]:
        """(layers, heads) of the decoder; not every layer has attention rows, see :attr:`row_layers`."""
        return len(self.layers), int(self.decoder.config.num_attention_heads)

    @cached_property
    def row_layers(self) -> tuple[int, ...]:
        """Layers that have attention rows, ascending, by their own numbers: all, but for hybrids."""
        return self.family.row_layers(self.hf)

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return input_device(self.hf.get_input_embeddings())

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.hf.dtype

    @property
    def context(self) -> int | None:
        """Most positions that the decoder can hold."""
        limit = getattr(self.decoder.config, "max_position_embeddings", None)
        return None if limit is None else int(limit)

    def write(
        self,
        prompt: str | Prompt,
        preset: str | None = None,
        images: int = 1,
        kind: str = "image",
    ) -> WrittenPrompt:
        """Write a prompt under a preset (default: the family's first).

        Raises:
            UnknownNameError: for a preset the family does not have.
            UnsupportedError: for several images where the family takes one.
        """
        preset = self.resolve_preset(preset)
        if images > 1 and not self.family.many_images:
            raise UnsupportedError(
                f"{self.id} (family {self.family.id!r}) takes one image per prompt, got {images}."
            )
        request = PromptRequest(Prompt.of(prompt), images, preset, kind)
        return self.family.write(self.hf, self.processor, request, preset, self.written_system)

    @property
    def written_system(self) -> str:
        """The system sentence of the ``paper`` preset: the checkpoint's own, else the family's."""
        return self.family.paper_system if self.card.system is None else self.card.system

    def resolve_preset(self, preset: str | None) -> str:
        """The preset's name, checked; None gives the family's default."""
        if preset is None:
            return self.family.presets[0]
        if preset not in self.family.presets:
            raise UnknownNameError("prompt preset", preset, self.family.presets)
        return preset

    @cached_property
    def image_token(self) -> str:
        """The text of the image token."""
        return str(self.processor.tokenizer.convert_ids_to_tokens(self.image_token_id))

    @cached_property
    def image_token_id(self) -> int:
        """Its id in the vocabulary."""
        return self.family.image_token_id(self.hf)

    def fit(
        self, pixels: NDArray[np.uint8], placement: str | None = None, images: int = 1
    ) -> ImageInputs:
        """One original image, uint8 (height, width, 3), as the model takes it.

        Args:
            pixels: the image.
            placement: one of the family's; default: its first.
            images: how many its prompt holds.

        Raises:
            UnknownNameError: for a placement that the family does not have.
        """
        chosen = placement or self.family.default_placement
        if chosen not in self.family.placements:
            raise UnknownNameError("placement", chosen, self.family.placements)
        smaller, y, x = shrink(pixels, self.max_side)
        way = self.family.image_inputs if images == 1 else self.family.one_of_several
        fitted = way(self.hf, self.processor, smaller, chosen)
        fitted = replace(fitted, notes=self.card.picture_notes(pixels))
        if smaller is pixels:
            return fitted
        layouts = tuple(
            replace(each, y_edges=y.to_original(each.y_edges), x_edges=x.to_original(each.x_edges))
            for each in fitted.layouts
        )
        return replace(fitted, layouts=layouts)

    def encode(
        self,
        images: Sequence[Pixels | Sequence[Pixels]],
        prompts: Sequence[str | Prompt],
        *,
        preset: str | None = None,
        placement: str | None = None,
        padding_side: str = "right",
    ) -> Encoded:
        """Prepare a batch of (image, prompt) pairs.

        Args:
            images: uint8 (height, width, 3) each, of any sizes; the same array may repeat. A
                sequence of arrays in place of one: several images in one prompt.
            prompts: one per item.
            preset: one of the family's; default: its first.
            placement: one of the family's; default: its first.
            padding_side: where shorter prompts are filled up.

        Raises:
            BadPhraseError: an empty phrase, or one longer than the context.
            UnsupportedError: several images in one prompt where the family takes one.
            ValueError: numbers of images and prompts differ.
        """
        if len(images) != len(prompts) or not images:
            raise ValueError(
                f"one prompt per image is needed, got {len(images)} and {len(prompts)}"
            )
        groups = [[item] if isinstance(item, np.ndarray) else list(item) for item in images]
        name = self.resolve_preset(preset)
        requests = [
            PromptRequest(Prompt.of(prompt), len(group), name)
            for prompt, group in zip(prompts, groups, strict=True)
        ]
        fitted = [
            [self.see(self.fit(image, placement, len(group)), each) for image in group]
            for group, each in zip(groups, requests, strict=True)
        ]
        texts = [
            self.encode_prompt(prompt, items, preset)
            for prompt, items in zip(prompts, fitted, strict=True)
        ]
        sizes = [[image.shape[:2] for image in group] for group in groups]
        return self.joined(texts, fitted, sizes, requests, padding_side)

    def joined(
        self,
        texts: Sequence[EncodedText],
        images: Sequence[Sequence[ImageInputs]],
        sizes: Sequence[Sequence[tuple[int, ...]]],
        requests: Sequence[PromptRequest],
        padding_side: str = "right",
        masked: bool = True,
    ) -> Encoded:
        """One batch of prompts that are encoded already.

        Args:
            texts: the prompts, encoded.
            images: of each prompt, as it sees them.
            sizes: (height, width) of their originals.
            requests: what the prompts were written of.
            padding_side: where shorter prompts are filled up.
            masked: padding is told from what is real. False, for padding on the right that nothing
                before it can see: the kernel then needs no mask.
        """
        batch, shifts = pad_batch(texts, self.pad_id, padding_side, masked)
        inputs = self.complete(batch, images, requests)
        length = batch["input_ids"].shape[1]
        maps = tuple(
            token_map(text, items, each, shift, length, self.family.crossed)
            for text, items, each, shift in zip(texts, images, sizes, shifts, strict=True)
        )
        return Encoded(inputs, maps)

    def see(self, image: ImageInputs, request: PromptRequest) -> ImageInputs:
        """A fitted image as a prompt sees it."""
        return self.family.for_prompt(self.hf, self.processor, image, request)

    def complete(
        self,
        batch: dict[str, torch.Tensor],
        items: Sequence[Sequence[ImageInputs]],
        requests: Sequence[PromptRequest],
    ) -> dict[str, torch.Tensor]:
        """Everything the forward pass takes, on the model's device.

        Args:
            batch: ``input_ids``, ``attention_mask`` and ``position_ids`` (batch, positions).
            items: the images of each batch item.
            requests: the prompts, one per batch item.
        """
        whole = {**batch, **self.family.join(items)}
        whole.update(self.family.complete(self.hf, self.processor, whole, requests))
        return {name: self._place(tensor) for name, tensor in whole.items()}

    def encode_prompt(
        self, prompt: str | Prompt, images: Sequence[ImageInputs], preset: str | None = None
    ) -> EncodedText:
        """Tokenise one prompt for the images, or the one clip, that go with it."""
        kind = images[0].kind
        placeholder, token_id = self._stand_in(kind)
        for name in {placeholder, self.image_token}:
            if name in Prompt.of(prompt).text:
                raise BadPhraseError(
                    f"The phrase contains the image token {name!r}; only vlmscope places it. "
                    "Remove it from the phrase."
                )
        text = Prompt.of(prompt).text
        if control_token_in([text], self._control_tokens):  # the family's question may hold some
            refuse_control_tokens([self._by_user(text)], self._control_tokens, self.id)
        expansions = [image.expansion for image in images]
        written = self.write(prompt, preset, len(images), kind)
        written = written.expanded(placeholder, expansions)
        runs = [run for expansion in expansions for run in expansion.runs]
        tokenizer = self.family.tokenizer(self.processor)
        with exclusive(self.hf):  # a tokenizer is no safer across threads than its model
            encoded = encode_text(written, tokenizer, token_id, runs)
        pictures = sum(image.pictures for image in images)
        check_length(len(encoded.ids), len(encoded.image_tokens), self.context, self.id, pictures)
        return encoded

    def _stand_in(self, kind: str) -> tuple[str, int]:
        """What stands for an image or a video in a written prompt, and the id of its tokens."""
        if kind == "video" and self.family.clips is not None:
            clips = self.family.clips
            return clips.placeholder(self.hf, self.processor), clips.token_id(self.hf)
        return self.family.placeholder(self.hf, self.processor), self.image_token_id

    @cached_property
    def _control_tokens(self) -> ControlTokens:
        return control_tokens(self.processor)

    def _by_user(self, text: str) -> str:
        """A prompt's text without the family's own question for boxes around it."""
        return text if self.family.boxes is None else self.family.boxes.asked_for(text)

    @property
    def boxes(self) -> BoxConvention:
        """How the model writes boxes in its answers.

        Raises:
            UnsupportedError: it has no documented way.
        """
        if self.family.boxes is None:
            raise UnsupportedError(
                f"{self.id} (family {self.family.id!r}) has no documented way of writing boxes in its "
                "answers. Ask where it looks instead: vlmscope.ground."
            )
        return self.family.boxes

    def read_answer(self, text: str, token_map: TokenMap) -> Answer:
        """The boxes in one of the model's answers, in pixels of the original image.

        Args:
            text: the answer, special tokens spelled out.
            token_map: of its prompt.

        Raises:
            UnsupportedError: the family has no documented way of writing boxes.
        """
        return self.boxes.read(text, token_map, self.family.box_units(self.hf, token_map))

    @property
    def pad_id(self) -> int:
        """The id that fills gaps; masked, so which one does not matter."""
        pad = self.processor.tokenizer.pad_token_id
        return int(pad) if pad is not None else 0

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """No gradients and no dropout inside; what passes leave on the model is put back after.

        One thread at a time: others wait.
        """
        with frozen(self.hf), self.family.unchanged(self.hf):
            yield

    def _place(self, tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, torch.Tensor):  # numbers that a model wants as a list
            return tensor
        dtype = self.dtype if tensor.is_floating_point() else None
        return tensor.to(device=self.device, dtype=dtype)
