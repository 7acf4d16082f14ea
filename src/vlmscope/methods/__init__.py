"""Methods: from a phrase and an image to a region."""

from vlmscope.methods.base import GroundRequest, Method, MethodRegistry
from vlmscope.methods.catalogue import get_method, methods
from vlmscope.methods.comparison import compare_answer
from vlmscope.methods.dense.classes import ClassList
from vlmscope.methods.grounding import ground, ground_options
from vlmscope.methods.localization_heads import (
    DiscoveryOptions,
    LocalizationHeadsOptions,
    discover_heads,
    published_names,
    published_set,
    resolve_heads,
)
from vlmscope.methods.method_comparison import compare_methods, methods_for
from vlmscope.methods.segmentation import Segmenter, segment, segmenter

__all__ = [
    "ClassList",
    "DiscoveryOptions",
    "GroundRequest",
    "LocalizationHeadsOptions",
    "Method",
    "MethodRegistry",
    "Segmenter",
    "compare_answer",
    "compare_methods",
    "discover_heads",
    "get_method",
    "ground",
    "ground_options",
    "methods",
    "methods_for",
    "published_names",
    "published_set",
    "resolve_heads",
    "segment",
    "segmenter",
]
