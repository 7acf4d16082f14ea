"""Whether a list writes boxes as corners or as corner and size: found out, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from vlmscope.errors import BadSampleError
from vlmscope.types import Box, box_iou

__all__ = [
    "BoxForm",
    "check_fits",
    "fits",
    "form_by_sizes",
    "form_by_truth",
    "four_numbers",
    "lies_inside",
    "to_corners",
]

BoxForm = Literal["xyxy", "xywh"]
"""Corners, or the upper left corner with width and height."""

_AGREES = 0.5  # mean IoU with the truth below which neither form is right
_FEW = 0.1  # share of boxes that may lie outside their images without making the form doubtful
_SLACK = 1.5  # pixels by which rounded boxes reach over the border


def to_corners(box: Sequence[float], form: BoxForm) -> Box:
    """A box as xyxy."""
    x, y, right, low = box
    return (x, y, x + right, y + low) if form == "xywh" else (x, y, right, low)


def four_numbers(value: Any) -> tuple[float, float, float, float]:
    """The numbers of a box in either form.

    Raises:
        BadSampleError: anything else than four finite numbers.
    """
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (4,) or not np.isfinite(numbers).all():
        raise BadSampleError(f"A box is four numbers, got {repr(value)[:60]}.")
    a, b, c, d = (float(number) for number in numbers)
    return a, b, c, d


def form_by_truth(name: str, pairs: Sequence[tuple[Sequence[float], Box]]) -> tuple[BoxForm, str]:
    """The form in which boxes fit what is known otherwise: annotations, or the masks' own boxes.

    Args:
        name: of the data set, for messages.
        pairs: (box as written, xyxy box of the same object).

    Returns:
        The form, and a sentence on how that was found, for a report.

    Raises:
        BadSampleError: neither fits, or both do alike.
    """
    ious = {form: _mean_iou(pairs, form) for form in ("xyxy", "xywh")}
    best: BoxForm = "xyxy" if ious["xyxy"] > ious["xywh"] else "xywh"
    other = "xywh" if best == "xyxy" else "xyxy"
    if ious[best] < _AGREES or ious[best] - ious[other] < 0.1:
        raise BadSampleError(
            f"The boxes of {name} fit neither as xyxy nor as xywh alone: their mean IoU with the "
            f"annotations is {ious['xyxy']:.2f} and {ious['xywh']:.2f} ({len(pairs)} objects). It is "
            "another version, or two were mixed."
        )
    return best, (
        f"{best}: mean IoU {ious[best]:.2f} with the annotations of {len(pairs)} objects, "
        f"{ious[other]:.2f} as {other}"
    )


def _mean_iou(pairs: Sequence[tuple[Sequence[float], Box]], form: str) -> float:
    overlaps = [box_iou(to_corners(box, form), truth) for box, truth in pairs]  # type: ignore[arg-type]
    return sum(overlaps) / max(1, len(overlaps))


def form_by_sizes(
    name: str, stated: BoxForm, rows: Sequence[tuple[Sequence[float], tuple[int, int]]]
) -> str:
    """Check boxes against their images: in the stated form they lie inside, but for a few.

    A few, up to one in ten and fewer than in the other form, are faulty by themselves.

    Args:
        name: of the data set, for messages.
        stated: the form that its card states.
        rows: (box as written, (height, width) of its image).

    Returns:
        A sentence on how far that shows the form, for a report.

    Raises:
        BadSampleError: more than that do not fit; says whether the other form would do.
    """
    other: BoxForm = "xywh" if stated == "xyxy" else "xyxy"
    outside = sum(not fits(box, stated, size) for box, size in rows)
    foreign = sum(not fits(box, other, size) for box, size in rows)
    if outside and (outside > _FEW * len(rows) or outside >= foreign):
        advice = f" As {other} all fit: another version." if not foreign else ""
        raise BadSampleError(
            f"{outside:,} of {len(rows):,} boxes of {name} do not lie in their images as {stated}, "
            f"which its card states.{advice} Get the set again, as its publishers have it."
        )
    left = f"; {outside:,} do not lie in their images" if outside else ""
    return (
        f"{stated} as its card states; as {other}, {foreign:,} of {len(rows):,} would not fit{left}"
    )


def fits(box: Sequence[float], form: BoxForm, size: tuple[int, int]) -> bool:
    """Whether a box, so read, has an area and lies in its image, (height, width), up to rounding."""
    return lies_inside(to_corners(box, form), size)


def check_fits(box: Sequence[float], form: BoxForm, size: tuple[int, int]) -> None:
    """Refuse a box that does not.

    Raises:
        BadSampleError: says both.
    """
    if not fits(box, form, size):
        raise BadSampleError(
            f"Its box {list(box)} ({form}) does not lie in its image, {size[0]}x{size[1]} (height x "
            "width)."
        )


def lies_inside(box: Box, size: tuple[int, int]) -> bool:
    """Whether an xyxy box has an area and lies in its image, (height, width), up to rounding."""
    x0, y0, x1, y1 = box
    height, width = size
    inside = min(x0, y0) >= -_SLACK and x1 <= width + _SLACK and y1 <= height + _SLACK
    return inside and x0 < x1 and y0 < y1
