"""Plain blocks of a view: words, tables, pictures and plots (docs/view-format.md).

Each function returns one dictionary. What is drawn of a result on its image (scenes, heads, words) is made
where that result is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vlmscope.markup import cell
from vlmscope.viewer.picture import Picture

__all__ = [
    "Block",
    "PictureItem",
    "bars",
    "code",
    "curves",
    "dots",
    "facts",
    "head_map",
    "heading",
    "note",
    "pictures",
    "table",
    "text",
]

Block = dict[str, Any]
"""One block: plain values, arrays and pictures under a ``type``."""

Place = tuple[float, float, float]
"""A value and the bounds of its interval."""


@dataclass(frozen=True)
class PictureItem:
    """A picture with its caption.

    Attributes:
        image: encoded.
        size: (width, height) in pixels, at which it is shown at most.
        title: what it is of, also for those who cannot see it.
        text: what is to know of it.
    """

    image: Picture = field(repr=False)
    size: tuple[int, int]
    title: str
    text: str = ""


def heading(text: str, level: int = 2) -> Block:
    """The title of a section (2) or of a part of one (3)."""
    return {"type": "heading", "level": level, "text": text}


def text(text: str) -> Block:
    """A paragraph."""
    return {"type": "text", "text": text}


def note(text: str) -> Block:
    """A paragraph that must not be overlooked."""
    return {"type": "note", "text": text}


def code(text: str) -> Block:
    """Commands or settings, as they are typed."""
    return {"type": "code", "text": text}


def facts(pairs: Iterable[tuple[str, str]]) -> Block:
    """Names with what is said of each."""
    return {"type": "facts", "pairs": [[name, text] for name, text in pairs]}


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> Block:
    """A table; floats with three digits, None as a dash, columns with words to the left.

    Args:
        columns: their titles.
        rows: of values.
        note: a line beneath that explains the columns.
    """
    cells = [[cell(value) for value in row] for row in rows]
    words = [any(_is_word(row[index]) for row in cells) for index in range(len(columns))]
    return {"type": "table", "columns": list(columns), "rows": cells, "words": words, "note": note}


def _is_word(cell: str) -> bool:
    """Whether a cell begins with a letter: figures, intervals and dashes do not."""
    return re.match(r"[^\W\d_]", cell) is not None


def pictures(items: Iterable[PictureItem], layout: str = "row") -> Block:
    """Pictures beside one another, each with its caption.

    Args:
        items: at least one.
        layout: ``row``, each at its size; ``gallery``, small, in as many columns as fit.
    """
    shown = [
        {
            "image": item.image,
            "width": item.size[0],
            "height": item.size[1],
            "title": item.title,
            "text": item.text,
        }
        for item in items
    ]
    return {"type": "pictures", "layout": layout, "items": shown}


def curves(
    series: Iterable[tuple[str, Sequence[Place | None]]],
    *,
    x: Sequence[float] | None = None,
    x_label: str = "layer",
    y_label: str = "",
    title: str = "",
    span: tuple[float, float] | None = None,
    x_scale: str = "linear",
    caption: str = "",
) -> Block:
    """Curves with shaded intervals.

    Args:
        series: name and values; None leaves a gap.
        x: places on the x axis; default: 0, 1, 2 ...
        x_label, y_label, title, caption: words.
        span: (from, to) on the x axis that is shaded.
        x_scale: ``linear``, or ``log`` for places that are factors of each other.
    """
    return {
        "type": "curves",
        "title": title,
        "x_label": x_label,
        "y_label": y_label,
        "x": None if x is None else [float(place) for place in x],
        "x_scale": x_scale,
        "series": [{"name": name, "values": _places(values)} for name, values in series],
        "span": None if span is None else [float(end) for end in span],
        "caption": caption,
    }


def _places(values: Sequence[Place | None]) -> list[list[float] | None]:
    """What is not finite is a gap: JSON has no word for it."""
    return [
        None if place is None or not np.isfinite(place).all() else [float(v) for v in place]
        for place in values
    ]


def head_map(
    values: ArrayLike,
    *,
    title: str = "",
    label: str = "",
    marked: Iterable[tuple[int, int]] = (),
    rows_label: str = "layer",
    columns_label: str = "head",
    caption: str = "",
) -> Block:
    """A map over layers and heads.

    Args:
        values: float (layers, heads).
        title, caption: words.
        label: what the colour means.
        marked: (layer, head) pairs with a ring around them.
        rows_label, columns_label: what rows and columns are.
    """
    return {
        "type": "head-map",
        "title": title,
        "label": label,
        "values": np.asarray(values, dtype=np.float32),
        "rows_label": rows_label,
        "columns_label": columns_label,
        "marked": [[int(row), int(column)] for row, column in marked],
        "caption": caption,
    }


def bars(
    items: Iterable[tuple[str, Place, bool]],
    *,
    title: str = "",
    unit: str = "",
    chance: float | None = None,
    caption: str = "",
) -> Block:
    """Lying bars with whiskers.

    Args:
        items: name, value with the bounds of its interval, and whether it is to stand out.
        title, unit, caption: words.
        chance: where a line is drawn.
    """
    shown = [
        {"name": name, "value": float(at), "low": float(low), "high": float(high), "strong": strong}
        for name, (at, low, high), strong in items
    ]
    kinds = {"title": title, "unit": unit, "chance": chance, "caption": caption}
    return {"type": "bars", "items": shown, **kinds}


def dots(
    values: ArrayLike,
    threshold: float,
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    caption: str = "",
) -> Block:
    """Sorted values as dots, and the threshold as a line: what is below it is drawn empty.

    Args:
        values: float (n,), ascending.
        threshold: in their unit.
        title, x_label, y_label, caption: words.
    """
    return {
        "type": "dots",
        "title": title,
        "values": np.asarray(values, dtype=float).tolist(),
        "threshold": float(threshold),
        "x_label": x_label,
        "y_label": y_label,
        "caption": caption,
    }
