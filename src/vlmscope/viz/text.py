"""Text that fits: cleaned, wrapped, shortened, in Pillow's own font so it works everywhere."""

from __future__ import annotations

import functools

from PIL import ImageDraw, ImageFont

from vlmscope.markup import clean

__all__ = ["Font", "clean", "draw_lines", "fit", "font", "line_height", "widest"]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
ELLIPSIS = "…"
_LONGEST = 400  # characters that are measured at all; a label never shows more


@functools.lru_cache(maxsize=64)
def font(size: int) -> Font:
    """Pillow's bundled font at ``size`` pixels."""
    return ImageFont.load_default(size)


def line_height(face: Font) -> int:
    """Distance of two lines of text in pixels."""
    return int(_box("Ag|", face)[3] * 1.22)


def _box(text: str, face: Font) -> tuple[float, float, float, float]:
    return face.getbbox(text)


def _width(text: str, face: Font) -> float:
    return _box(text, face)[2]


def fit(text: str, face: Font, width: float, lines: int) -> list[str]:
    """Wrap ``text`` to at most ``lines`` lines of ``width`` pixels, shortened with an ellipsis.

    Returns:
        The lines; empty when not even one character fits.
    """
    cleaned = clean(text)
    words = cleaned[:_LONGEST].split()
    cut = len(cleaned) > _LONGEST
    wrapped: list[str] = []
    while words and len(wrapped) < lines:
        line, words = _take_line(words, face, width)
        if not line:
            return wrapped
        wrapped.append(line)
    if wrapped and (words or cut):
        wrapped[-1] = _shorten(wrapped[-1], face, width)
    return [line for line in wrapped if line]


def _take_line(words: list[str], face: Font, width: float) -> tuple[str, list[str]]:
    """As many words as fit, and the rest; a word wider than the line is broken."""
    count = 1
    while count < len(words) and _width(" ".join(words[: count + 1]), face) <= width:
        count += 1
    line = " ".join(words[:count])
    if _width(line, face) <= width:
        return line, words[count:]
    size = len(line)
    while size and _width(line[:size], face) > width:
        size -= 1
    return line[:size], [line[size:], *words[1:]]


def _shorten(line: str, face: Font, width: float) -> str:
    while line and _width(line.rstrip() + ELLIPSIS, face) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS if line else ""


def draw_lines(
    draw: ImageDraw.ImageDraw,
    position: tuple[float, float],
    lines: list[str],
    face: Font,
    fill: str | tuple[int, ...],
) -> None:
    """Draw lines of text from their top-left corner (x, y) downwards."""
    x, y = position
    for index, line in enumerate(lines):
        draw.text((x, y + index * line_height(face)), line, font=face, fill=fill)


def widest(lines: list[str], face: Font) -> float:
    """Width of the widest line in pixels."""
    return max((_width(line, face) for line in lines), default=0.0)
