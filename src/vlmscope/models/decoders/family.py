"""What vlmscope must know of a model that answers in words."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.clip_reader import ClipReader
from vlmscope.models.format_hints import FormatHint
from vlmscope.models.layout.image_inputs import ImageInputs
from vlmscope.models.privacy import private
from vlmscope.models.prompts.prompt import PromptRequest, WrittenPrompt, write_chat, write_paper
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.models.rotary import moving_frequencies
from vlmscope.models.spare_weights import SpareWeights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["Family"]


class Family(ABC):
    """A model family: where things live in it and how it is fed.

    Attributes:
        id: explicit and unique.
        model_types: ``config.model_type`` values of transformers that it covers.
        only_tower: ``vision_config.model_type`` of those that it covers; None: any. What another tower has
            goes to the family that covers the type as it is.
        auto_class: name of the class of transformers that loads it.
        checkpoints: well-known ones, for `vlmscope models`; no two families share one.
        foreign_types: ``config.model_type`` values of another format that :func:`vlmscope.load` reads.
        format_hints: formats of its weights that nothing here reads.
        spare_weights: what its checkpoints may hold beyond what the model takes; all else is refused.
        presets: prompt presets that it can write; the first is the default for grounding.
        paper_system: system sentence of the ``paper`` preset, unless a checkpoint has its own.
        placements: ways to fit an image; the first is the default.
        causal_image: the image comes before the text and no text is seen by it, so one image
            prefix can be shared by many phrases.
        many_images: a prompt may hold several images.
        crossed: the image is read by cross-attention, in :meth:`cross_layers`.
        queried: image tokens are queries of a Q-Former, which stand for no place of their own.
        torchvision: its images are prepared by transformers' torchvision processor, which has no Pillow
            form; vlmscope installs none.
        timm: its vision tower is one of timm's, which needs torchvision too; vlmscope installs neither.
        recurrent: layers beside those of :meth:`row_layers` carry what they read along the sequence in
            a state. Such a cache can be copied, but not cut, and prompts cannot be packed.
        parallel_streams: layers take several residual streams, each along an axis of its own.
        limits: sentences on what the family cannot do.
        boxes: how it writes boxes in its answers; None: it has no documented way.
        clips: how it reads the frames of a clip as a video; None: it is not known to.
    """

    id: str
    model_types: tuple[str, ...]
    only_tower: str | None = None
    auto_class: str = "AutoModelForImageTextToText"
    checkpoints: tuple[Checkpoint, ...] = ()
    foreign_types: tuple[str, ...] = ()
    format_hints: tuple[FormatHint, ...] = ()
    spare_weights: tuple[SpareWeights, ...] = ()
    presets: tuple[str, ...] = ("chat", "paper")
    paper_system: str = ""
    placements: tuple[str, ...] = ("processor",)
    causal_image: bool = True
    many_images: bool = True
    crossed: bool = False
    queried: bool = False
    torchvision: bool = False
    timm: bool = False
    recurrent: bool = False
    parallel_streams: bool = False
    limits: tuple[str, ...] = ()
    boxes: BoxConvention | None = None
    clips: ClipReader | None = None

    @property
    def default_placement(self) -> str:
        """How images are fitted unless the user says otherwise."""
        return self.placements[0]

    # -- where things live ---------------------------------------------------------------

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        """The text decoder: the module that owns the layers."""
        decoder: PreTrainedModel = hf.model.language_model
        return decoder

    def layers(self, hf: PreTrainedModel) -> nn.ModuleList:
        """The decoder's layers, first to last."""
        layers: nn.ModuleList = self.decoder(hf).layers  # type: ignore[assignment]
        return layers

    def attention(self, layer: nn.Module) -> nn.Module:
        """The attention module of one decoder layer."""
        attention: nn.Module = layer.self_attn  # type: ignore[assignment]
        return attention

    def row_layers(self, hf: PreTrainedModel) -> tuple[int, ...]:
        """Layers that have attention rows, ascending: those with a softmax over keys."""
        return tuple(range(len(self.layers(hf))))

    def layer_width(self, hf: PreTrainedModel) -> int:
        """How wide the hidden states are that a layer takes."""
        return int(self.decoder(hf).config.hidden_size)

    def cross_layers(self, hf: PreTrainedModel) -> frozenset[int]:
        """Layers whose keys are the image's and not the sequence's."""
        return frozenset()

    def image_enters_until(self, hf: PreTrainedModel) -> int:
        """The last layer behind which something of the image is still added to its positions."""
        return 0

    def layer_output(self, hidden: Tensor) -> Any:
        """What a decoder layer gives that leaves its input as it is."""
        return hidden

    def keys_of_another_layer(self, hf: PreTrainedModel, layer: int) -> bool:
        """Whether a layer reads keys that an earlier one computed, so that its rows need both inputs."""
        return False

    def room_behind(self, hf: PreTrainedModel, length: int) -> int | None:
        """Positions behind a prefix in which prompts may be packed, each as if it stood right behind it.

        Windows count positions, which packing stretches.

        Args:
            hf: the model.
            length: of the prefix.

        Returns:
            None: as many as one likes. Too few for one prompt: it goes alone, where it belongs.
        """
        config = self.decoder(hf).config
        window = getattr(config, "sliding_window", None)
        uses_window = getattr(config, "use_sliding_window", True) and window is not None
        return int(window or 0) - length if uses_window else None

    def layers_stand_alone(self, hf: PreTrainedModel) -> bool:
        """Whether a layer needs nothing but its input, the hidden states of the one below.

        Not where it has a second input of its own, or reads the keys of an earlier one: such layers
        cannot be run for a part of the positions, or without those below.
        """
        return True

    # -- prompts -------------------------------------------------------------------------

    def image_token_id(self, hf: PreTrainedModel) -> int:
        """The id that stands for an image token in ``input_ids``."""
        return int(hf.config.image_token_id)

    def placeholder(self, hf: PreTrainedModel, processor: Any) -> str:
        """The text that a chat template writes where an image stands."""
        return str(processor.tokenizer.convert_ids_to_tokens(self.image_token_id(hf)))

    def tokenizer(self, processor: Any) -> Any:
        """What turns a written prompt into ids; it gives offsets."""
        return processor.tokenizer

    def image_text(self, hf: PreTrainedModel, processor: Any) -> str:
        """The placeholder with the delimiters that a chat template would put around it."""
        return self.placeholder(hf, processor)

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """Write one prompt under one of :attr:`presets`, placeholders not yet expanded.

        Args:
            hf, processor: the model.
            request: the prompt and how many images it holds.
            preset: one of :attr:`presets`.
            system: sentence of the ``paper`` preset.
        """
        if preset == "paper":
            image = self.image_text(hf, processor)
            if request.kind == "video" and self.clips is not None:
                image = self.clips.text(hf, processor)
            return write_paper(request.prompt, system, image, request.images)
        bos = processor.tokenizer.bos_token
        return write_chat(request.prompt, processor, bos, request.images, kind=request.kind)

    # -- images --------------------------------------------------------------------------

    @abstractmethod
    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        """Raise ModelMismatchError unless the processor belongs to the model."""

    @abstractmethod
    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        """Fit one original image, uint8 (height, width, 3), and say what its tokens stand for."""

    def one_of_several(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        """The same for an image that is not alone in its prompt, where that changes how it is fitted."""
        return self.image_inputs(hf, processor, pixels, placement)

    def for_prompt(
        self, hf: PreTrainedModel, processor: Any, image: ImageInputs, request: PromptRequest
    ) -> ImageInputs:
        """The image as this prompt sees it, in families whose image tokens depend on the text."""
        return image

    def join(self, items: Sequence[Sequence[ImageInputs]]) -> dict[str, Tensor]:
        """The images of a batch as keyword arguments of the model's forward.

        Args:
            items: per batch item its images, in the order of its prompt.
        """
        flat = [image for images in items for image in images]
        return {
            name: torch.cat([image.tensors[name] for image in flat]) for name in flat[0].tensors
        }

    # -- answers -------------------------------------------------------------------------

    def box_units(self, hf: PreTrainedModel, token_map: TokenMap) -> tuple[float, float]:
        """(height, width) of the frame of :attr:`boxes` in the numbers that the model writes.

        Families whose numbers are pixels of the resized image compute it from the token map.
        """
        full = None if self.boxes is None else self.boxes.full
        if full is None:
            raise NotImplementedError(f"{self.id} writes numbers of a scale that it does not state")
        return full, full

    # -- passes --------------------------------------------------------------------------

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """What the forward pass needs beyond ids, mask, positions and images; may replace positions.

        Args:
            hf, processor: the model.
            batch: ``input_ids``, ``attention_mask`` and ``position_ids`` (batch, positions), and
                what :meth:`join` gave.
            requests: the prompts, one per batch item.

        Returns:
            Further keyword arguments; those that are in ``batch`` already take their place.
        """
        return {}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        """The same where only the roles and grids of one prompt are known, not its words and pixels.

        Args:
            hf: the model.
            batch: ``input_ids`` (1, positions), right where image tokens stand and 0 elsewhere,
                ``attention_mask`` and ``position_ids``.
            token_map: of the prompt.
        """
        return self.complete(hf, None, batch, ())

    def cache(self, hf: PreTrainedModel) -> Any:
        """An empty key-value cache for one whole pass."""
        from transformers import DynamicCache

        return DynamicCache(config=self.decoder(hf).config)

    def lasting_cache(self, hf: PreTrainedModel) -> Any:
        """An empty cache to come back to: sliding windows are in the masks alone, so it keeps all keys.

        That of a recurrent family holds what its kinds of layers need, and is copied to come back to it.
        """
        from transformers import DynamicCache

        return self.cache(hf) if self.recurrent else DynamicCache()

    def generating_cache(self, hf: PreTrainedModel) -> Any:
        """An empty cache for ``generate``; None: transformers makes one that rows can be read from."""
        return None

    def forward(self, hf: PreTrainedModel, positions: Tensor, **inputs: Any) -> Tensor:
        """Run the whole model.

        Args:
            hf: the model.
            positions: int (n,), ascending: where logits are wanted.
            **inputs: of the forward pass, the cache included.

        Returns:
            Logits (batch, n, vocabulary).
        """
        logits: Tensor = hf(**inputs, logits_to_keep=positions).logits
        return logits

    def head(self, hf: PreTrainedModel, hidden: Tensor) -> Tensor:
        """The decoder's last hidden states as logits: (..., hidden) to (..., vocabulary)."""
        logits: Tensor = hf.get_output_embeddings()(hidden)  # type: ignore[misc]
        cap = getattr(self.decoder(hf).config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def body(self, hf: PreTrainedModel, **inputs: Any) -> None:
        """Run the model without its output layer: image and text into the cache."""
        hf.model(**inputs)

    def remembered(self, hf: PreTrainedModel) -> Iterator[tuple[Any, dict[str, Any]]]:
        """What passes leave on the model for later ones, other than weights.

        Yields:
            A module and those of its attributes, each with its value before any pass.
        """
        return moving_frequencies(self.decoder(hf))

    @contextlib.contextmanager
    def unchanged(self, hf: PreTrainedModel) -> Iterator[None]:
        """What passes inside the block leave on the model is this thread's alone, and gone after."""
        with contextlib.ExitStack() as stack:
            for module, values in self.remembered(hf):
                stack.enter_context(private(module, values))
            yield
