"""Where a method puts what is looked for in one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmscope.post import Located
from vlmscope.results.instances import instances_of
from vlmscope.types import Box, Instance

__all__ = ["Place", "ScoredBox"]


@dataclass(frozen=True, eq=False)
class Place:
    """An answer to one phrase, of a method the same as a Grounding's but for the pictures.

    Attributes:
        mask: bool (height, width) of the original image, all False when nothing lights up; None:
            whoever answers draws none.
        box: xyxy float pixels of the original image, or None when nothing lights up.
        point: (x, y) of the peak in original pixels, or None when nothing lights up.
        score: one number for how strongly the phrase lights up; its meaning is the method's. None:
            whoever answers gives none.
        located: what it was read from, where further instances are looked for, or None.
        objects: every object, best first, of whoever finds them as boxes; None: they are looked for
            in ``located``.
        evidence: kind -> what else than the score speaks for the phrase meaning something, of
            :mod:`vlmscope.evaluation.evidence`; kinds that nobody asked for may be in it.
        remarks: JSON values that a row keeps beside all this, such as an answer word for word.
    """

    mask: NDArray[np.bool_] | None = field(repr=False)
    box: Box | None
    point: tuple[float, float] | None
    score: float | None
    located: Located | None = field(default=None, repr=False)
    objects: tuple[ScoredBox, ...] | None = None
    remarks: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)

    @property
    def boxes(self) -> tuple[ScoredBox, ...]:
        """The box of every object, best first; looked for each time this is asked for."""
        if self.objects is not None:
            return self.objects
        return tuple(ScoredBox(each.box, each.score) for each in self.instances)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every object of the phrase, best first; looked for each time this is asked for.

        Only those that have masks: there are none where whoever answers draws none.
        """
        if self.mask is None or self.score is None:
            return ()
        return instances_of(self.box, self.mask, self.point, self.score, self.located)


class ScoredBox(NamedTuple):
    """One object.

    Attributes:
        box: xyxy float pixels of the original image.
        score: its own, or None.
    """

    box: Box
    score: float | None
