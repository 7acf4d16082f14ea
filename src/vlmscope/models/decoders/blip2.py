"""BLIP-2 and InstructBLIP: query tokens that stand for no place, carried to patches by the Q-Former.

A Q-Former reads the patches into a few query tokens, which are all that the decoder sees. Its own
attention says which patches each of them was made of; the decoder's attention to the query tokens is
carried to the patches through it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.guard import exclusive, frozen
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import check_counts, check_parts, check_tokens
from vlmscope.models.privacy import private
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, Span, WrittenPrompt
from vlmscope.types import Role

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Blip2Family", "InstructBlipFamily"]

# what stands around the text, by preset
_FRAMES = {"plain": ("", ""), "question": ("Question: ", " Answer:")}


class Blip2Family(Family):
    """``Blip2ForConditionalGeneration`` of transformers, with a decoder-only language model."""

    id = "blip-2"
    model_types: tuple[str, ...] = ("blip-2",)
    checkpoints: tuple[Checkpoint, ...] = (
        Checkpoint("Salesforce/blip2-opt-2.7b", "3.7B", "MIT"),
        Checkpoint("Salesforce/blip2-opt-6.7b", "7.8B", "MIT"),
    )
    presets = tuple(_FRAMES)
    placements = ("processor", "pad")
    many_images = False
    queried = True
    limits: tuple[str, ...] = (
        "one image per prompt",
        "image tokens are queries without a place: maps are carried to patches by the Q-Former's own "
        "attention (rollout), and are as coarse as that",
        "language models with an encoder (Flan-T5) are refused: their attention has position biases",
    )

    def decoder(self, hf: PreTrainedModel) -> PreTrainedModel:
        inner = hf.language_model.model
        decoder: PreTrainedModel = getattr(inner, "decoder", inner)
        return decoder

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "Blip2Processor")
        if not hf.config.use_decoder_only_language_model:
            raise UnsupportedError(
                f"This checkpoint has the language model {hf.config.text_config.model_type!r}, which "
                "has an encoder of its own and position biases in its attention. vlmscope reads BLIP-2 "
                "with decoder-only language models (OPT, Llama)."
            )
        check_tokens(hf, processor, self.image_token_id(hf))
        check_counts(int(processor.num_query_tokens), int(hf.config.num_query_tokens))
        self._inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        # the image stands in front of BOS
        lead = self.placeholder(hf, processor) + str(processor.tokenizer.bos_token or "")
        head, tail = _FRAMES[preset]
        start = len(lead) + len(head)
        text = lead + head + request.prompt.text + tail
        phrase = [start + offset for offset in request.prompt.span]
        spans = [
            Span(Role.QUERY, start, start + len(request.prompt.text)),
            Span(Role.PHRASE, *phrase),
        ]
        if request.prompt.answer is not None:
            spans.append(
                Span(Role.GENERATED, len(text) + 1, len(text) + 1 + len(request.prompt.answer))
            )
            text = f"{text} {request.prompt.answer}"
        return WrittenPrompt(text, tuple(spans), add_special_tokens=False)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        fitted = self._inputs(hf, processor, pixels, placement)
        return replace(fitted, shares=self._shares(hf, fitted.tensors))

    def body(self, hf: PreTrainedModel, **inputs: Any) -> None:
        hf(**inputs, logits_to_keep=1)

    def _inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        """Everything but the shares, which take a pass through the vision tower."""
        fitted = fit_image(pixels, processor.image_processor, placement)
        picture = Image.fromarray(fitted.pixels)
        values = processor.image_processor(images=[picture], return_tensors="pt")["pixel_values"]
        vision = hf.config.vision_config
        side = int(vision.image_size)
        size = (int(values.shape[-2]), int(values.shape[-1]))
        if size != (side, side) or fitted.size != size:
            raise ModelMismatchError(
                f"The processor makes {size[0]}x{size[1]} pixels, the model's vision tower takes "
                f"{side}x{side}. Load the processor that belongs to the model."
            )
        patch = int(vision.patch_size)
        cells = side // patch
        layout = GridLayout("image", np.arange(cells * cells), *fitted.edges((cells, cells), patch))
        token = self.placeholder(hf, processor)
        expansion = Expansion.run(token, int(hf.config.num_query_tokens))
        return ImageInputs({"pixel_values": values}, expansion, (layout,), fitted.placement)

    def _shares(self, hf: PreTrainedModel, tensors: dict[str, Tensor]) -> NDArray[np.float64]:
        """Float (query tokens, patches): what each query token was made of."""
        device, dtype = hf.query_tokens.device, hf.vision_model.dtype
        inputs = {
            name: tensor.to(device, dtype if tensor.is_floating_point() else None)
            for name, tensor in tensors.items()
        }
        with frozen(hf), _watched(hf.qformer) as seen:
            hf.get_image_features(**inputs, return_dict=True)
        return _rollout(seen, int(hf.config.num_query_tokens))


class InstructBlipFamily(Blip2Family):
    """``InstructBlipForConditionalGeneration``: its Q-Former reads the text as well."""

    id = "instructblip"
    model_types = ("instructblip",)
    checkpoints = (Checkpoint("Salesforce/instructblip-vicuna-7b", "7.9B", "unknown"),)
    causal_image = False
    limits = (
        *Blip2Family.limits,
        "its query tokens depend on the text, so no image prefix is shared: each phrase runs whole",
        "a knock-out blocks edges of the decoder; text still reaches the image tokens in the Q-Former",
    )

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        return self._inputs(hf, processor, pixels, placement)

    def for_prompt(
        self, hf: PreTrainedModel, processor: Any, image: ImageInputs, request: PromptRequest
    ) -> ImageInputs:
        with exclusive(hf):  # the Q-Former runs for this
            tensors = {**image.tensors, **_instructions(processor, [request])}
            return replace(image, shares=self._shares(hf, tensors))

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        return _instructions(processor, requests)


def _instructions(processor: Any, requests: Sequence[PromptRequest]) -> dict[str, Tensor]:
    """The prompts as the Q-Former reads them: text alone, padded on the right."""
    texts = []
    for each in requests:
        head, tail = _FRAMES[each.preset]
        texts.append(head + each.prompt.text + tail)
    encoded = processor.qformer_tokenizer(
        texts, padding=True, padding_side="right", return_tensors="pt", return_token_type_ids=False
    )
    return {
        "qformer_input_ids": encoded["input_ids"],
        "qformer_attention_mask": encoded["attention_mask"],
    }


@contextlib.contextmanager
def _watched(qformer: Any) -> Iterator[list[tuple[Tensor, Tensor | None]]]:
    """Per layer of the Q-Former its attention among queries and to patches, means over heads.

    Its own eager kernel gives them, to this thread alone: others run the one that the model has.
    """
    seen: list[tuple[Tensor, Tensor | None]] = []
    thread = threading.get_ident()
    hooks = []

    def keep_self(module: nn.Module, args: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            seen.append((output[1][0].float().mean(0), None))

    def keep_cross(module: nn.Module, args: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            seen[-1] = (seen[-1][0], output[1][0].float().mean(0))

    try:
        for layer in qformer.encoder.layer:
            hooks.append(layer.attention.attention.register_forward_hook(keep_self))
            if layer.has_cross_attention:
                hooks.append(layer.crossattention.attention.register_forward_hook(keep_cross))
        with private(qformer.config, {"_attn_implementation_internal": "eager"}):
            yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _rollout(seen: Sequence[tuple[Tensor, Tensor | None]], queries: int) -> NDArray[np.float64]:
    """Attention rollout through the Q-Former: float (queries, patches), rows sum to one.

    Each residual branch counts as much as what it is added to (Abnar and Zuidema, 2020): mixing among
    queries is (A + 1) / 2, reading patches is the mean of what was read before and what is read now.
    Text and class token carry nothing to a place and are left out.
    """
    shares: Tensor | None = None
    for among, reading in seen:
        if shares is not None:
            mixing = _normalised(among[:queries, :queries])
            shares = (mixing @ shares + shares) / 2
        if reading is not None:
            read = _normalised(reading[:queries, 1:])
            shares = read if shares is None else (shares + read) / 2
    assert shares is not None, "the first layer of a Q-Former reads the image"
    return shares.double().cpu().numpy()


def _normalised(rows: Tensor) -> Tensor:
    return rows / rows.sum(-1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
