"""The nouns of vlmscope: plain frozen dataclasses whose docs give shapes, units and axis order."""

from vlmscope.types.boxes import BACKGROUND, MAX_CLASSES, Box, box_areas, box_iou, tight_box
from vlmscope.types.heads import Head, HeadEvidence, HeadFrequency, HeadSet, parse_heads
from vlmscope.types.instances import Instance
from vlmscope.types.tokens import Role, TokenMap
from vlmscope.types.views import Carry, View
from vlmscope.types.written_boxes import Answer, WrittenBox

__all__ = [
    "BACKGROUND",
    "MAX_CLASSES",
    "Answer",
    "Box",
    "Carry",
    "Head",
    "HeadEvidence",
    "HeadFrequency",
    "HeadSet",
    "Instance",
    "Role",
    "TokenMap",
    "View",
    "WrittenBox",
    "box_areas",
    "box_iou",
    "parse_heads",
    "tight_box",
]
