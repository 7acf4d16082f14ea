"""Hidden states that cannot be those of the layer and the prompt are refused with a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.selection import check_row_layers
from vlmscope.errors import AttentionError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.types import TokenMap

__all__ = ["check_dtype", "check_family", "check_hidden", "check_layer"]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_family(model: LoadedModel, token_map: TokenMap | None = None) -> None:
    """Refuse families in which one layer's input does not hold the image.

    Raises:
        UnsupportedError: names the family and why.
    """
    family = model.family
    if family.crossed:
        raise UnsupportedError(
            f"{model.id} (family {family.id!r}) reads the image by cross-attention: its keys are the "
            "vision tower's and not in a layer's input. Use vlmscope.capture on the loaded model."
        )
    if family.queried or (token_map is not None and token_map.carries):
        raise UnsupportedError(
            f"{model.id} (family {family.id!r}) has query tokens of a Q-Former, which lie nowhere on the "
            "image without a pass through its vision tower. Use vlmscope.capture on the loaded model."
        )


def check_layer(model: LoadedModel, layer: Any) -> int:
    """The number of a layer.

    Raises:
        AttentionError: no whole number, no layer of the decoder, or one without attention rows.
        UnsupportedError: a layer that reads the keys of another one.
    """
    if isinstance(layer, bool) or not isinstance(layer, int | np.integer):
        raise AttentionError(f"layer is the number of one decoder layer, from 0, got {layer!r}.")
    number = check_row_layers(model, [int(layer)])[0]
    if model.family.keys_of_another_layer(model.hf, number):
        raise UnsupportedError(
            f"Layer {number} of {model.id} (family {model.family.id!r}) has no keys of its own: it reads "
            "those of an earlier layer, which its input does not hold. Use vlmscope.capture on the loaded "
            "model, or an earlier layer."
        )
    return number


def check_hidden(model: LoadedModel, hidden: Any, token_map: TokenMap, layer: int) -> Tensor:
    """Hidden states as a tensor, after everything was checked that can be.

    Args:
        model: whose layer they are said to be the input of.
        hidden: float (positions, width).
        token_map: of the same prompt.
        layer: for messages.

    Raises:
        AttentionError: of another shape, length, width or kind of numbers, or not finite.
    """
    what = f"The hidden states of layer {layer}"
    if isinstance(hidden, np.ndarray):
        hidden = torch.from_numpy(hidden)
    if not isinstance(hidden, Tensor):
        raise AttentionError(
            f"{what} are {type(hidden).__name__}, and a tensor or an array (positions, width) is needed."
        )
    if hidden.dtype not in _FLOATS:
        raise AttentionError(
            f"{what} are {_name(hidden.dtype)}, and float16, bfloat16, float32 or float64 is needed: "
            "take them from the engine as it computed them, not quantised."
        )
    if hidden.ndim != 2:
        raise AttentionError(
            f"{what} have the shape {tuple(hidden.shape)}, and (positions, width) is needed: one prompt, "
            "one layer."
        )
    _check_width(model, hidden, what)
    _check_length(hidden, token_map, what)
    if not bool(torch.isfinite(hidden).all()):
        bad = int((~torch.isfinite(hidden)).any(-1).sum())
        raise AttentionError(
            f"{what} are not finite at {bad} of {len(hidden)} positions. The engine ran over the range of "
            "its numbers (float16?): run it in bfloat16 or float32."
        )
    return hidden


def check_dtype(model: LoadedModel, hidden: Tensor, layer: int) -> None:
    """Refuse numbers that the model's weights cannot hold as they are.

    Raises:
        AttentionError: says what to convert.
    """
    if torch.promote_types(hidden.dtype, model.dtype) != model.dtype:
        raise AttentionError(
            f"The hidden states of layer {layer} are {_name(hidden.dtype)} and the model is "
            f"{_name(model.dtype)}, which would round them. Load it with "
            f"dtype='{_name(torch.promote_types(hidden.dtype, model.dtype))}', or convert them yourself."
        )


def _check_width(model: LoadedModel, hidden: Tensor, what: str) -> None:
    width = model.family.layer_width(model.hf)
    if hidden.shape[1] != width:
        raise AttentionError(
            f"{what} are {hidden.shape[1]} wide, and the decoder of {model.id} is {width} wide: they are "
            "those of another model."
        )


def _check_length(hidden: Tensor, token_map: TokenMap, what: str) -> None:
    rows, positions, images = len(hidden), len(token_map), len(token_map.image_positions)
    if rows == positions:
        return
    if rows < positions:
        reason = (
            "An engine with prefix caching leaves out positions that it has already computed, the "
            "image's first: turn it off for the request, and chunked prefill, too."
        )
    else:
        reason = (
            "They are those of another prompt, or generated tokens are among them: cut them off."
        )
    raise AttentionError(
        f"{what} are of {rows} positions, and the prompt has {positions}, {images} of them image tokens. "
        f"{reason}"
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
