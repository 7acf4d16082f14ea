"""What is read of a model, word for word, and on which data its heads were found."""

from vlmscope.evaluation.readouts.overlap import Overlap, overlap_of, overlap_warnings
from vlmscope.evaluation.readouts.reading import EXPRESSION, head_set_of, readout

__all__ = [
    "EXPRESSION",
    "Overlap",
    "head_set_of",
    "overlap_of",
    "overlap_warnings",
    "readout",
]
