"""Maps of chosen heads from the hidden states of their layers, as a reading of the model gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from vlmscope.attention.head_maps import HeadMaps
from vlmscope.attention.hidden.rows import hidden_trace
from vlmscope.models import LoadedModel
from vlmscope.types import Head, TokenMap

__all__ = ["hidden_head_maps"]


def hidden_head_maps(
    model: LoadedModel,
    hidden: Mapping[int, Any],
    token_map: TokenMap,
    heads: Sequence[Head],
    rows: str | int | Sequence[int],
    preset: str,
) -> HeadMaps:
    """What :func:`vlmscope.attention.read_heads` gives of one phrase.

    Args:
        model: a loaded model or an outline.
        hidden: by layer, its input (positions, width); every layer of ``heads``.
        token_map: of the phrase's prompt.
        heads: that are read.
        rows: the read-out row.
        preset: how the prompt was written.

    Raises as :func:`vlmscope.rows_from_hidden_states`.
    """
    traces = {
        layer: hidden_trace(model, hidden[layer], token_map, layer, rows)
        for layer in sorted({head.layer for head in heads})
    }
    maps = torch.stack([traces[head.layer].layer_maps(head.layer)[head.head] for head in heads])
    positions = next(iter(traces.values())).row_positions()
    words = tuple(token_map.tokens[int(position)] for position in positions)
    return HeadMaps(tuple(heads), maps.numpy(), token_map, preset, words)
