"""The rows of all heads for one phrase, as the grid of the viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.app.answers.scene import cells_of
from vlmscope.attention import HeadMaps
from vlmscope.heads.criteria import spatial_entropies
from vlmscope.types import Head, HeadSet

__all__ = ["heads_block"]

_NONE = float("nan")  # of a head that was not measured: the viewer says so


def heads_block(
    maps: HeadMaps, shape: tuple[int, int], scene: str, chosen: HeadSet | None
) -> dict[str, Any]:
    """The heads block of one phrase.

    Args:
        maps: of every head that can look at the image.
        shape: (layers, heads) of the decoder.
        scene: id of the scene that the maps are drawn on.
        chosen: the head set that the phrase was read from; None: it was read otherwise.
    """
    values = maps.one_row()
    rows = np.full((*shape, values.shape[-1]), _NONE, dtype=np.float32)
    places = tuple(np.array([tuple(head) for head in maps.heads]).T)
    rows[places] = values
    scale = rows.max(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(scale[..., None] > 0, rows / scale[..., None], rows)
    heads = () if chosen is None else chosen.heads
    return {
        "type": "heads",
        "scene": scene,
        "layers": shape[0],
        "heads": shape[1],
        "cells": cells_of(maps.token_map),
        "rows": relative.astype(np.float16),
        "scale": scale,
        "measures": _measures(maps, values, rows, places, chosen),
        "chosen": [list(head) for head in heads],
        "sinks": _sinks(rows),
        "rows_name": ", ".join(maps.row_tokens),
        "note": "",
    }


def _measures(
    maps: HeadMaps,
    values: NDArray[np.float64],
    rows: NDArray[np.float32],
    places: Any,
    chosen: HeadSet | None,
) -> list[dict[str, Any]]:
    shape = (rows.shape[0], rows.shape[1])
    entropies = np.full(shape, _NONE, dtype=np.float32)
    entropies[places] = spatial_entropies(maps.token_map, values, "area")
    entropies[~np.isfinite(entropies)] = _NONE
    measures = [
        _measure("mass", "Attention on the image", "share", rows.sum(axis=-1)),
        _measure("entropy", "Spatial entropy", "nats", entropies),
    ]
    if chosen is not None and chosen.frequencies:
        met = {row.head: row.frequency.value for row in chosen.frequencies}
        measures.append(_measure("selection", "Selection frequency", "share", _table(shape, met)))
    if chosen is not None and chosen.evidence is not None and chosen.evidence.per_head:
        pointing = {Head(*row["head"]): row["pointing"][0] for row in chosen.evidence.per_head}
        measures.append(_measure("pointing", "Pointing", "share", _table(shape, pointing)))
    return measures


def _measure(name: str, title: str, unit: str, values: NDArray[np.float32]) -> dict[str, Any]:
    texts = {
        "mass": "attention of the row on all image tokens, of this phrase",
        "entropy": "how scattered the map is; low: one place",
        "selection": "how often discovery met the head among the most focused",
        "pointing": "how often the peak lay inside the object, when the heads were verified",
    }
    return {"id": name, "name": title, "unit": unit, "text": texts[name], "values": values}


def _table(shape: tuple[int, int], values: dict[Head, float]) -> NDArray[np.float32]:
    table = np.full(shape, _NONE, dtype=np.float32)
    for head, value in values.items():
        table[head] = value
    return table


def _sinks(rows: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cells that most heads look at whatever is asked: ten times the mean, in the mean over heads."""
    mean = np.nanmean(rows, axis=(0, 1))
    return (mean > 10 * mean.mean()).astype(np.uint8)
