"""The maps of many heads for many phrases on one image: what grounding and discovery read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.capture import Trace, capture
from vlmscope.attention.prefill import run
from vlmscope.attention.prefix import shared_prefix
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.model import token_map
from vlmscope.types import Head, TokenMap

__all__ = ["HeadMaps", "captured", "read_heads"]


@dataclass(frozen=True, eq=False)
class HeadMaps:
    """Attention of chosen heads for one phrase.

    Attributes:
        heads: the first axis of ``maps``.
        maps: float32 (heads, rows, tokens), softmax over ALL keys, cut to the image tokens in
            ``token_map.image_positions`` order; of query tokens (Q-Former), carried to the cells.
        token_map: of the phrase's own prompt.
        preset: how the prompt was written.
        row_tokens: text of the tokens whose rows were read.
    """

    heads: tuple[Head, ...]
    maps: NDArray[np.float32]
    token_map: TokenMap
    preset: str
    row_tokens: tuple[str, ...]


def read_heads(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    *,
    rows: str | int | Sequence[int] = "last_text",
    heads: Sequence[tuple[int, int]] | None = None,
    first_layer: int = 0,
    preset: str | None = None,
    placement: str | None = None,
) -> list[HeadMaps]:
    """Read heads for every phrase on one image, computing nothing above the deepest of them.

    In causal families the image is encoded once for all phrases; others run phrase by phrase.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        rows: the read-out row, as for :func:`vlmscope.capture`.
        heads: (layer, head) pairs; None: all heads from ``first_layer`` on.
        first_layer: layers below it are computed but not read.
        preset, placement: as for :func:`vlmscope.prefill`.

    Returns:
        One :class:`HeadMaps` per phrase, in order.
    """
    layers, total = model.decoder_shape
    if heads is None:
        wanted = tuple(
            Head(layer, head) for layer in range(first_layer, layers) for head in range(total)
        )
    else:
        wanted = tuple(Head(int(layer), int(head)) for layer, head in heads)
    name = model.resolve_preset(preset)
    with capture(model, rows=rows, heads=wanted) as trace:
        deepest = trace.layers[-1]
        # named rows are found in every phrase of a pack; numbered ones count within one prompt
        shared = model.family.causal_image and isinstance(rows, str) and len(phrases) > 1
        if shared:
            return _packed(model, pixels, phrases, trace, wanted, deepest, name, placement)
        return [
            _whole(model, pixels, phrase, trace, wanted, deepest, name, placement)
            for phrase in phrases
        ]


def _whole(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrase: str | Prompt,
    trace: Trace,
    heads: tuple[Head, ...],
    deepest: int,
    preset: str,
    placement: str | None,
) -> HeadMaps:
    encoded = model.encode([pixels], [phrase], preset=preset, placement=placement)
    run(model, encoded, stop_after=deepest)
    return captured(trace, heads, preset)


def captured(trace: Trace, heads: Sequence[tuple[int, int]], preset: str) -> HeadMaps:
    """What a trace of one prompt holds, as :func:`read_heads` gives it.

    Args:
        trace: of a prefill or generation of one item; it keeps image keys.
        heads: (layer, head) pairs that were read.
        preset: how the prompt was written.
    """
    tokens = trace.token_map
    words = tuple(tokens.tokens[int(position)] for position in trace.row_positions())
    chosen = tuple(Head(int(layer), int(head)) for layer, head in heads)
    return _on_cells(chosen, trace.rows_of(chosen).numpy(), tokens, preset, words)


def _on_cells(
    heads: tuple[Head, ...],
    maps: NDArray[np.float32],
    tokens: TokenMap,
    preset: str,
    words: tuple[str, ...],
) -> HeadMaps:
    """Query tokens lie nowhere: what they attend to is handed on to the cells they were made of."""
    spread = tokens.carried(maps).astype(np.float32) if tokens.carries else maps
    return HeadMaps(heads, spread, tokens.on_cells(), preset, words)


def _packed(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    trace: Trace,
    heads: tuple[Head, ...],
    deepest: int,
    preset: str,
    placement: str | None,
) -> list[HeadMaps]:
    prefix = shared_prefix(model, pixels, preset=preset, placement=placement, stop_after=deepest)
    texts = prefix.encode(phrases)
    found: dict[int, HeadMaps] = {}
    for indices, pack in prefix.packs(texts):
        prefix.run(pack)
        maps = trace.rows_of(heads).numpy()
        positions = trace.row_positions().numpy()
        owners = np.searchsorted(pack.starts, positions, side="right") - 1
        for order, index in enumerate(indices):
            mine = owners == order
            words = tuple(pack.token_map.tokens[int(position)] for position in positions[mine])
            own_map = token_map(texts[index], [prefix.image], [prefix.image_size])
            found[index] = _on_cells(heads, maps[:, mine], own_map, preset, words)
    return [found[index] for index in range(len(phrases))]
