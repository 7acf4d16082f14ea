"""How a list of screens writes its boxes: corners or sizes, pixels or shares; held against the images.

Copies of one set differ in both, so what their boxes say is found from all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vlmscope.data.box_forms import BoxForm, lies_inside, to_corners
from vlmscope.errors import BadSampleError
from vlmscope.types import Box

__all__ = ["Reading", "SizedBox", "reading_of"]

SizedBox = tuple[Sequence[float], tuple[int, int]]
"""A box as it is written, and (height, width) of its image."""

_FEW = 0.01  # share of boxes that may be faulty without making the whole list doubtful


_STATED = 0.1
"""The same of a list whose reading is stated, where the other reading fits less."""


class Reading(NamedTuple):
    """What four numbers mean.

    Attributes:
        form: corners, or corner with width and height.
        shares: in shares of the image's width and height; else in pixels.
    """

    form: BoxForm
    shares: bool

    def __str__(self) -> str:
        return f"{self.form} in {'shares of the image' if self.shares else 'pixels'}"

    def corners(self, box: Sequence[float], size: tuple[int, int]) -> Box:
        """The box as xyxy pixels of an image of (height, width)."""
        x0, y0, x1, y1 = to_corners(box, self.form)
        if not self.shares:
            return x0, y0, x1, y1
        height, width = size
        return x0 * width, y0 * height, x1 * width, y1 * height

    def fits(self, box: Sequence[float], size: tuple[int, int]) -> bool:
        """Whether a box makes sense so read: it lies in its image, and is not of the other unit."""
        return _within_one(box) == self.shares and lies_inside(self.corners(box, size), size)


def reading_of(
    name: str, rows: Sequence[SizedBox], stated: Reading | None = None
) -> tuple[Reading, str]:
    """The one reading in which boxes lie in their images; one in a hundred may be at fault.

    Of a stated reading it may be one in ten, where the other fits less.

    Args:
        name: of the data set, for messages.
        rows: boxes with the sizes of their images.
        stated: what the publishers of this layout state; it has to fit. None: copies of the layout
            differ, so exactly one reading has to fit.

    Returns:
        The reading, and a sentence on how it was found, for a report.

    Raises:
        BadSampleError: none fits, the stated one does not, or two fit alike.
    """
    shares = _unit(name, rows)
    readings = [Reading("xyxy", shares), Reading("xywh", shares)]
    misfits = {each: sum(not each.fits(*row) for row in rows) for each in readings}
    fitting = [each for each in readings if misfits[each] <= _FEW * len(rows)]
    if stated in readings and _fits_best(stated, misfits, len(rows)):
        fitting = [stated]
    counts = " and ".join(f"{misfits[each]:,} as {each}" for each in readings)
    if stated is not None and stated not in fitting:
        advice = f" As {fitting[0]} they do: another version." if fitting else ""
        raise BadSampleError(
            f"The boxes of {name} are stated to be {stated}, but so read they do not lie in their "
            f"images ({counts}, of {len(rows):,}).{advice}"
        )
    if stated is None and len(fitting) != 1:
        problem = "fit neither way" if not fitting else "fit both ways, so they tell nothing"
        raise BadSampleError(
            f"The boxes of {name} {problem}: outside their images are {counts}, of {len(rows):,}. "
            "Take the publishers' JSON files, whose form is stated, or more of the rows."
        )
    reading = stated or fitting[0]
    source = "as its publishers state" if stated else "the only reading that fits its images"
    return reading, f"{reading}, {source}; outside their images are {counts}, of {len(rows):,}"


def _fits_best(stated: Reading, misfits: Mapping[Reading, int], rows: int) -> bool:
    """Whether what misfits is faulty by itself: it is little, and the other reading misfits more often."""
    others = [count for each, count in misfits.items() if each != stated]
    return misfits[stated] <= _STATED * rows and misfits[stated] < min(others)


def _within_one(box: Sequence[float]) -> bool:
    return max(box) <= 1


def _unit(name: str, rows: Sequence[SizedBox]) -> bool:
    """Whether boxes are written in shares."""
    within = sum(_within_one(box) for box, _ in rows)
    if _FEW * len(rows) < within < (1 - _FEW) * len(rows):
        raise BadSampleError(
            f"Of {len(rows):,} boxes of {name}, {within:,} lie within 1 and the rest do not: some seem "
            "to be written in shares of the image and some in pixels. Two versions were mixed."
        )
    return within > _FEW * len(rows)
