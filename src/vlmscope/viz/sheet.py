"""Many pictures with captions on one sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.viz.text import draw_lines, fit, font, line_height

__all__ = ["THEMES", "contact_sheet"]

THEMES = {"light": ("#ffffff", "#1d1d22"), "dark": ("#14141a", "#e8e8ee")}
"""Background and text colour by name."""


def contact_sheet(
    images: Sequence[Image.Image],
    captions: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    cell: int = 320,
    theme: str = "light",
    caption_lines: int = 2,
) -> Image.Image:
    """Lay pictures out in rows, each with its caption beneath.

    Args:
        images: at least one; each is fitted into its cell whole, smaller ones are enlarged.
        captions: one per image, or None for none; longer ones are shortened.
        columns: pictures per row; by default nearly square.
        cell: width and height of a picture's cell in pixels.
        theme: ``light`` or ``dark``.
        caption_lines: lines of text reserved beneath each picture.

    Raises:
        BadOptionError: no images, or captions that do not match.
        UnknownNameError: an unknown theme.
    """
    if theme not in THEMES:
        raise UnknownNameError("theme", theme, THEMES)
    _check(images, captions, columns, cell)
    background, colour = THEMES[theme]
    face = font(max(12, cell // 20))
    gap = max(4, cell // 20)
    footer = caption_lines * line_height(face) + gap // 2 if captions else 0
    across = columns or math.ceil(math.sqrt(len(images)))
    tiles = [_fitted(image, cell) for image in images]
    rows = [range(first, min(first + across, len(tiles))) for first in range(0, len(tiles), across)]
    heights = [max(tiles[index].height for index in row) for row in rows]
    width = across * (cell + gap) + gap
    sheet = Image.new("RGB", (width, sum(heights) + len(rows) * (footer + gap) + gap), background)
    draw = ImageDraw.Draw(sheet)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        for column, index in enumerate(row):
            left = gap + column * (cell + gap)
            tile = tiles[index]
            sheet.paste(tile, (left + (cell - tile.width) // 2, top + (height - tile.height) // 2))
            if captions:
                lines = fit(captions[index], face, cell, caption_lines)
                draw_lines(draw, (left, top + height + gap // 2), lines, face, colour)
        top += height + footer + gap
    return sheet


def _check(
    images: Sequence[Image.Image],
    captions: Sequence[str] | None,
    columns: int | None,
    cell: int,
) -> None:
    if not images:
        raise BadOptionError("A contact sheet needs at least one image, got none.")
    if captions is not None and len(captions) != len(images):
        raise BadOptionError(
            f"Give one caption per image: got {len(captions)} for {len(images)} images."
        )
    if (columns is not None and columns < 1) or cell < 16:
        raise BadOptionError(
            f"columns must be at least 1 and cell at least 16, got {columns} and {cell}."
        )


def _fitted(image: Image.Image, cell: int) -> Image.Image:
    factor = cell / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
