"""Groundings beside each other, as the viewer draws them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmscope.markup import shorten
from vlmscope.results.deviations import deviations, standard
from vlmscope.results.scene import scene, scene_block
from vlmscope.viewer import View
from vlmscope.viewer.blocks import Block, facts, heading, note, table, text

if TYPE_CHECKING:
    from vlmscope.results.answer_comparison import AnswerComparison
    from vlmscope.results.grounding import Grounding
    from vlmscope.results.method_comparison import MethodComparison

__all__ = [
    "answer_view",
    "compare_block",
    "groundings_view",
    "joined_view",
    "methods_view",
    "on_one_scale",
]

_STANDARDISED = (
    "Colours are standard deviations above the mean of each map, over the part of the image that the "
    "model saw: raw values of different methods are in different units. The brightest place says where, "
    "not whether: a phrase that fits nothing lights something up too."
)
_ROWS = {
    "box": "looked while writing the box",
    "last_text": "looked at the end of the phrase",
}
_ONE_SCALE = "Colours are raw scores on one scale: a phrase that lights up less looks darker."
_OWN_SCALES = "Each map is stretched to its own range."


def compare_block(
    scenes: Sequence[dict[str, Any]], note: str, scale: tuple[float, float] | None = None
) -> Block:
    """Scenes side by side.

    Args:
        scenes: from :func:`vlmscope.results.scene.scene`.
        note: what the colours mean.
        scale: (low, high) of one colour scale for all; None: each scene has its own.
    """
    shared = None if scale is None else [float(end) for end in scale]
    return {"type": "compare", "scenes": list(scenes), "scale": shared, "note": note}


def on_one_scale(groundings: Sequence[Grounding], note: str, **options: Any) -> Block:
    """Groundings of one method side by side: colours are raw scores from the lowest to the highest of all.

    Args:
        groundings: at least one.
        note: what the colours mean.
        **options: those of :func:`vlmscope.results.scene.scene`.
    """
    lows, highs = zip(*((g.score_map.min(), g.score_map.max()) for g in groundings), strict=True)
    scale = float(min(lows)), float(max(highs))
    shared = {"scale": list(scale), "scale_note": "shared"}
    return compare_block([{**scene(each, **options), **shared} for each in groundings], note, scale)


def groundings_view(groundings: Sequence[Grounding], shared_scale: bool = False) -> View:
    """Several phrases in one image.

    Args:
        groundings: at least one, of one method.
        shared_scale: side by side on one colour scale, or one after the other, each on its own.
    """
    if len(groundings) == 1:
        return groundings[0].view()
    first = groundings[0]
    blocks = [scene_block(each, name=f"scene-{n}") for n, each in enumerate(groundings, 1)]
    return View(
        f"{len(groundings)} phrases in one image",
        f"{first.method} of {first.model}",
        [on_one_scale(groundings, _ONE_SCALE)] if shared_scale else blocks,
    )


def joined_view(title: str, lead: str, views: Sequence[View]) -> View:
    """Views after each other, each under its title; one alone stays as it is."""
    if len(views) == 1:
        return views[0]
    blocks: list[Mapping[str, Any]] = []
    for each in views:
        blocks += [heading(each.title), text(each.lead), *each.blocks]
    return View(title, lead, blocks)


def methods_view(comparison: MethodComparison, **options: Any) -> View:
    """Phrase after phrase, its methods beside each other.

    Args:
        comparison: what is shown.
        **options: those of :func:`vlmscope.results.scene.grounding_view`.
    """
    every = [each for groundings in comparison.groundings.values() for each in groundings]
    peak = max((float(deviations(each).max()) for each in every), default=1.0)
    top = float(max(1, math.ceil(peak)))
    count = len(comparison.phrases)
    phrases = "1 phrase" if count == 1 else f"{count} phrases"
    return View(
        f"{len(comparison.groundings)} methods of {comparison.model}",
        f"{phrases} in one image, on one colour scale",
        [*_by_phrase(comparison, top, options), *map(note, comparison.warnings)],
    )


def _by_phrase(
    comparison: MethodComparison, top: float, options: dict[str, Any]
) -> Iterator[Block]:
    for groundings in comparison.by_phrase():
        yield heading(f"“{shorten(groundings[0].phrase, 160)}”")
        scenes = [_standardised(each, top, options) for each in groundings]
        yield compare_block(scenes, _STANDARDISED, (0.0, top))
    rows = [
        (each.phrase, each.method, each.box and ", ".join(f"{v:.0f}" for v in each.box), each.score)
        for groundings in comparison.by_phrase()
        for each in groundings
    ]
    yield table(
        ("phrase", "method", "box (x0, y0, x1, y1)", "score"),
        rows,
        "score: in the method's own unit, comparable within one method only.",
    )


def _standardised(grounding: Grounding, top: float, options: dict[str, Any]) -> dict[str, Any]:
    """A scene whose values are standard deviations above the mean of its heat map."""
    shown = scene(grounding, title=grounding.method, **options)
    (low, high), (mean, spread) = shown["scale"], standard(grounding)
    unit = spread * (high - low)  # one standard deviation, in raw values
    values = (shown["map"] - (low + mean * (high - low))) / unit if unit > 0 else 0 * shown["map"]
    changed = {"map": values.astype(np.float32), "scale": [0.0, top], "scale_note": "shared"}
    return {**shown, **changed, "warnings": []}  # they stand beneath, once for all


def answer_view(comparison: AnswerComparison, **options: Any) -> View:
    """The model's own box, and each reading of where it looked.

    Args:
        comparison: what is shown.
        **options: those of :func:`vlmscope.results.scene.grounding_view`.
    """
    scenes = [
        {**scene(each, title=_ROWS.get(rows, rows), **options), "warnings": []}
        for rows, each in comparison.looked.items()
    ]
    if comparison.said is not None and scenes:
        scenes.insert(0, _said(scenes[0], comparison))
    overlaps = [
        (f"IoU {name}", "–" if value is None else f"{value:.2f}")
        for name, value in comparison.ious.items()
    ]
    return View(
        f"“{shorten(comparison.phrase, 160)}”: what {comparison.model} says and where it looked",
        f"It answered: {shorten(comparison.text, 400)}",
        [
            compare_block(scenes, _OWN_SCALES),
            facts([("asked", comparison.prompt), ("answered", comparison.text), *overlaps]),
            *map(note, comparison.warnings),
        ],
    )


def _said(looked: dict[str, Any], comparison: AnswerComparison) -> dict[str, Any]:
    """The same map with the box that the model wrote in place of attention's own."""
    box = [float(value) for value in comparison.said or ()]
    own = {"title": "says", "box": box, "point": None, "mask": None, "instances": [], "score": None}
    return {**looked, **own, "score_note": "", "chance": None}
