"""One cell of the image: which heads read it for a phrase, and what its hidden states decode to."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from vlmscope.analysis.hallucination.hidden_states import hidden_states, lens
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.answers.session import head_set
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.refusal import Refusal
from vlmscope.app.service import Service
from vlmscope.attention import HeadMaps, capture, captured, image_layers, prefill
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import TokenMap

__all__ = ["patch_read"]

_HEADS, _TOKENS = 24, 5  # that are said: the strongest


def patch_read(
    service: Service, picture: StoredPicture, phrase: Prompt, cell: int
) -> dict[str, Any]:
    """Read one cell, in one pass: JSON values.

    Args:
        service: the model.
        picture: the image.
        phrase: whose row the heads are read in.
        cell: number of the cell, view after view and row by row, as maps are.

    Raises:
        Refusal: there is no such cell.
        UnsupportedError: a model whose image tokens stand for no place of the sequence.
    """
    model = decoder_of(service.model)
    known = head_set(model, service.settings.heads)
    preset = model.resolve_preset(None if known is None else known.prompt)
    layers, width = model.decoder_shape
    heads = [(layer, head) for layer in image_layers(model) for head in range(width)]
    with capture(model, heads=heads) as trace, hidden_states(model, range(layers)) as states:
        out = prefill(model, picture.opened.pixels, phrase, preset=preset)
    position = _position(model, out.token_map, cell)
    maps = captured(trace, heads, preset)
    return {
        "cell": cell,
        "box": np.concatenate([view.boxes for view in out.token_map.views])[cell].tolist(),
        "heads": _readers(maps, cell),
        "words": [
            {"layer": layer, "tokens": _decoded(model, states[layer][0, position])}
            for layer in range(layers)
        ],
    }


def _position(model: LoadedModel, token_map: TokenMap, cell: int) -> int:
    """Where the token of a cell stands in the sequence."""
    if token_map.crossed or token_map.carries:
        raise UnsupportedError(
            f"The image tokens of {model.id} (family {model.family.id!r}) stand for no place of their "
            "own in the decoder, so no single one can be decoded."
        )
    count = len(token_map.image_positions)
    if cell >= count:
        raise Refusal(400, "bad-cell", f"The image has cells 0 to {count - 1}, got {cell}.")
    return int(token_map.image_positions[cell])


def _readers(maps: HeadMaps, cell: int) -> list[dict[str, Any]]:
    """The heads that pay the cell most, the first the most."""
    weights = maps.one_row()[:, cell]
    best = np.argsort(-weights, kind="stable")[:_HEADS]
    return [{"head": list(maps.heads[at]), "weight": float(weights[at])} for at in best]


def _decoded(model: LoadedModel, state: Tensor) -> list[dict[str, Any]]:
    """The likeliest tokens of one hidden state, (hidden,)."""
    best = lens(model, state[None])[0].topk(_TOKENS)
    tokenizer = model.processor.tokenizer
    return [
        {"text": tokenizer.decode([token]), "probability": float(np.exp(value))}
        for token, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
