"""How results show themselves: one short line of text, and a card of HTML for notebooks.

The HTML needs nothing else: no script, no request, pictures inside, every style on its element (sites
that show notebooks take style sheets out). It takes the colours of the page around it, so that it reads
on light and on dark, and every text is cleaned and escaped as it comes in.
"""

from __future__ import annotations

import base64
import html
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "LONGEST_LINE",
    "PICTURE_SIDE",
    "Table",
    "card",
    "cell",
    "clean",
    "data_uri",
    "jpeg",
    "light_png",
    "one_line",
    "picture",
    "png",
    "shorten",
    "shown_box",
    "table",
]

Table = tuple[Sequence[str], Sequence[Sequence[object]]]
"""Columns and rows."""

LONGEST_LINE = 300
"""Characters of a result's ``repr`` at most."""

PICTURE_SIDE = 640
"""Pixels of the longer side of a picture in a card, unless words on it need more."""

_LONGEST_TEXT = 1600  # characters that are looked at at all; nothing shows more
_LONGEST_CELL = 240
_MOST_ROWS = 40  # of a table in a card
_PICTURE_BYTES = (
    260_000  # of the picture in a card: a third more as text, and a notebook keeps it all
)
_PLOT_BYTES = 60_000  # of a PNG that is light enough: a plot, whose lines no JPEG should smear
_SMALLEST = 96  # pixels to which a picture is made smaller for the sake of its size at most

_QUALITY = 82  # of JPEG

_LINE = "1px solid rgba(128,128,128,.35)"
_CARD = (
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
    "font-size:13px;line-height:1.45;color:inherit;background:transparent;max-width:62rem;"
    f"border:{_LINE};border-radius:8px;padding:10px 14px;margin:4px 0;overflow-wrap:anywhere"
)
_TABLE = (
    "border-collapse:collapse;table-layout:auto;font-size:12px;font-variant-numeric:tabular-nums;margin:0;"
    "color:inherit;background:transparent;border:none"
)
_ROW = "background:transparent;border:none"
_CELL = f"padding:3px 12px 3px 0;border:none;border-bottom:{_LINE};white-space:nowrap;color:inherit"


# -- text ------------------------------------------------------------------------------


def clean(text: str) -> str:
    """One line without control characters; a lone surrogate becomes a replacement character."""
    safe = text[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
    shown = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in safe)
    return " ".join("".join(shown).split())


def shorten(text: str, longest: int) -> str:
    """Cleaned, and cut to so many characters with an ellipsis at its end."""
    cleaned = clean(text)
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1].rstrip() + "…"


def one_line(kind: object, *parts: str) -> str:
    """The ``repr`` of a result: its class and what is to know of it, never a second line.

    Args:
        kind: the result.
        parts: what is said of it, the most important first; empty ones are left out.
    """
    name = type(kind).__name__
    inside = "; ".join(part for part in parts if part)
    return f"{name}({shorten(inside, LONGEST_LINE - len(name) - 2)})"


def shown_box(box: tuple[float, float, float, float]) -> str:
    """An xyxy box in whole pixels."""
    return ", ".join(f"{value:.0f}" for value in box)


def cell(value: object) -> str:
    """A value of a table as text: floats with three digits, None as a dash."""
    if value is None:
        return "–"
    # z: what is rounded to zero has no sign
    return f"{value:z.3f}" if isinstance(value, float) else str(value)


# -- cards -----------------------------------------------------------------------------


def card(title: str, *parts: str, lead: str = "", notes: Iterable[str] = ()) -> str:
    """A result as HTML.

    Args:
        title: what it is.
        parts: from :func:`picture` and :func:`table`.
        lead: what is to know of it, one sentence.
        notes: sentences to read before trusting it.
    """
    head = f'<div style="font-weight:600">{_text(title)}</div>'
    if lead:
        head += f'<div style="opacity:.8">{_text(lead)}</div>'
    warned = "".join(
        '<div style="border-left:3px solid #c98a00;padding-left:8px;margin-top:6px">'
        f"{_text(each)}</div>"
        for each in notes
    )
    inside = "".join(f'<div style="margin-top:8px">{part}</div>' for part in parts if part)
    return f'<div style="{_CARD}">{head}{inside}{warned}</div>'


def table(content: Table, note: str = "") -> str:
    """A table that scrolls inside its own box, with a line beneath that explains its columns."""
    columns, rows = content
    shown = [[shorten(cell(value), _LONGEST_CELL) for value in row] for row in rows[:_MOST_ROWS]]
    sides = [_side([row[index] for row in shown]) for index in range(len(columns))]
    head = _row("th", columns, [f"{side};font-weight:600;opacity:.75" for side in sides])
    body = "".join(_row("td", row, sides) for row in shown)
    beneath = [note] if note else []
    if len(rows) > _MOST_ROWS:
        beneath.insert(0, f"and {len(rows) - _MOST_ROWS} more rows")
    lines = "".join(
        f'<div style="opacity:.8;font-size:12px;margin-top:4px">{_text(each)}</div>'
        for each in beneath
    )
    return (
        f'<div style="overflow-x:auto;max-width:100%"><table style="{_TABLE}">'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>{lines}"
    )


def picture(image: Image.Image, text: str, side: int = PICTURE_SIDE) -> str:
    """The picture of a card, inside it, as large as its weight allows: PNG, or JPEG where that is heavy.

    Args:
        image: drawn.
        text: what it shows, for those who cannot see it.
        side: its longer side in pixels at most.
    """
    data, kind = png(image, side), "image/png"
    if len(data) > _PLOT_BYTES:
        photo, _ = jpeg(_fitted(image, side), _PICTURE_BYTES, _SMALLEST)
        if len(photo) < len(data):
            data, kind = photo, "image/jpeg"
    return (
        f'<img alt="{_text(text)}" src="{data_uri(data, kind)}" '
        'style="display:block;max-width:100%;height:auto;border-radius:4px">'
    )


def png(image: Image.Image, side: int) -> bytes:
    """A picture as PNG, made smaller where it is longer than ``side`` pixels."""
    return _encoded(_fitted(image, side))


def light_png(image: Image.Image, side: int) -> bytes:
    """The same for a notebook, which keeps it: in 256 colours where it is a photograph."""
    shown = _fitted(image, side)
    data = _encoded(shown)
    return data if len(data) <= _PLOT_BYTES else _encoded(shown.quantize(256))


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """RGB, its longer side ``side`` pixels at most."""
    shown = image.convert("RGB")
    factor = side / max(image.size)
    if factor >= 1:
        return shown
    width, height = (max(1, round(length * factor)) for length in image.size)
    return shown.resize((width, height))


def jpeg(image: Image.Image, most: int, smallest: int) -> tuple[bytes, tuple[int, int]]:
    """A picture as JPEG, made smaller where it is longer than ``most`` bytes, and its (width, height).

    Args:
        image: drawn.
        most: bytes.
        smallest: a picture whose longer side is not above it stays as it is.
    """
    data = _jpeg(image)
    while len(data) > most and max(image.size) > smallest:
        image = image.resize((max(1, round(image.width * 0.8)), max(1, round(image.height * 0.8))))
        data = _jpeg(image)
    return data, image.size


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    # colour at every pixel, for thin lines; not optimised, for which Pillow's buffer can be too small
    image.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return stream.getvalue()


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Bytes as an address that needs no request."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _encoded(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _side(cells: Sequence[str]) -> str:
    """The style that sets a column of figures to the right and one of words to the left."""
    words = any(each and not (each[0].isdigit() or each[0] in "+-–−") for each in cells)
    return f"text-align:{'left' if words or not any(cells) else 'right'}"


def _row(tag: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    inside = "".join(
        f'<{tag} style="{_CELL};{style}">{_text(each)}</{tag}>'
        for each, style in zip(cells, styles, strict=True)
    )
    return f'<tr style="{_ROW}">{inside}</tr>'


def _text(text: str) -> str:
    """Cleaned and escaped, also for attributes."""
    return html.escape(clean(text), quote=True)
