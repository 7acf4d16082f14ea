"""A grounding as a scene of the viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.results import Grounding
from vlmscope.types import HeadSet, TokenMap
from vlmscope.types.evidence import evidence_table
from vlmscope.viewer import Picture

__all__ = ["cells_of", "mask_runs", "scene_block"]


def scene_block(
    grounding: Grounding,
    shown: bytes,
    heads: HeadSet | None = None,
    python: str = "",
    command: str = "",
) -> dict[str, Any]:
    """The scene block of one grounding.

    Args:
        grounding: what was found.
        shown: the picture as JPEG.
        heads: the set that was read, whose evidence stands beside it; None: none was.
        python, command: how it is had again.
    """
    assert grounding.located is not None  # methods locate
    token_map = grounding.located.token_map
    weights = grounding.located.weights.astype(np.float32)
    low, high = _range(token_map, weights)
    return {
        "type": "scene",
        "id": "scene",
        "image": Picture(shown),
        "size": list(grounding.image_size),
        "title": grounding.phrase,
        "cells": cells_of(token_map),
        "map": token_map.carried(weights).astype(np.float32),
        "scale": [low, high],
        "scale_note": "stretched to its own range",
        "seen": list(grounding.seen),
        "box": None if grounding.box is None else list(grounding.box),
        "point": None if grounding.point is None else list(grounding.point),
        "mask": mask_runs(grounding.mask),
        "instances": [
            {
                "box": list(each.box),
                "point": list(each.point),
                "score": each.score,
                "mask": mask_runs(each.mask),
            }
            for each in grounding.instances
        ],
        "score": grounding.score,
        "score_note": str(grounding.details.get("score", "share of attention inside the mask")),
        "chance": {"name": "share of the picture inside the mask", "value": _area(grounding)},
        "evidence": _evidence(heads),
        "warnings": list(grounding.warnings),
        "facts": [["method", grounding.method], ["model", grounding.model]],
        "python": python,
        "command": command,
    }


def cells_of(token_map: TokenMap) -> dict[str, Any]:
    """The geometry of the cells that values are of."""
    return {
        "size": list(token_map.image_size),
        "views": [
            {
                "name": view.name,
                "y_edges": view.y_edges.tolist(),
                "x_edges": view.x_edges.tolist(),
            }
            for view in token_map.views
        ],
    }


def mask_runs(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask as row-major runs, the first of zeros."""
    flat = np.concatenate([[False], mask.ravel(), [not mask.ravel()[-1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return {"size": list(mask.shape), "counts": np.diff(ends, prepend=0).astype(np.int32)}


def _range(token_map: TokenMap, weights: NDArray[np.float32]) -> tuple[float, float]:
    painted = token_map.to_pixels(weights, "bilinear")
    inside = painted[token_map.to_pixels(np.ones(weights.shape), "nearest") > 0]
    return float(inside.min()), float(inside.max())


def _area(grounding: Grounding) -> float:
    return float(grounding.mask.mean())


def _evidence(heads: HeadSet | None) -> list[list[str]] | None:
    """What the heads are worth, by the samples they were verified on; None: nobody has measured it."""
    if heads is None or heads.evidence is None:
        return None
    _, rows = evidence_table(heads.evidence)
    return [[str(row[0]), f"{row[1]} (chance {row[2]})"] for row in rows]
