"""A picture with the boxes of its caption's phrases, the caption below in the same colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from vlmscope.errors import BadOptionError
from vlmscope.results import Grounding
from vlmscope.results.drawing import resized, scale_factor
from vlmscope.viz.palette import class_colours
from vlmscope.viz.pens import INK, PAPER, draw_box, stroke_width
from vlmscope.viz.text import Font, clean, font, line_height, widest

if TYPE_CHECKING:
    from vlmscope.analysis.tokens.result import GroundedAnswer

__all__ = ["caption_picture", "captioned"]

_MARGIN = 16  # pixels around the caption
_NO_BOX = (120, 120, 120)  # colour of phrases that have none

_Piece = tuple[str, tuple[int, ...]]  # a word of the caption and its colour


def caption_picture(answer: GroundedAnswer) -> Image.Image:
    """The image with a box for each noun phrase and the caption below."""
    return captioned(answer.image, answer.text, answer.phrases)


def captioned(
    image: np.ndarray, text: str, phrases: Sequence[Grounding], *, max_side: int = 1200
) -> Image.Image:
    """Boxes and caption, phrase by phrase in one colour and number each.

    Args:
        image: uint8 (height, width, 3).
        text: the caption.
        phrases: groundings of parts of it; those without a box are written in grey.
        max_side: the longer side of the picture in pixels at most.

    Raises:
        BadOptionError: an empty caption.
    """
    if not clean(text):
        raise BadOptionError("There is no caption to draw: the text is empty.")
    height, width = image.shape[:2]
    factor = scale_factor(height, width, max_side, 360)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    picture = Image.fromarray(resized(image, size))
    colours = [
        tuple(int(value) for value in row)
        for row in class_colours([each.phrase for each in phrases])
    ]
    stroke = max(2, stroke_width(size))
    face = font(max(13, min(size) // 24))
    for number, (phrase, colour) in enumerate(zip(phrases, colours, strict=True), 1):
        if phrase.box is not None:
            box = tuple(value * factor for value in phrase.box)
            draw_box(picture, box, stroke, colour)  # type: ignore[arg-type]
            _tag(picture, str(number), (box[0], box[1]), face, colour)
    return _with_caption(picture, _pieces(text, phrases, colours), face)


def _tag(
    picture: Image.Image,
    text: str,
    corner: tuple[float, float],
    face: Font,
    colour: tuple[int, ...],
) -> None:
    draw = ImageDraw.Draw(picture)
    wide, high = widest([text], face) + 8, line_height(face) + 4
    x = float(np.clip(corner[0], 0, max(0, picture.width - wide)))
    y = float(np.clip(corner[1] - high, 0, max(0, picture.height - high)))
    draw.rectangle((x, y, x + wide, y + high), fill=_legible(colour))
    draw.text((x + 4, y + 1), text, font=face, fill=PAPER)


def _pieces(
    text: str, phrases: Sequence[Grounding], colours: Sequence[tuple[int, ...]]
) -> list[_Piece]:
    """Words of the caption with their colours; a phrase is found at its next place in the text."""
    pieces: list[_Piece] = []
    at = 0
    for number, (phrase, colour) in enumerate(zip(phrases, colours, strict=True), 1):
        start = text.find(phrase.phrase, at)
        if start < 0:
            continue
        pieces += [(word, INK) for word in text[at:start].split()]
        shown = colour if phrase.box is not None else _NO_BOX
        pieces.append((f"[{number}]", shown))
        pieces += [(word, shown) for word in phrase.phrase.split()]
        at = start + len(phrase.phrase)
    return pieces + [(word, INK) for word in text[at:].split()]


def _with_caption(picture: Image.Image, pieces: Sequence[_Piece], face: Font) -> Image.Image:
    space, step = widest([" a"], face) - widest(["a"], face), int(line_height(face) * 1.25)
    places: list[tuple[float, float, _Piece]] = []
    x, y = float(_MARGIN), float(_MARGIN)
    for word, colour in pieces:
        wide = widest([word], face)
        if x > _MARGIN and x + wide > picture.width - _MARGIN:
            x, y = float(_MARGIN), y + step
        places.append((x, y, (word, colour)))
        x += wide + space
    whole = Image.new("RGB", (picture.width, picture.height + int(y) + step + _MARGIN), PAPER)
    whole.paste(picture, (0, 0))
    draw = ImageDraw.Draw(whole)
    for left, top, (word, colour) in places:
        draw.text((left, picture.height + top), word, font=face, fill=_legible(colour))
    return whole


def _legible(colour: tuple[int, ...]) -> tuple[int, ...]:
    """Darkened until it can be read on white (luma of at most 0.42)."""
    shown = np.array(colour, dtype=float)
    while shown @ (0.2126, 0.7152, 0.0722) > 0.42 * 255:
        shown *= 0.92
    return tuple(int(value) for value in shown)
