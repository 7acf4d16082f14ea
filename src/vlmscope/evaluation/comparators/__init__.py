"""Detectors that grounding methods are compared with, and figures that others have published."""

from vlmscope.evaluation.comparators.catalogue import COMPARATORS
from vlmscope.evaluation.comparators.comparator import Comparator, Detector, wrap
from vlmscope.evaluation.comparators.found import Found
from vlmscope.evaluation.comparators.kinds import ComparatorKind
from vlmscope.evaluation.comparators.loading import load
from vlmscope.evaluation.comparators.published import Published, Source, published
from vlmscope.evaluation.comparators.wanted import Wanted, wanted

__all__ = [
    "COMPARATORS",
    "Comparator",
    "ComparatorKind",
    "Detector",
    "Found",
    "Published",
    "Source",
    "Wanted",
    "load",
    "published",
    "wanted",
    "wrap",
]
