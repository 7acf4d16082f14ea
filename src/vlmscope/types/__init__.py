"""The nouns of vlmscope: plain frozen dataclasses whose docs give shapes, units and axis order."""

from vlmscope.types.grounding import Box, Grounding
from vlmscope.types.heads import Head, HeadEvidence, HeadFrequency, HeadSet, Interval, parse_heads
from vlmscope.types.tokens import Role, TokenMap, View

__all__ = [
    "Box",
    "Grounding",
    "Head",
    "HeadEvidence",
    "HeadFrequency",
    "HeadSet",
    "Interval",
    "Role",
    "TokenMap",
    "View",
    "parse_heads",
]
