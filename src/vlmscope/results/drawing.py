"""A Grounding drawn on its image, alone or beside others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.types import Box
from vlmscope.viz.colours import colorize, normalize
from vlmscope.viz.pens import (
    draw_box,
    draw_label,
    draw_point,
    hatch_outside,
    outline_mask,
    stroke_width,
)

if TYPE_CHECKING:
    from vlmscope.results.grounding import Grounding

__all__ = ["SHOWN", "overlay", "resized", "scale_factor", "side_by_side"]

SHOWN = ("heatmap", "mask", "box", "instances", "point", "label")
"""Everything an overlay can show."""


def overlay(
    grounding: Grounding,
    *,
    alpha: float = 0.55,
    colormap: str = "inferno",
    show: Collection[str] = SHOWN,
    max_side: int = 1600,
    min_side: int = 1,
    scale: tuple[float, float] | None = None,
) -> Image.Image:
    """The image with heat map, mask outline, box, peak and phrase drawn on it.

    What the model did not see (``grounding.seen``) is darkened and hatched.

    Args:
        grounding: what to draw.
        alpha: how strongly the heat map covers the image, 0..1.
        colormap: ``inferno``, ``viridis`` or ``grey``.
        show: which of ``heatmap``, ``mask``, ``box``, ``instances``, ``point``, ``label`` to draw.
            ``instances`` are the further ones: thin boxes with their numbers. A label is left out
            where the picture is too small for readable letters.
        max_side: the longer side of the result in pixels at most; larger images are made smaller.
        min_side: the shorter side of the result at least, as far as ``max_side`` allows: small
            images are enlarged so that lines and letters are readable.
        scale: (low, high) of the colour scale in units of ``score_map``, to compare groundings;
            by default the heat map's own range.

    Returns:
        An RGB image with the proportions of the original, of its size within the two limits.

    Raises:
        BadOptionError: a number outside its range.
        UnknownNameError: an unknown colour map or thing to show.
    """
    _check(alpha, show, max_side, min_side)
    height, width = grounding.image_size
    factor = scale_factor(height, width, max_side, min_side)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    pixels = resized(grounding.image, size).astype(np.float64)
    if "heatmap" in show:
        pixels = _blend(pixels, _heat(grounding, size, scale), alpha, colormap)
    pixels = hatch_outside(pixels, _scaled(grounding.seen, factor))
    image = Image.fromarray(np.rint(pixels).astype(np.uint8))
    return _strokes(image, grounding, show, factor)


def _strokes(
    image: Image.Image, grounding: Grounding, show: Collection[str], factor: float
) -> Image.Image:
    width = stroke_width((image.height, image.width))
    box = None if grounding.box is None else _scaled(grounding.box, factor)
    further = grounding.instances[1:] if "instances" in show else ()
    for instance in further:
        draw_box(image, _scaled(instance.box, factor), max(1, width // 2))
    if "mask" in show:
        image = outline_mask(image, grounding.mask, width)
    if "box" in show and box is not None:
        draw_box(image, box, width)
    if "point" in show and grounding.point is not None:
        draw_point(image, (grounding.point[0] * factor, grounding.point[1] * factor), width)
    if "label" in show:
        for number, instance in enumerate(further, start=2):
            draw_label(image, str(number), _scaled(instance.box, factor))
        nothing = "" if grounding.box is not None else "  (nothing lights up)"
        draw_label(image, grounding.phrase + nothing, box)
    return image


def side_by_side(
    groundings: Sequence[Grounding],
    *,
    shared_scale: bool = True,
    gap: int = 8,
    background: tuple[int, int, int] = (255, 255, 255),
    height: int = 480,
    **options: object,
) -> Image.Image:
    """Several groundings in a row, by default on ONE colour scale.

    On a shared scale the colours are raw scores between the lowest and the highest of all
    ``score_map``s, so a phrase that lights up less looks darker. The groundings have to be of
    one model and method for that to mean anything.

    Args:
        groundings: at least one.
        shared_scale: one colour scale for all, or each its own.
        gap: pixels between the pictures.
        background: RGB behind them.
        height: height of each picture in pixels.
        **options: those of :func:`overlay`.

    Raises:
        BadOptionError: no groundings, or several models or methods on one scale.
    """
    if not groundings:
        raise BadOptionError("There are no groundings to put side by side; give at least one.")
    kinds = sorted({f"{g.method} of {g.model}" for g in groundings})
    if shared_scale and len(kinds) > 1:
        raise BadOptionError(
            f"One colour scale compares one method of one model, got {', '.join(kinds)}. "
            "Draw them with shared_scale=False."
        )
    scale = None
    if shared_scale:
        lows, highs = zip(
            *((g.score_map.min(), g.score_map.max()) for g in groundings), strict=True
        )
        scale = float(min(lows)), float(max(highs))
    options = {"min_side": height, **options}
    drawn = [overlay(g, scale=scale, **options) for g in groundings]  # type: ignore[arg-type]
    tiles = [_to_height(picture, height) for picture in drawn]
    total = sum(tile.width for tile in tiles) + gap * (len(tiles) - 1)
    row = Image.new("RGB", (total, height), background)
    left = 0
    for tile in tiles:
        row.paste(tile, (left, 0))
        left += tile.width + gap
    return row


def _to_height(picture: Image.Image, height: int) -> Image.Image:
    if picture.height == height:
        return picture
    width = max(1, round(picture.width * height / picture.height))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _check(alpha: float, show: Collection[str], max_side: int, min_side: int) -> None:
    if not 0 <= alpha <= 1:
        raise BadOptionError(f"alpha must lie between 0 and 1, got {alpha}.")
    if max_side < 1 or min_side < 1:
        raise BadOptionError(
            f"max_side and min_side must be at least 1, got {max_side} and {min_side}."
        )
    if isinstance(show, str):
        raise BadOptionError(f"show is a collection of names, for example ({show!r},).")
    for name in show:
        if name not in SHOWN:
            raise UnknownNameError("thing to show", name, SHOWN)


def scale_factor(height: int, width: int, max_side: int, min_side: int) -> float:
    """How much a picture is enlarged (above 1) or made smaller to keep to both limits."""
    larger = max(1.0, min_side / min(height, width))
    return min(larger, max_side / max(height, width))


def _scaled(box: Box, factor: float) -> Box:
    x0, y0, x1, y1 = box
    return x0 * factor, y0 * factor, x1 * factor, y1 * factor


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels at another (height, width)."""
    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.LANCZOS))


def _heat(
    grounding: Grounding, size: tuple[int, int], scale: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Float (height, width) in 0..1 at the size of the picture."""
    heat = normalize(grounding.heatmap, (0, 1))
    if scale is not None:  # back to raw scores, then onto the scale asked for
        low, high = float(grounding.score_map.min()), float(grounding.score_map.max())
        heat = normalize(low + heat * (high - low), scale)
    if heat.shape == size:
        return heat
    image = Image.fromarray(heat.astype(np.float32))
    resized = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float64), 0, 1)


def _blend(
    pixels: NDArray[np.float64], heat: NDArray[np.float64], alpha: float, colormap: str
) -> NDArray[np.float64]:
    """Cover the image more where the map is bright, so that the rest of it stays readable."""
    weight = (alpha * (0.5 + 0.5 * heat))[..., None]
    return pixels * (1 - weight) + colorize(heat, colormap) * weight
