"""Named kinds of scenes: what they look like, and how their objects are spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vlmscope.tiny.world.layout import SceneOptions

__all__ = ["CROWD", "PLAIN", "SETTINGS", "Setting"]

_KINDS = MappingProxyType(
    {
        "colour": 2.0,
        "size": 2.0,
        "texture": 2.5,
        "shape": 3.0,
        "where": 3.0,
        "expression": 4.5,
        "describe": 1.5,
        "refer": 1.0,
        "exists": 0.8,
        "count": 1.0,
        "background": 0.6,
    }
)
_CROWD_KINDS = MappingProxyType(
    {
        "colour": 1.0,
        "size": 1.0,
        "texture": 1.0,
        "shape": 1.5,
        "where": 2.0,
        "expression": 14.0,
        "describe": 1.0,
        "refer": 0.5,
        "exists": 0.4,
        "count": 0.4,
        "background": 0.2,
    }
)


@dataclass(frozen=True)
class Setting:
    """A kind of scenes.

    Attributes:
        scenes: what they look like.
        phrases: how often an object is named by its attributes, by its place, as the outermost, and
            by a relation to another object, relative to each other.
        beside: whether the answer to a bare expression first names the object that stands nearest.
        kinds: kind of exchange -> how often it is asked, relative to the others.
        captioned: share of scenes that are also described as a whole.
    """

    scenes: SceneOptions = field(default_factory=SceneOptions)
    phrases: tuple[int, int, int, int] = (64, 20, 8, 8)
    beside: bool = False
    kinds: Mapping[str, float] = field(default_factory=lambda: _KINDS)
    captioned: float = 0.15


PLAIN = Setting()
"""What tiny-llava and tiny-clip were trained on."""

CROWD = Setting(
    SceneOptions(counts=(4, 5, 5, 6, 6, 7), alike=0.9, small=(10, 13), large=(17, 21)),
    phrases=(60, 10, 6, 24),
    beside=True,
    kinds=_CROWD_KINDS,
    captioned=0.03,
)
"""More and smaller objects that are more alike; a quarter of the phrases start from another object."""

SETTINGS = MappingProxyType({"plain": PLAIN, "crowd": CROWD})
"""Name -> setting."""
