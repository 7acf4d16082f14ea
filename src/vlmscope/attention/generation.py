"""Let a model answer, with every context that is active watching."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from vlmscope.attention.capture import Trace
from vlmscope.attention.instrument import Binding, Instrument, instrument
from vlmscope.attention.prefill import as_batch
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.given_model import check_model
from vlmscope.types import Role, TokenMap

__all__ = ["Generation", "generate"]


@dataclass(frozen=True, eq=False)
class Generation:
    """What a model answered.

    Attributes:
        text: the answer, special tokens left out.
        ids: int64 (generated,), the end token included when it was reached.
        token_map: of prompt and answer.
    """

    text: str
    ids: torch.Tensor
    token_map: TokenMap


def generate(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt,
    *,
    max_new_tokens: int = 64,
    preset: str | None = None,
    placement: str | None = None,
    **options: Any,
) -> Generation:
    """Answer one prompt about one image, greedily unless ``options`` say otherwise.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array.
        prompt: text or :class:`Prompt`.
        max_new_tokens: at most so many.
        preset, placement: as for :func:`prefill`.
        options: passed to transformers' ``generate``.
    """
    check_model(model)
    images, prompts = as_batch(image, prompt)
    encoded = model.encode(images[:1], prompts[:1], preset=preset, placement=placement)
    inputs = {name: value for name, value in encoded.inputs.items() if name != "position_ids"}
    binding = Binding(encoded.token_maps, generating=True)
    settings: dict[str, Any] = {"do_sample": False, "num_beams": 1, "pad_token_id": model.pad_id}
    with instrument(model) as active, model.frozen(), active.bound(binding):
        out = model.hf.generate(**inputs, max_new_tokens=max_new_tokens, **{**settings, **options})
        ids = out[0, encoded.length :].cpu()
        longer = _extended(encoded.token_maps[0], ids, model.processor.tokenizer)
        _relabel(active, Binding((longer,), generating=True))
    text = model.processor.tokenizer.decode(ids, skip_special_tokens=True).strip()
    return Generation(text, ids, longer)


def _relabel(active: Instrument, binding: Binding) -> None:
    for reader in active.readers:
        if isinstance(reader, Trace):
            reader.relabel(binding)


def _extended(token_map: TokenMap, ids: torch.Tensor, tokenizer: Any) -> TokenMap:
    words = tuple(tokenizer.decode([token]) for token in ids.tolist())
    roles = np.concatenate([token_map.roles, np.full(len(ids), Role.GENERATED, dtype=np.int8)])
    return replace(token_map, roles=roles, tokens=token_map.tokens + words)
