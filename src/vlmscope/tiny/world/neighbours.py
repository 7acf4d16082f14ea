"""Which object stands nearest to another, and on which side."""

from __future__ import annotations

import math

from vlmscope.tiny.world.phrases import RELATIONS, relation_margin
from vlmscope.tiny.world.scenes import Scene

__all__ = ["nearest", "side"]

_GAP = 0.05  # share of the canvas by which the nearest object leads the next
_OPPOSITE = {"left of": "right", "right of": "left", "above": "below", "below": "above"}


def nearest(scene: Scene, target: int) -> int | None:
    """The index of the object nearest to another, centre to centre; None where two contend."""
    distances = sorted(
        (math.dist(scene.objects[target].center, item.center), index)
        for index, item in enumerate(scene.objects)
        if index != target
    )
    if len(distances) > 1 and distances[1][0] - distances[0][0] < _GAP * min(scene.size):
        return None
    return distances[0][1]


def side(scene: Scene, target: int, other: int) -> str:
    """``left``, ``right``, ``above`` or ``below``: where ``other`` lies, seen from the target."""
    clearest = max(RELATIONS, key=lambda name: relation_margin(name, scene, target, other))
    return _OPPOSITE[clearest]
