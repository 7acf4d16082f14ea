"""Pens, text, colours and sheets for pictures; they know no result, results draw with them.

Needs numpy and Pillow only.
"""

from vlmscope.viz.colours import COLORMAPS, colorize, normalize
from vlmscope.viz.grid import head_grid
from vlmscope.viz.palette import class_colours
from vlmscope.viz.pens import (
    INK,
    ORANGE,
    PAPER,
    draw_box,
    draw_label,
    draw_point,
    hatch_outside,
    outline_mask,
    stroke_width,
)
from vlmscope.viz.sheet import THEMES, contact_sheet
from vlmscope.viz.text import Font, clean, draw_lines, fit, font, line_height, widest

__all__ = [
    "COLORMAPS",
    "INK",
    "ORANGE",
    "PAPER",
    "THEMES",
    "Font",
    "class_colours",
    "clean",
    "colorize",
    "contact_sheet",
    "draw_box",
    "draw_label",
    "draw_lines",
    "draw_point",
    "fit",
    "font",
    "hatch_outside",
    "head_grid",
    "line_height",
    "normalize",
    "outline_mask",
    "stroke_width",
    "widest",
]
