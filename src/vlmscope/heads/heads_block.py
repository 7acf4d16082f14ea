"""The rows of every head for one phrase, as the viewer's head grid draws them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmscope.attention import HeadMaps
from vlmscope.heads.criteria import attention_sums, spatial_entropies
from vlmscope.results.geometry_blocks import cells_block
from vlmscope.types import HeadSet, TokenMap
from vlmscope.viewer.blocks import Block

__all__ = ["SINK_SHARE", "SINK_TIMES", "attention_sinks", "head_rows", "heads_block"]

SINK_TIMES, SINK_SHARE = 4.0, 0.5
"""A cell is called an attention sink where more than this share of all heads give it more than so many
times what they give a cell on average, whatever the phrase: a rule of thumb, for greying cells out."""

_SINKS = (
    f"Greyed cells are attention sinks: more than {SINK_SHARE:.0%} of all heads give them more than "
    f"{SINK_TIMES:g} times what they give a cell on average."
)


def heads_block(
    token_map: TokenMap,
    rows: ArrayLike,
    *,
    chosen: Iterable[tuple[int, int]] = (),
    head_set: HeadSet | None = None,
    rows_name: str = "last_text",
    scene: str = "scene",
    note: str = "",
) -> Block:
    """All heads' rows, divided by their maximum each, with what is measured of each head.

    Args:
        token_map: geometry of the image tokens, of one image.
        rows: float (layers, heads, tokens), attention; NaN where a layer or head was not read.
        chosen: (layer, head) pairs that the phrase was grounded with.
        head_set: whose measurements (selection, pointing) are shown beside those of this phrase.
        rows_name: which row was read.
        scene: id of the scene block on whose image rows are shown.
        note: a sentence beneath the grid.

    Returns:
        The block: rows float16 (layers, heads, cells) and scale float32 (layers, heads), so that
        row x scale is the attention to within float16's 11 bits.
    """
    values = np.asarray(rows, dtype=np.float64)
    carried = token_map.carried(values)
    highest = carried.max(axis=-1)
    scale = np.where(highest > 0, highest, 1.0) + 0 * highest  # NaN stays NaN
    sinks = attention_sinks(carried)
    return {
        "type": "heads",
        "scene": scene,
        "layers": values.shape[0],
        "heads": values.shape[1],
        "cells": cells_block(token_map),
        "rows": (carried / scale[..., None]).astype(np.float16),
        "scale": scale.astype(np.float32),
        "measures": [*_of_rows(token_map, values), *_of_set(head_set, values.shape[:2])],
        "chosen": [[int(layer), int(head)] for layer, head in chosen],
        "sinks": sinks.astype(np.uint8),
        "rows_name": rows_name,
        "note": " ".join(each for each in (note, _SINKS if sinks.any() else "") if each),
    }


def attention_sinks(rows: ArrayLike) -> NDArray[np.bool_]:
    """Cells that most heads look at, whatever they look for: bool (cells,), see :data:`SINK_TIMES`.

    Args:
        rows: float (layers, heads, cells); heads with NaN do not count.
    """
    values = np.asarray(rows, dtype=np.float64)
    flat = values.reshape(-1, values.shape[-1])
    read = flat[np.isfinite(flat).all(axis=-1)]
    if not len(read):
        return np.zeros(flat.shape[-1], dtype=bool)
    lit = read > SINK_TIMES * read.mean(axis=-1, keepdims=True)
    sinks: NDArray[np.bool_] = lit.mean(axis=0) > SINK_SHARE
    return sinks


def _of_rows(token_map: TokenMap, rows: NDArray[np.float64]) -> list[dict[str, Any]]:
    """What this phrase's rows say of each head."""
    shape = rows.shape[:2]
    flat = rows.reshape(-1, rows.shape[-1])
    entropies = np.full(len(flat), np.nan)
    read = np.isfinite(flat).all(axis=-1)
    if read.any():
        entropies[read] = spatial_entropies(token_map, flat[read], "area")
    entropies[~np.isfinite(entropies)] = np.nan
    return [
        _measure(
            "image-mass",
            "attention on the image",
            "share, 0 to 1",
            "sum of the row over all image tokens; the rest goes to text",
            attention_sums(flat).reshape(shape),
        ),
        _measure(
            "entropy",
            "spatial entropy",
            "nats",
            "of the sizes of the connected parts above the row's mean: 0 for one part",
            entropies.reshape(shape),
        ),
    ]


def _of_set(head_set: HeadSet | None, shape: Sequence[int]) -> list[dict[str, Any]]:
    """What was measured of the heads beforehand, where it was."""
    measures = []
    if head_set is not None and head_set.frequencies:
        pairs = ((row.head, row.frequency.value) for row in head_set.frequencies)
        text = "share of samples in which discovery met the head among those of lowest entropy"
        grid = _grid(pairs, shape)
        measures.append(_measure("selection", "selected", "share of samples, 0 to 1", text, grid))
    if head_set is not None and head_set.evidence is not None and head_set.evidence.per_head:
        evidence = head_set.evidence
        alone = ((row["head"], row["pointing"][0]) for row in evidence.per_head)
        text = f"peak inside the object, on {evidence.samples} samples that discovery did not see"
        grid = _grid(alone, shape)
        measures.append(_measure("pointing", "pointing", "share of samples, 0 to 1", text, grid))
    return measures


def _measure(
    name: str, title: str, unit: str, text: str, values: NDArray[np.floating]
) -> dict[str, Any]:
    return {
        "id": name,
        "name": title,
        "unit": unit,
        "text": text,
        "values": values.astype(np.float32),
    }


def _grid(
    pairs: Iterable[tuple[Sequence[int], float]], shape: Sequence[int]
) -> NDArray[np.float64]:
    """Float (layers, heads), NaN where nothing is known; heads outside are left out."""
    grid = np.full(tuple(shape), np.nan)
    for (layer, head), value in pairs:
        if layer < shape[0] and head < shape[1]:
            grid[layer, head] = value
    return grid


def head_rows(maps: HeadMaps, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Maps of single heads as a grid: float (layers, heads, tokens), NaN where none was read.

    Args:
        maps: of one row, as :func:`vlmscope.attention.read_heads` gives them.
        shape: (layers, heads) of the decoder.
    """
    values = maps.one_row()
    rows = np.full((*shape, values.shape[-1]), np.nan)
    for head, row in zip(maps.heads, values, strict=True):
        rows[head] = row
    return rows
