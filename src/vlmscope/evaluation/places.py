"""Where a method puts what is looked for in one image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmscope.post import Located
from vlmscope.results.instances import instances_of
from vlmscope.types import Box, Instance

__all__ = ["Place"]


@dataclass(frozen=True, eq=False)
class Place:
    """A method's answer to one phrase, the same as a Grounding's but for the pictures.

    Attributes:
        mask: bool (height, width) of the original image; all False when nothing lights up.
        box: xyxy float pixels of the original image, or None when nothing lights up.
        point: (x, y) of the peak in original pixels, or None when nothing lights up.
        score: one number for how strongly the phrase lights up; its meaning is the method's.
        located: what it was read from, where further instances are looked for, or None.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    box: Box | None
    point: tuple[float, float] | None
    score: float
    located: Located | None = field(default=None, repr=False)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every object of the phrase, best first; looked for each time this is asked for."""
        return instances_of(self.box, self.mask, self.point, self.score, self.located)
