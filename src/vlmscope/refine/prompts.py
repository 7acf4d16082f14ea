"""What SAM is prompted by, and its boxes and points as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.refine.frame import Frame
from vlmscope.types import Box

__all__ = ["Subject", "check_prompt", "missing_prompt", "point_tensors", "prompt_tensors"]

Point = tuple[float, float]

_NEEDS = {"box": ("box",), "point": ("point",), "both": ("box", "point"), "mask": ("mask",)}
# methods place edges by arithmetic: they may overshoot the image by a rounding error
_SLACK = 1e-3


class Subject(Protocol):
    """What SAM draws: a Grounding, or anything else that says where it lies.

    Attributes:
        phrase: for messages.
        box: xyxy float pixels of the image, or None.
        point: (x, y) in the same, or None.
        mask: bool (height, width).
        image_size: (height, width) of the image.
    """

    @property
    def phrase(self) -> str: ...
    @property
    def box(self) -> Box | None: ...
    @property
    def point(self) -> Point | None: ...
    @property
    def mask(self) -> NDArray[np.bool_]: ...
    @property
    def image_size(self) -> tuple[int, int]: ...


def missing_prompt(subject: Subject, prompt: str) -> str | None:
    """What a Subject lacks to prompt SAM, ``"box"``, ``"point"`` or ``"mask"``; None when it has
    all. A mask without a pixel is none."""
    for name in _NEEDS[prompt]:
        value = getattr(subject, name)
        if value is None or (name == "mask" and not value.any()):
            return name
    return None


def check_prompt(subject: Subject, prompt: str) -> None:
    """Refuse a box, point or mask that cannot lie in its image.

    Args:
        subject: one that lacks nothing.
        prompt: ``box``, ``point``, ``both`` or ``mask``.

    Raises:
        BadOptionError: a value that is not finite, outside the image, a box inside out, or a mask of
            another size.
    """
    height, width = subject.image_size
    image = f"pixels of its image of height {height} and width {width}"
    if "box" in _NEEDS[prompt]:
        (x0, y0), (x1, y1) = corners = _corners(subject)
        if not (all(_inside(subject, point) for point in corners) and x0 < x1 and y0 < y1):
            raise BadOptionError(
                f"The box {subject.box} of {subject.phrase!r} cannot prompt SAM: it has to be "
                f"(x0, y0, x1, y1) with x0 < x1 and y0 < y1, in {image}."
            )
    if "point" in _NEEDS[prompt] and not _inside(subject, _point(subject)):
        raise BadOptionError(
            f"The point {subject.point} of {subject.phrase!r} cannot prompt SAM: it has to be "
            f"(x, y) in {image}."
        )
    if "mask" in _NEEDS[prompt] and subject.mask.shape != subject.image_size:
        raise BadOptionError(
            f"The mask of {subject.phrase!r} cannot prompt SAM: it has the shape "
            f"{subject.mask.shape}, its image has height {height} and width {width}."
        )


def prompt_tensors(
    subjects: Sequence[Subject], prompt: str, frame: Frame, device: torch.device
) -> dict[str, Tensor]:
    """The boxes and points of several subjects in one image, one object each.

    Args:
        subjects: of the image of ``frame``; none of them lacks what is asked for.
        prompt: ``box``, ``point`` or ``both``.
        frame: how the image lies in the canvas.
        device: of the model.

    Returns:
        ``input_boxes`` float32 (1, objects, 4), xyxy in pixels of the canvas; ``input_points``
        float32 (1, objects, 1, 2) with ``input_labels`` int64 (1, objects, 1), 1 for "on it".
        Never in half precision: there a pixel of 1024 cannot be told from its neighbour.
    """
    tensors: dict[str, Tensor] = {}
    if "box" in _NEEDS[prompt]:
        corners = [corner for subject in subjects for corner in _corners(subject)]
        tensors["input_boxes"] = frame.to_canvas(corners).reshape(1, -1, 4).to(device)
    if "point" in _NEEDS[prompt]:
        tensors |= point_tensors([_point(subject) for subject in subjects], frame, device)
    return tensors


def point_tensors(points: Sequence[Point], frame: Frame, device: torch.device) -> dict[str, Tensor]:
    """Points of one image, each a prompt for an object of its own; see :func:`prompt_tensors`.

    Args:
        points: (x, y) in pixels of the original image.
        frame: how the image lies in the canvas.
        device: of the model.
    """
    placed = frame.to_canvas(points).reshape(1, -1, 1, 2).to(device)
    labels = torch.ones(placed.shape[:3], dtype=torch.long, device=device)
    return {"input_points": placed, "input_labels": labels}


def _corners(subject: Subject) -> tuple[Point, Point]:
    assert subject.box is not None
    x0, y0, x1, y1 = (float(value) for value in subject.box)
    return (x0, y0), (x1, y1)


def _point(subject: Subject) -> Point:
    assert subject.point is not None
    x, y = (float(value) for value in subject.point)
    return x, y


def _inside(subject: Subject, point: Point) -> bool:
    # comparisons with NaN are false, so it is never inside
    height, width = subject.image_size
    x, y = point
    return -_SLACK <= x <= width + _SLACK and -_SLACK <= y <= height + _SLACK
