"""Methods: from a phrase and an image to a region."""

from vlmscope.methods.answer_boxes import compare_answer
from vlmscope.methods.base import GroundRequest, Method
from vlmscope.methods.catalogue import get_method, methods
from vlmscope.methods.compare import compare_methods, methods_for
from vlmscope.methods.ground import ground
from vlmscope.methods.grounder import Grounder, ground_options, grounder
from vlmscope.methods.parts import PartFinder, PartOptions, part_finder, parts
from vlmscope.methods.segment import Segmenter, segment, segmenter
from vlmscope.methods.stream import Job, Outcome
from vlmscope.methods.together import ground_clip, ground_pictures

__all__ = [
    "GroundRequest",
    "Grounder",
    "Job",
    "Method",
    "Outcome",
    "PartFinder",
    "PartOptions",
    "Segmenter",
    "compare_answer",
    "compare_methods",
    "get_method",
    "ground",
    "ground_clip",
    "ground_options",
    "ground_pictures",
    "grounder",
    "methods",
    "methods_for",
    "part_finder",
    "parts",
    "segment",
    "segmenter",
]
