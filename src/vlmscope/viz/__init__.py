"""Pictures: groundings drawn on images, grids of attention maps, contact sheets.

Shared by the command line, reports and the app. Needs numpy and Pillow only.
"""

from vlmscope.viz.answer import overlay_answer
from vlmscope.viz.colours import COLORMAPS, colorize
from vlmscope.viz.grid import head_grid
from vlmscope.viz.labels import overlay_labels
from vlmscope.viz.methods import deviations, overlay_methods
from vlmscope.viz.overlay import SHOWN, overlay, side_by_side
from vlmscope.viz.palette import class_colours
from vlmscope.viz.sheet import contact_sheet

__all__ = [
    "COLORMAPS",
    "SHOWN",
    "class_colours",
    "colorize",
    "contact_sheet",
    "deviations",
    "head_grid",
    "overlay",
    "overlay_answer",
    "overlay_labels",
    "overlay_methods",
    "side_by_side",
]
