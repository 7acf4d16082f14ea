"""A segmentation drawn on its image, with a legend beneath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.errors import BadOptionError
from vlmscope.types import BACKGROUND, Segmentation
from vlmscope.viz.overlay import resized, scale_factor
from vlmscope.viz.palette import class_colours
from vlmscope.viz.pens import INK, PAPER
from vlmscope.viz.text import Font, draw_lines, fit, font, line_height, widest

__all__ = ["overlay_labels"]


def overlay_labels(
    segmentation: Segmentation,
    *,
    alpha: float = 0.55,
    legend: bool = True,
    most: int = 24,
    max_side: int = 1600,
    min_side: int = 320,
) -> Image.Image:
    """The image under the colours of its classes, borders drawn, background greyed.

    Args:
        segmentation: what to draw.
        alpha: how strongly colours cover the image, 0..1.
        legend: name the classes beneath the picture, the largest first, with their share of it.
        most: classes in the legend at most; how many more there are is said.
        max_side: the longer side of the picture in pixels at most, the legend not counted.
        min_side: its shorter side at least, as far as ``max_side`` allows.

    Returns:
        An RGB image.

    Raises:
        BadOptionError: a number outside its range.
    """
    if not 0 <= alpha <= 1 or min(most, max_side, min_side) < 1:
        raise BadOptionError(
            f"alpha must lie between 0 and 1 and the others be at least 1, got alpha={alpha}, "
            f"most={most}, max_side={max_side}, min_side={min_side}."
        )
    height, width = segmentation.image_size
    factor = scale_factor(height, width, max_side, min_side)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    labels = _nearest(segmentation.labels, size)
    pixels = resized(segmentation.image, size).astype(np.float64)
    picture = Image.fromarray(_coloured(pixels, labels, len(segmentation.names), alpha))
    return _with_legend(picture, segmentation, most) if legend else picture


def _nearest(labels: NDArray[np.uint16], size: tuple[int, int]) -> NDArray[np.uint16]:
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def _coloured(
    pixels: NDArray[np.float64], labels: NDArray[np.uint16], classes: int, alpha: float
) -> NDArray[np.uint8]:
    table = np.zeros((BACKGROUND + 1, 3))
    table[:classes] = class_colours(classes)
    grey = pixels.mean(axis=-1, keepdims=True)
    labelled = (labels != BACKGROUND)[..., None]
    shown = np.where(
        labelled, pixels * (1 - alpha) + table[labels] * alpha, grey * 0.55 + pixels * 0.1
    )
    edges = _borders(labels)[..., None]
    return np.rint(np.where(edges, 0.25 * shown + 0.75 * np.array(PAPER), shown)).astype(np.uint8)


def _borders(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Bool (height, width): pixels whose right or lower neighbour has another label."""
    edges = np.zeros(labels.shape, dtype=bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def _with_legend(picture: Image.Image, segmentation: Segmentation, most: int) -> Image.Image:
    face = font(int(np.clip(min(picture.size) / 24, 12, 26)))
    entries = _entries(segmentation, most)
    rows = _flow(entries, face, picture.width)
    pad = line_height(face) // 2
    height = len(rows) * (line_height(face) + pad) + pad
    sheet = Image.new("RGB", (picture.width, picture.height + height), PAPER)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        top = picture.height + pad + number * (line_height(face) + pad)
        for left, text, colour in row:
            _entry(draw, (left, top), text, colour, face)
    return sheet


Colour = tuple[int, ...] | None
_GREY = (84, 84, 84)


def _entries(segmentation: Segmentation, most: int) -> list[tuple[str, Colour]]:
    """Texts of the legend with their colours, None where there is none to show."""
    areas, total = segmentation.areas, segmentation.labels.size
    colours = class_colours(len(segmentation.names))
    found = segmentation.found
    entries: list[tuple[str, Colour]] = [
        (
            f"{segmentation.names[index]} {_share(areas[index] / total)}",
            tuple(map(int, colours[index])),
        )
        for index in found[:most]
    ]
    if len(found) > most:
        entries.append((f"and {len(found) - most} more", None))
    if areas[-1]:
        entries.append((f"background {_share(areas[-1] / total)}", _GREY))
    return entries


def _share(value: float) -> str:
    return "<1%" if value < 0.005 else f"{value:.0%}"


def _flow(
    entries: list[tuple[str, Colour]], face: Font, width: int
) -> list[list[tuple[int, str, Colour]]]:
    """Lay entries out in rows: (left, text, colour) each; long names are shortened."""
    side, gap = line_height(face), line_height(face) // 2
    rows: list[list[tuple[int, str, Colour]]] = [[]]
    left = gap
    for text, colour in entries:
        before = side + gap // 2 if colour is not None else 0
        shortened = fit(text, face, width - before - 2 * gap, 1)
        if not shortened:  # too narrow a picture for letters
            continue
        taken = before + int(widest(shortened, face)) + 2 * gap
        if rows[-1] and left + taken > width:
            rows.append([])
            left = gap
        rows[-1].append((left, shortened[0], colour))
        left += taken
    return rows


def _entry(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: Colour, face: Font
) -> None:
    left, top = place
    if colour is not None:
        side = int(line_height(face) * 0.8)
        draw.rectangle((left, top, left + side, top + side), fill=colour, outline=INK)
        left += line_height(face) + line_height(face) // 4
    draw_lines(draw, (left, top), [text], face, INK)
