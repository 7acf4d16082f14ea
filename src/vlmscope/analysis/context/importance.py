"""Which image tokens matter, layer by layer: by attention, and by measures to hold it against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.attention import capture
from vlmscope.attention.continuation import Cached, continue_greedily, read_into_cache
from vlmscope.attention.instrument import Binding
from vlmscope.models import Encoded, LoadedModel
from vlmscope.options import check_word

__all__ = ["MEASURES", "read_context"]

MEASURES = ("attention", "query", "random", "norm")
"""``attention``: mean over the tokens that the model says to the prompt, and over heads (the paper);
``query``: mean over the prompt's own query rows; ``random``: a control; ``norm``: length of the value
vectors, a control that asks nothing of the text."""


def read_context(
    model: LoadedModel, encoded: Encoded, by: str, max_new_tokens: int, seed: int
) -> tuple[Cached, NDArray[np.float64], list[int]]:
    """Read a prompt into a cache and weigh its image tokens.

    Args:
        model: the model.
        encoded: a batch of one.
        by: of :data:`MEASURES`.
        max_new_tokens: longest answer to the prompt, for ``attention``.
        seed: for ``random``.

    Returns:
        The cached prompt (the answer is not in it), float (layers, image tokens) importance, and the
        ids of the answer (empty where none was needed).

    Raises:
        UnknownNameError: for another measure.
    """
    check_word("by", by, MEASURES)
    token_map = encoded.token_maps[0]
    if by == "attention":
        return _by_attention(model, encoded, max_new_tokens)
    if by == "query":
        rows = token_map.positions("query").tolist()
        with capture(model, rows=rows, average=True) as trace:
            cached = read_into_cache(model, encoded)
        return cached, _mean(trace.maps), []
    cached = read_into_cache(model, encoded)
    count = len(token_map.image_positions)
    if by == "random":
        return cached, np.random.default_rng(seed).random((len(model.layers), count)), []
    return cached, _norms(cached.cache, token_map.image_positions), []


def _by_attention(
    model: LoadedModel, encoded: Encoded, max_new_tokens: int
) -> tuple[Cached, NDArray[np.float64], list[int]]:
    """The last prompt token is fed in again, so that the row that predicts the first word is read."""
    token_map = encoded.token_maps[0]
    cached = read_into_cache(model, encoded)
    cached.cache.crop(-1)
    last = encoded.inputs["input_ids"][0, -1:].cpu().numpy()
    binding = Binding((token_map,), generating=True)
    with capture(model, rows="generated", average=True) as trace:
        start = cached.next_position - 1
        answer = continue_greedily(
            model, cached.cache, last, start, cached.axes, max_new_tokens, binding
        )
    cached.cache.crop(-(len(answer) - 1)) if len(answer) > 1 else None
    return cached, _mean(trace.maps), answer


def _mean(maps: torch.Tensor) -> NDArray[np.float64]:
    """(layers, 1, rows, tokens) to (layers, tokens)."""
    values: NDArray[np.float64] = maps.double().mean(dim=(1, 2)).numpy()
    return values


def _norms(cache: Any, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    where = torch.as_tensor(np.asarray(positions))
    per_layer = [
        layer.values[0][:, where.to(layer.values.device)].double().norm(dim=(0, 2)).cpu()
        for layer in cache.layers
    ]
    values: NDArray[np.float64] = torch.stack(per_layer).numpy()
    return values
