"""The nouns of vlmscope: plain frozen dataclasses whose docs give shapes, units and axis order."""

from vlmscope.types.answers import Answer, AnswerComparison, WrittenBox
from vlmscope.types.boxes import box_iou
from vlmscope.types.comparison import MethodComparison
from vlmscope.types.grounding import Box, Grounding
from vlmscope.types.heads import Head, HeadEvidence, HeadFrequency, HeadSet, Interval, parse_heads
from vlmscope.types.segmentation import BACKGROUND, MAX_CLASSES, Segmentation
from vlmscope.types.tokens import Carry, Role, TokenMap, View

__all__ = [
    "BACKGROUND",
    "MAX_CLASSES",
    "Answer",
    "AnswerComparison",
    "Box",
    "Carry",
    "Grounding",
    "Head",
    "HeadEvidence",
    "HeadFrequency",
    "HeadSet",
    "Interval",
    "MethodComparison",
    "Role",
    "Segmentation",
    "TokenMap",
    "View",
    "WrittenBox",
    "box_iou",
    "parse_heads",
]
