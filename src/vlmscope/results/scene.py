"""A Grounding as the viewer draws it: the image with what the phrase lights up on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.markup import shorten, shown_box
from vlmscope.post import attention_share, heat_range
from vlmscope.results.geometry_blocks import (
    SIDE,
    cells_block,
    cells_over,
    encoded,
    mask_block,
    on_cells,
)
from vlmscope.results.repeat import command_of, python_of
from vlmscope.types.evidence import evidence_table
from vlmscope.viewer import Picture, View

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding
    from vlmscope.types import HeadSet

__all__ = ["evidence_pairs", "grounding_view", "scene", "scene_block"]

_PHRASE = 160  # characters of a phrase in a title
_SHARES = ("mean-attention", "token-grounding")  # scored by their share of attention in the mask
_OWN_RANGE = "stretched to its own range"


def grounding_view(grounding: Grounding, *, side: int = SIDE, lossless: bool = False) -> View:
    """One scene.

    Args:
        grounding: what is shown.
        side: pixels of the longer side of the image at most.
        lossless: keep the image's pixels as they are.
    """
    box = grounding.box
    place = "nothing lights up" if box is None else f"box {shown_box(box)}"
    return View(
        f"“{shorten(grounding.phrase, _PHRASE)}”",
        f"{place}, score {grounding.score:.4g}: {grounding.method} of {grounding.model}",
        [scene_block(grounding, side=side, lossless=lossless)],
    )


def scene_block(grounding: Grounding, *, name: str = "scene", **options: Any) -> dict[str, Any]:
    """A block of its own, which blocks of heads or words speak of by its name.

    Args:
        grounding: what is shown.
        name: its id in the view.
        **options: those of :func:`scene`.
    """
    return {"type": "scene", "id": name, **scene(grounding, **options)}


def scene(
    grounding: Grounding,
    *,
    side: int = SIDE,
    lossless: bool = False,
    title: str | None = None,
    picture: Picture | None = None,
) -> dict[str, Any]:
    """What a scene holds, without a type: also one among several that are compared.

    The heat map is the map that the region was found in, on its cells; the viewer paints it.

    Args:
        grounding: what is shown.
        side, lossless: of the image, see :func:`grounding_view`.
        title: default: the phrase.
        picture: the image as it was encoded before; None: it is encoded here.
    """
    cells, values, scale = _painted(grounding)
    return {
        "image": encoded(grounding.image, side, lossless) if picture is None else picture,
        "size": list(grounding.image_size),
        "title": shorten(grounding.phrase, _PHRASE) if title is None else title,
        "cells": cells,
        "map": values,
        "scale": list(scale),
        "scale_note": _OWN_RANGE,
        "seen": [float(value) for value in grounding.seen],
        "box": _numbers(grounding.box),
        "point": _numbers(grounding.point),
        "mask": mask_block(grounding.mask),
        "instances": [
            {
                "box": _numbers(each.box),
                "point": _numbers(each.point),
                "score": float(each.score),
                "mask": mask_block(each.mask),
            }
            for each in grounding.instances
        ],
        "score": float(grounding.score),
        "score_note": _score_note(grounding),
        "chance": _chance(grounding),
        "evidence": _evidence(grounding),
        "warnings": list(grounding.warnings),
        "facts": _facts(grounding),
        "python": python_of(grounding),
        "command": command_of(grounding),
    }


def _painted(
    grounding: Grounding,
) -> tuple[dict[str, Any], NDArray[np.float32], tuple[float, float]]:
    """Cells, the values on them, and the values that are shown as dark and as bright."""
    located = grounding.located
    if located is None:
        values = grounding.score_map.astype(np.float32)
        cells = cells_over(values.shape, grounding.seen, grounding.image_size)
        return cells, values.ravel(), (float(values.min()), float(values.max()))
    token_map = located.token_map
    values = on_cells(token_map, located.weights)
    return cells_block(token_map), values, heat_range(token_map, located.weights)


def _numbers(values: tuple[float, ...] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]


def _score_note(grounding: Grounding) -> str:
    """What the score means, where the method says it."""
    meaning = grounding.details.get("score")
    if isinstance(meaning, str):
        return meaning
    if grounding.head_set is not None:
        return "share of the heads' attention that falls into the mask, 0 to 1"
    return "in the method's own unit"


def _chance(grounding: Grounding) -> dict[str, Any] | None:
    """What the score would be if the same attention lay evenly on the image; None: it is no share of it."""
    located = grounding.located
    if located is None or (grounding.head_set is None and grounding.method not in _SHARES):
        return None
    even = np.full_like(located.weights, located.weights.mean())
    value = attention_share(located.token_map, even, located.mask)
    return {"name": "spread evenly over the image it would be", "value": value}


def _evidence(grounding: Grounding) -> list[list[str]] | None:
    """What the head set is worth; None: it was never measured; empty: the method chooses no heads."""
    if grounding.head_set is None:
        return None if grounding.details.get("heads") else []
    return evidence_pairs(grounding.head_set)


def evidence_pairs(heads: HeadSet) -> list[list[str]] | None:
    """What verification found, name and text; None: the set was not verified."""
    if heads.evidence is None:
        return None
    _, rows = evidence_table(heads.evidence)
    pairs = [["verified on", f"{heads.evidence.samples} samples"]]
    for name, value, chance, rivals in rows:
        beside = [f"chance {chance}"] if chance != "-" else []
        beside += [f"random heads {rivals}"] if rivals != "-" else []
        pairs.append([str(name), f"{value} ({', '.join(beside)})" if beside else str(value)])
    return pairs


def _facts(grounding: Grounding) -> list[list[str]]:
    details, (height, width) = grounding.details, grounding.image_size
    rows, columns = grounding.score_map.shape
    low, high = float(grounding.score_map.min()), float(grounding.score_map.max())
    facts = [["model", grounding.model], ["method", grounding.method]]
    if details.get("heads"):
        source = details.get("heads_source", "given")
        facts.append(["heads", f"{', '.join(details['heads'])} ({source})"])
    for name, label in (("rows", "read-out row"), ("prompt", "prompt"), ("placement", "placement")):
        if details.get(name) is not None:
            facts.append([label, str(details[name])])
    facts.append(["image", f"{width} x {height} pixels, {columns} x {rows} cells"])
    facts.append(["raw values of the map", f"{low:.4g} to {high:.4g}"])
    return facts
