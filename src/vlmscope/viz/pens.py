"""Single strokes on a picture: a box, a point, a label, a mask's outline, a hatched area.

Every stroke is light with a dark edge, so that it shows on any background. Coordinates are pixels
of the picture drawn on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from vlmscope.types import Box
from vlmscope.viz.text import draw_lines, fit, font, line_height, widest

__all__ = [
    "INK",
    "ORANGE",
    "PAPER",
    "draw_box",
    "draw_label",
    "draw_point",
    "hatch_outside",
    "outline_mask",
    "stroke_width",
]

PAPER = (255, 255, 255)
INK = (12, 12, 18)
TURQUOISE = (90, 235, 220)
ORANGE = (255, 140, 40)


def stroke_width(size: tuple[int, int]) -> int:
    """Line width in pixels for a picture of ``size`` = (height, width)."""
    return int(np.clip(round(min(size) / 220), 1, 4))


def draw_box(
    image: Image.Image, box: Box, width: int, colour: tuple[int, int, int] = PAPER
) -> None:
    """Draw an xyxy box whose far edges are exclusive, in place."""
    draw = ImageDraw.Draw(image)
    left, top = (int(np.clip(round(value), 0, side - 1)) for value, side in _sides(box[:2], image))
    right, bottom = (
        int(np.clip(round(value) - 1, low, side - 1))
        for (value, side), low in zip(_sides(box[2:], image), (left, top), strict=True)
    )
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=INK, width=width + 2)
    draw.rectangle((left, top, right, bottom), outline=colour, width=width)


def _sides(values: tuple[float, ...], image: Image.Image) -> list[tuple[float, int]]:
    return list(zip(values, image.size, strict=True))


def draw_point(image: Image.Image, point: tuple[float, float], width: int) -> None:
    """Draw a ring with a dot at (x, y), in place, smooth at its edges."""
    fine = 4
    radius = 3 * width + 2
    side = 2 * (radius + width) + 1
    tile = Image.new("RGBA", (side * fine, side * fine))
    draw = ImageDraw.Draw(tile)
    middle = side * fine / 2
    for reach, colour in (
        (radius + 1, INK),
        (radius, PAPER),
        (radius - width, INK),
        (width, PAPER),
    ):
        bounds = (middle - reach * fine, middle - reach * fine)
        draw.ellipse((*bounds, middle + reach * fine, middle + reach * fine), fill=(*colour, 255))
    tile = tile.resize((side, side), Image.Resampling.LANCZOS)
    image.paste(tile, (round(point[0] - side / 2), round(point[1] - side / 2)), tile)


def draw_label(image: Image.Image, text: str, box: Box | None) -> bool:
    """Write ``text`` on a dark plate above ``box``, inside it, or in the bottom-left corner.

    Returns:
        Whether it was drawn: a picture too small for readable letters keeps its pixels.
    """
    face = font(int(np.clip(min(image.size) / 24, 12, 30)))
    pad = max(2, line_height(face) // 4)
    room = int((image.height * 0.4 - 2 * pad) / line_height(face))
    lines = fit(text, face, image.width - 4 * pad, min(room, 2))
    if not lines:
        return False
    height = len(lines) * line_height(face) + 2 * pad
    width = int(widest(lines, face)) + 2 * pad
    left, top = _label_corner(image, box, width, height)
    plate = Image.new("L", (width, height), 0)
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, width - 1, height - 1), pad, fill=214)
    image.paste(INK, (left, top), plate)
    draw_lines(ImageDraw.Draw(image), (left + pad, top + pad), lines, face, PAPER)
    return True


def _label_corner(image: Image.Image, box: Box | None, width: int, height: int) -> tuple[int, int]:
    """(left, top) of the label's plate, wholly inside the picture."""
    gap = 3
    if box is None:
        left, top = gap, image.height - height - gap
    elif box[1] >= height + 2 * gap:
        left, top = round(box[0]), round(box[1]) - height - gap
    elif box[3] <= image.height - height - 2 * gap:
        left, top = round(box[0]), round(box[3]) + gap
    else:
        left, top = round(box[0]) + 2 * gap, round(max(box[1], 0)) + 2 * gap
    left = min(max(left, 0), image.width - width)
    return max(left, 0), min(max(top, 0), image.height - height)


def outline_mask(
    image: Image.Image,
    mask: NDArray[np.bool_],
    width: int,
    colour: tuple[int, int, int] = TURQUOISE,
) -> Image.Image:
    """A copy of ``image`` with a smooth line along the border of ``mask`` (height, width)."""
    if not mask.any() or mask.all():
        return image
    enlarged = max(1.0, image.height / mask.shape[0])
    soft = Image.fromarray(mask.astype(np.uint8) * 255)
    soft = soft.resize(
        image.size, Image.Resampling.BOX if enlarged == 1 else Image.Resampling.BICUBIC
    )
    blur = ImageFilter.GaussianBlur(0.6 + width / 2 + 0.4 * (enlarged - 1))
    level = np.asarray(soft.filter(blur), dtype=float) / 255
    width_of_slope = 0.24 / (1 + 0.3 * (enlarged - 1))
    dark = np.clip(1 - np.abs(level - 0.5) / (1.9 * width_of_slope), 0, 1)[..., None] * 0.55
    light = np.clip(1.35 - np.abs(level - 0.5) / width_of_slope, 0, 1)[..., None]
    pixels = np.asarray(image, dtype=float)
    pixels = pixels * (1 - dark) + np.array(INK) * dark
    pixels = pixels * (1 - light) + np.array(colour) * light
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def hatch_outside(pixels: NDArray[np.float64], seen: Box) -> NDArray[np.float64]:
    """Float (height, width, 3) with everything outside the xyxy box darkened and hatched."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = seen
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    inside = np.outer((rows >= y0) & (rows < y1), (columns >= x0) & (columns < x1))
    if inside.all():
        return pixels
    period = max(8, min(height, width) // 28)
    phase = (rows[:, None] + columns[None, :]) % period / period
    stripes = np.clip(2.2 - 11 * np.abs(phase - 0.5), 0, 1)[..., None]
    greyed = pixels.mean(axis=-1, keepdims=True) * 0.22 + 22 + pixels * 0.08
    hatched = greyed * (1 - 0.3 * stripes) + 150 * 0.3 * stripes
    return np.where(inside[..., None], pixels, hatched)
