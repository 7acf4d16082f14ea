"""What a setting is held against: the same, but for what is claimed of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.lighten.point import LightenPoint
from vlmscope.analysis.lighten.settings import NEVER, READ

__all__ = ["UNRELATED", "control_drops", "rank_beside"]

UNRELATED = 9
"""Rank of a setting that is no control of another."""

_RANDOM = "random"


def control_drops(
    places: Sequence[dict[str, Any]], number: int, drops: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """What the control of one setting loses, question by question.

    Args:
        places: every setting.
        number: of the one.
        drops: float (questions,) per setting.

    Returns:
        Float (questions,): of random tokens at the same layer and share, or the mean over windows of
        as many layers elsewhere; None where there is no control.
    """
    own = places[number]
    if own["by"] in (_RANDOM, NEVER):
        return None
    others = [drops[at] for at, place in enumerate(places) if at != number and _like(own, place)]
    if not others:
        return None
    mean: NDArray[np.float64] = np.mean(others, axis=0)
    return mean


def _like(own: dict[str, Any], other: dict[str, Any]) -> bool:
    if own["by"] == READ:
        width = own["layer"] - own["first"]
        return other["by"] == READ and other["layer"] - other["first"] == width
    return other["by"] == _RANDOM and all(own[name] == other[name] for name in ("layer", "keep"))


def rank_beside(chosen: LightenPoint, point: LightenPoint) -> int:
    """Where a setting stands in the table of what was chosen: 0 the chosen one, then its controls."""
    if chosen.window is None:
        if (point.layer, point.keep) != (chosen.layer, chosen.keep):
            return UNRELATED
        return int(point.by != chosen.by)
    if point.window == chosen.window:
        return 0
    if point.window == (0, chosen.layer):
        return 1
    if point.window and point.window[1] - point.window[0] == chosen.window[1] - chosen.window[0]:
        return 2
    return 3 if point.by == NEVER else UNRELATED
