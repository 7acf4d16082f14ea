"""Masks refined by SAM: box, point or mask of a Grounding prompt it, the image is embedded once."""

from vlmscope.refine.automatic import AutomaticMask, AutomaticOptions, automatic_masks
from vlmscope.refine.embedding import Embedded
from vlmscope.refine.frame import Frame, RefinedMask
from vlmscope.refine.kinds import KINDS, SamKind
from vlmscope.refine.loading import load_sam
from vlmscope.refine.options import PROMPTS, RefineOptions
from vlmscope.refine.prompts import Subject
from vlmscope.refine.refiner import Refiner

__all__ = [
    "KINDS",
    "PROMPTS",
    "AutomaticMask",
    "AutomaticOptions",
    "Embedded",
    "Frame",
    "RefineOptions",
    "RefinedMask",
    "Refiner",
    "SamKind",
    "Subject",
    "automatic_masks",
    "load_sam",
]
