"""Masks of everything in an image: SAM is prompted by a grid of points, and what it doubts is left out.

The rules are those of SAM's own mask generator (Kirillov et al., "Segment Anything", ICCV 2023, sections
on automatic masks), on the whole image without crops:

1. each point of the grid is a prompt of its own and gives several masks (whole, part, subpart);
2. a mask stays whose predicted IoU lies above ``least_iou``;
3. ... and whose stability does above ``least_stability``: the pixels with logits above +1 as a share of
   those above -1, so that a mask whose edge hangs on the threshold falls;
4. of masks whose boxes overlap by an IoU above ``most_overlap`` the one with the best predicted IoU stays,
   in a greedy round from the best to the worst.

Stability and boxes are taken at the image's size, but no larger than 1024 pixels on the longer side: SAM
sees no more of it. A box spans from the first to the last pixel of its mask, as in the published code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.options import CheckedOptions, option
from vlmscope.refine.embedding import Embedded
from vlmscope.refine.frame import MASK_THRESHOLD, Frame
from vlmscope.refine.refiner import Refiner

__all__ = [
    "AutomaticMask",
    "AutomaticOptions",
    "automatic_masks",
    "grid_points",
    "stability",
    "unlike",
]

_LONGER = 1024
_OFFSET = 1.0

Point = tuple[float, float]


@dataclass(frozen=True)
class AutomaticOptions(CheckedOptions):
    """Which points prompt SAM, and which of its masks stay; the defaults are the published ones."""

    points: int = option(
        32, "points along each side of the grid that prompts SAM", at_least=1, whole=True
    )
    least_iou: float = option(
        0.88, "masks whose IoU SAM predicts to be no more than this are left out", at_least=0.0
    )
    least_stability: float = option(
        0.95,
        "masks are left out of which no more than this share keeps when the threshold of their "
        "logits moves from -1 to 1",
        at_least=0.0,
        at_most=1.0,
    )
    most_overlap: float = option(
        0.7,
        "IoU of two boxes above which the mask that SAM rates lower is left out",
        at_least=0.0,
        at_most=1.0,
    )


@dataclass(frozen=True, eq=False)
class AutomaticMask:
    """One of the masks.

    Attributes:
        score: the IoU that SAM predicts for it, not bounded to 0..1.
        stability: 0..1, see rule 3.
        box: first and last pixel of the mask, (x, y, x, y), at the size where they were taken.
        area: pixels there.
        frame: how the image lies in what the model sees.
    """

    score: float
    stability: float
    box: tuple[int, int, int, int]
    area: int
    frame: Frame = field(repr=False)
    _logits: Tensor = field(repr=False)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Bool (height, width) of the original image; made anew each time, for there may be hundreds."""
        logits = self.frame.restore(self._logits[None])[0]
        mask: NDArray[np.bool_] = (logits > MASK_THRESHOLD).cpu().numpy()
        return mask


def automatic_masks(
    refiner: Refiner, embedded: Embedded, options: AutomaticOptions | None = None
) -> list[AutomaticMask]:
    """The masks of everything in an image, the largest first.

    Args:
        refiner: the SAM.
        embedded: the image after :meth:`Refiner.embed`.
        options: None: the published ones.

    Raises:
        BadOptionError: an embedding by another model.
        UnsupportedError: a model whose half precision overflows.
    """
    options = options or AutomaticOptions()
    points = grid_points(embedded.frame.original, options.points)
    kept: list[AutomaticMask] = []
    for logits, scores in refiner.at_points(embedded, points):
        for maps, ratings in zip(logits, scores, strict=True):
            kept += _kept(maps, ratings, embedded.frame, options)
    boxes = np.array([each.box for each in kept], dtype=np.float64).reshape(-1, 4)
    chosen = unlike(boxes, [each.score for each in kept], options.most_overlap)
    return sorted((kept[index] for index in chosen), key=lambda each: -each.area)


def grid_points(image_size: tuple[int, int], side: int) -> list[Point]:
    """(x, y) in pixels of the original image: the middles of side x side equal parts, row by row."""
    height, width = image_size
    shares = [(index + 0.5) / side for index in range(side)]
    return [(x * width, y * height) for y in shares for x in shares]


def stability(logits: Tensor) -> Tensor:
    """Float (masks,): pixels above +1 as a share of those above -1; NaN where there are none.

    Args:
        logits: float (masks, height, width).
    """
    inner = (logits > MASK_THRESHOLD + _OFFSET).sum(dim=(-2, -1))
    outer = (logits > MASK_THRESHOLD - _OFFSET).sum(dim=(-2, -1))
    return inner / outer


def unlike(boxes: NDArray[np.float64], scores: Sequence[float], most: float) -> list[int]:
    """Indices of boxes that overlap none that scores better, the best first (greedy suppression).

    Args:
        boxes: float (boxes, 4), xyxy.
        scores: of each; of equals the first counts as the better.
        most: IoU up to which two boxes are two.
    """
    left = list(np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable"))
    chosen: list[int] = []
    while left:
        best, *others = left
        chosen.append(int(best))
        ious = _ious(boxes[best], boxes[others])
        left = [other for other, iou in zip(others, ious, strict=True) if not iou > most]
    return chosen


def _ious(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=1)
    own, areas = (box[2:] - box[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = own + areas - inner
    return np.divide(inner, union, out=np.zeros_like(inner), where=union > 0)


def _kept(
    maps: Tensor, ratings: Tensor, frame: Frame, options: AutomaticOptions
) -> list[AutomaticMask]:
    """Those of one point's masks that rules 2 and 3 leave."""
    rated = ratings > options.least_iou
    maps, ratings = maps[rated], ratings[rated]  # before they are laid over the image, which costs
    if not len(maps):
        return []
    full = replace(frame, original=_bounded(frame.original)).restore(maps)
    made = []
    for low, logits, score, share in zip(maps, full, ratings, stability(full), strict=True):
        mask = logits > MASK_THRESHOLD
        if share > options.least_stability and mask.any():
            area = int(mask.sum())
            made.append(AutomaticMask(float(score), float(share), _box(mask), area, frame, low))
    return made


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    shrink = min(1.0, _LONGER / max(size))
    return max(1, int(size[0] * shrink + 0.5)), max(1, int(size[1] * shrink + 0.5))


def _box(mask: Tensor) -> tuple[int, int, int, int]:
    rows, columns = (torch.nonzero(mask.any(dim=axis))[:, 0] for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
