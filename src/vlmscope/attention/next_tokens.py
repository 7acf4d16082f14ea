"""What a model would say next, without letting it say it: the logits after each of several prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.prefill import prefill
from vlmscope.attention.prefix import SharedPrefix, shared_prefix
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt

__all__ = ["next_token_logits"]


def next_token_logits(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompts: Sequence[str | Prompt],
    *,
    preset: str | None = None,
    placement: str | None = None,
) -> Tensor:
    """The logits of the first token of each prompt's answer: float32 (prompts, vocabulary), on the CPU.

    Where the image comes before the text it is run once for all prompts; other families, and prompts
    that differ before its end, run one by one.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompts: what is asked, one at least.
        preset, placement: as for :func:`vlmscope.prefill`.
    """
    prefix = _prefix(model, pixels, prompts, preset, placement)
    if prefix is not None:
        return prefix.next_logits(prompts)
    rows = []
    for prompt in prompts:
        logits = prefill(model, pixels, prompt, preset=preset, placement=placement).logits
        assert logits is not None  # it went the whole way
        rows.append(logits[0].float().cpu())
    return torch.stack(rows)


def _prefix(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompts: Sequence[str | Prompt],
    preset: str | None,
    placement: str | None,
) -> SharedPrefix | None:
    """The image as all prompts see it; None where it sees them, or they differ before its end."""
    if not model.family.causal_image:
        return None
    prefix = shared_prefix(model, pixels, preset=preset, placement=placement)
    try:
        prefix.encode(prompts)
    except UnsupportedError:
        return None
    return prefix
