"""What a model says and where it looked, in one picture."""

from __future__ import annotations

from typing import Any

from PIL import Image

from vlmscope.types import AnswerComparison, Grounding
from vlmscope.viz.overlay import overlay
from vlmscope.viz.pens import SPOKEN, draw_box, stroke_width
from vlmscope.viz.sheet import contact_sheet

__all__ = ["overlay_answer"]

_ROWS = {
    "box": "Looked while writing the box",
    "last_text": "Looked at the end of the phrase",
}


def overlay_answer(
    comparison: AnswerComparison, *, cell: int = 480, theme: str = "light", **options: Any
) -> Image.Image:
    """One panel per read-out row: heat map, attention's box in white, the model's own in orange.

    Args:
        comparison: what to draw.
        cell: longer side of a panel in pixels.
        theme: ``light`` or ``dark``.
        **options: those of :func:`vlmscope.viz.overlay`.

    Raises:
        BadOptionError: a number outside its range.
        UnknownNameError: an unknown theme, colour map or thing to show.
    """
    panels = [_panel(comparison, each, cell, options) for each in comparison.looked.values()]
    captions = [_caption(comparison, rows) for rows in comparison.looked]
    return contact_sheet(
        panels, captions, columns=len(panels), cell=cell, theme=theme, caption_lines=2
    )


def _panel(
    comparison: AnswerComparison, grounding: Grounding, cell: int, options: dict[str, Any]
) -> Image.Image:
    # drawn at the size of its cell: a sheet that enlarges pictures would blur their lines
    picture = overlay(grounding, **{"max_side": cell, "min_side": cell, **options})
    if comparison.said is None:
        return picture
    factor = picture.width / grounding.image_size[1]
    x0, y0, x1, y1 = (value * factor for value in comparison.said)
    width = stroke_width((picture.height, picture.width)) + 1
    draw_box(picture, (x0, y0, x1, y1), width, SPOKEN)
    return picture


def _caption(comparison: AnswerComparison, rows: str) -> str:
    found = _ROWS.get(rows, rows)
    if comparison.said is None:
        return f"{found} (white). It wrote no box."
    return f"{found} (white); says (orange). IoU {comparison.ious[f'said/{rows}']:.2f}"
