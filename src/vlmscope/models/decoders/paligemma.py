"""PaliGemma 1 and 2: a SigLIP square in front of a Gemma that reads image and prompt both ways.

Every token of the prompt, image tokens included, attends to every other; what is generated after it is
causal. So image tokens depend on the phrase: no image prefix can be shared, each phrase runs whole. The
decoder of PaliGemma 2 caps its attention logits, which transformers does under the eager kernel alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.padded_square import check_side
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import fit_image
from vlmscope.models.layout.processor_checks import (
    check_counts,
    check_image_class,
    check_parts,
    check_tokens,
)
from vlmscope.models.layout.vision_towers import check_tower, tower_sides
from vlmscope.models.prompts.prompt import Expansion, PromptRequest, Span, WrittenPrompt
from vlmscope.models.prompts.written_boxes import BoxConvention
from vlmscope.models.spare_weights import TOWER_HEAD
from vlmscope.types import Role

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from vlmscope.types import TokenMap

__all__ = ["PaliGemmaFamily"]


class PaliGemmaFamily(Family):
    """``PaliGemmaForConditionalGeneration`` of transformers."""

    id = "paligemma"
    model_types = ("paligemma",)
    checkpoints = (
        Checkpoint("google/paligemma-3b-mix-224", "2.9B", "Gemma Terms of Use", "gated"),
        Checkpoint("google/paligemma2-3b-mix-448", "3B", "Gemma Terms of Use", "gated"),
    )
    spare_weights = (TOWER_HEAD,)
    presets = ("plain", "detect")
    placements = ("processor", "pad")
    causal_image = False
    limits = (
        "image and prompt attend to each other both ways, so an image prefix cannot be shared: each "
        "phrase runs whole",
        "PaliGemma 2 caps attention logits and runs under the eager kernel: memory grows with keys x keys",
    )
    boxes = BoxConvention(
        "detect {phrase}",
        form="locations",
        full=1024.0,
        frame="shown",
        order="yxyx",
        source="PaliGemma model cards: four <loc0000> to <loc1023>, y first, parts of the square",
    )

    def check(self, hf: PreTrainedModel, processor: Any) -> None:
        check_parts(processor, "PaliGemmaProcessor")
        check_tokens(hf, processor, self.image_token_id(hf))
        check_image_class(processor, ("SiglipImageProcessor",))
        check_tower(hf, ("siglip_vision_model",))
        self.image_inputs(hf, processor, np.zeros((8, 12, 3), dtype=np.uint8), "processor")

    def write(
        self, hf: PreTrainedModel, processor: Any, request: PromptRequest, preset: str, system: str
    ) -> WrittenPrompt:
        """Images, BOS, the prompt, a newline; ``detect`` names the phrase alone, as it was trained."""
        prompt = request.prompt
        head = self.placeholder(hf, processor) * request.images + str(processor.tokenizer.bos_token)
        start, end = prompt.span
        if preset == "detect":
            body, start, end = f"detect {prompt.text[start:end]}", 7, 7 + end - start
        else:
            body = prompt.text
        text = f"{head}{body}\n"
        spans = [
            Span(Role.QUERY, len(head), len(text)),
            Span(Role.PHRASE, len(head) + start, len(head) + end),
        ]
        if prompt.answer is not None:
            spans.append(Span(Role.GENERATED, len(text), len(text) + len(prompt.answer)))
            text += prompt.answer
        return WrittenPrompt(text, tuple(spans), add_special_tokens=True)

    def image_inputs(
        self, hf: PreTrainedModel, processor: Any, pixels: NDArray[np.uint8], placement: str
    ) -> ImageInputs:
        images = processor.image_processor
        fitted = fit_image(pixels, images, placement)
        values = images(images=[Image.fromarray(fitted.pixels)], return_tensors="pt")
        side, patch = tower_sides(hf)
        check_side(values["pixel_values"], fitted.size[0], side)
        token = self.placeholder(hf, processor)
        expansion = Expansion.of(str(processor.replace_image_token(values, 0)), token)
        cells = side // patch
        check_counts(expansion.tokens, cells**2)
        edges = np.arange(cells + 1, dtype=np.float64) * patch
        y, x = fitted.y.to_original(edges), fitted.x.to_original(edges)
        layout = GridLayout("image", np.arange(cells**2), y, x)
        tensors = {"pixel_values": values["pixel_values"]}
        return ImageInputs(tensors, expansion, (layout,), fitted.placement)

    def complete(
        self,
        hf: PreTrainedModel,
        processor: Any,
        batch: dict[str, Tensor],
        requests: Sequence[PromptRequest],
    ) -> dict[str, Tensor]:
        """Which positions are the prompt, read both ways, and which an answer; positions from 1.

        Returns:
            ``token_type_ids`` (batch, positions): 0 in the prompt, 1 elsewhere, and ``position_ids``.
        """
        ids, mask = batch["input_ids"], batch["attention_mask"]
        types = torch.ones_like(ids)
        for row, each in enumerate(requests):
            start = int(mask[row].argmax())
            image_tokens = int((ids[row] == self.image_token_id(hf)).sum())
            length = image_tokens - each.images + self._prompt_length(hf, processor, each)
            types[row, start : start + length] = 0
        return {"token_type_ids": types, "position_ids": batch["position_ids"] + 1}

    def complete_by_roles(
        self, hf: PreTrainedModel, batch: dict[str, Tensor], token_map: TokenMap
    ) -> dict[str, Tensor]:
        prompt = [*token_map.positions("text"), *token_map.positions("image")]
        types = torch.ones_like(batch["input_ids"])
        types[0, prompt] = 0
        return {"token_type_ids": types, "position_ids": batch["position_ids"] + 1}

    def _prompt_length(self, hf: PreTrainedModel, processor: Any, request: PromptRequest) -> int:
        """Tokens of a prompt without its answer, each image counted as one."""
        question = replace(request, prompt=replace(request.prompt, answer=None))
        written = self.write(hf, processor, question, request.preset, "")
        special = written.add_special_tokens
        return len(processor.tokenizer(written.text, add_special_tokens=special)["input_ids"])
