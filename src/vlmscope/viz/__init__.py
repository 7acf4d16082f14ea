"""Pens, text, colours and sheets for pictures; they know no result.

Needs numpy and Pillow only.
"""

from vlmscope.viz.colours import COLORMAPS, colorize
from vlmscope.viz.grid import head_grid
from vlmscope.viz.palette import class_colours
from vlmscope.viz.sheet import contact_sheet

__all__ = ["COLORMAPS", "class_colours", "colorize", "contact_sheet", "head_grid"]
