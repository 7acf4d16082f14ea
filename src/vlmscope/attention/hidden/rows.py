"""The rows that a capture would read, from the input hidden states of one layer."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.hidden.checks import check_dtype, check_family, check_hidden, check_layer
from vlmscope.attention.hidden.fetched import fetched_layer
from vlmscope.attention.hidden.one_layer import only_layer
from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, StopForwardError
from vlmscope.models import LoadedModel, Outline, load_outline
from vlmscope.models.guard import check_model
from vlmscope.types import Role, TokenMap

__all__ = ["hidden_trace", "rows_from_hidden_states"]


def rows_from_hidden_states(
    source: LoadedModel | str | PathLike[str],
    hidden: Any,
    token_map: TokenMap,
    layer: int,
    rows: str | int | Sequence[int] = "last_text",
) -> Tensor:
    """Attention rows of one layer from its INPUT hidden states, as :func:`vlmscope.capture` reads them.

    Something else has run the model, a serving engine for example. The layer's own input norm, query
    and key projections, rotary positions and mask are computed again here; nothing below it runs, no
    vision tower and nothing behind its attention.

    That hidden states are those of this layer cannot be seen from them: a number that is off by one
    gives plausible rows of another layer.

    Args:
        source: a loaded model; an outline from :func:`vlmscope.load_outline`, or the name of a
            checkpoint, hub id or folder, whose outline is made here: of its weights the layer's input
            norm, queries and keys alone are read, and computed in float32.
        hidden: float (positions, width), tensor or array: what the layer gets, before its norm.
        token_map: of the very prompt, from :func:`vlmscope.token_map`.
        layer: number of the decoder layer, from 0.
        rows: as for :func:`vlmscope.capture`.

    Returns:
        Float32 (heads, rows, image tokens) on the CPU, each row's softmax over ALL keys, cut to the
        image tokens in ``token_map.image_positions`` order.

    Raises:
        AttentionError: hidden states of another shape, length, width or dtype, or not finite; no such
            layer or row.
        UnsupportedError: a family that reads its image by cross-attention or through a Q-Former, or a
            layer that reads the keys of an earlier one.
        UnknownNameError: no such row, or no such checkpoint.
        ModelLoadError: a checkpoint that cannot be read, or that lacks a tensor of the layer.
    """
    model = load_outline(fspath(source)) if isinstance(source, str | PathLike) else source
    return hidden_trace(model, hidden, token_map, layer, rows).layer_maps(layer)


def hidden_trace(
    model: LoadedModel,
    hidden: Any,
    token_map: TokenMap,
    layer: int,
    rows: str | int | Sequence[int] = "last_text",
) -> Trace:
    """The same as the trace that a capture of this layer leaves behind."""
    check_model(model)
    check_family(model, token_map)
    number = check_layer(model, layer)
    states = check_hidden(model, hidden, token_map, number)
    check_dtype(model, states, number)
    with capture(model, rows=rows, layers=[number]) as trace:
        _run(model, states, token_map, number)
    return trace


def _run(model: LoadedModel, hidden: Tensor, token_map: TokenMap, layer: int) -> None:
    """One pass through the family's own code in which this layer's attention alone is computed."""
    given = hidden.to(device=model.device, dtype=model.dtype)[None]
    inputs = _inputs(model, token_map)
    with (
        instrument(model) as active,
        fetched_layer(model, layer) if isinstance(model, Outline) else model.frozen(),
        active.bound(Binding((token_map,))),
        active.stopping_after(layer),
        only_layer(model, layer, given),
        contextlib.suppress(StopForwardError),
    ):
        model.family.body(model.hf, **inputs, use_cache=False)


def _inputs(model: LoadedModel, token_map: TokenMap) -> dict[str, Tensor]:
    """What the pass takes of a prompt whose words do not matter any more: places, not tokens."""
    real = torch.from_numpy(token_map.roles != Role.PAD).long()[None]
    ids = torch.zeros_like(real)
    ids[0, torch.from_numpy(token_map.image_positions)] = model.image_token_id
    positions = (real.cumsum(-1) - 1).clamp_min(0)
    batch = {"input_ids": ids, "attention_mask": real, "position_ids": positions}
    batch |= model.family.complete_by_roles(model.hf, batch, token_map)
    return {name: tensor.to(model.device) for name, tensor in batch.items()}
