"""What patches are like within one object and across objects, and whether they are like its name."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.types import TokenMap

__all__ = ["cell_classes", "margins", "within_and_across"]


def cell_classes(token_map: TokenMap, labels: NDArray[np.integer]) -> Tensor:
    """Int64 (cells,): the label at the middle of each cell, negative where there is none.

    Args:
        token_map: geometry of the patches.
        labels: int (height, width) of the original image.
    """
    boxes = np.concatenate([view.boxes for view in token_map.views])  # xyxy
    height, width = labels.shape
    x = np.clip((boxes[:, 0] + boxes[:, 2]) / 2, 0, width - 1).astype(int)
    y = np.clip((boxes[:, 1] + boxes[:, 3]) / 2, 0, height - 1).astype(int)
    return torch.from_numpy(labels[y, x].astype(np.int64))


def within_and_across(unit: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cosine of two patches of one class, and of two classes.

    All pairs, without making one: the sum over pairs is the square of the sum.

    Args:
        unit: (..., cells, dim), unit vectors.
        cells: int (cells,), the class of each; negative ones are left out.

    Returns:
        (...,) each; NaN where there is no such pair.
    """
    labelled = cells >= 0
    vectors, classes = unit[..., labelled, :].double(), cells[labelled]
    _, places = classes.unique(return_inverse=True)
    membership = torch.nn.functional.one_hot(places).double() if len(places) else places.double()
    if not len(places):
        nothing = torch.full(unit.shape[:-2], torch.nan, dtype=torch.float64)
        return nothing, nothing.clone()
    counts = membership.sum(dim=0)
    sums = membership.T @ vectors  # (..., classes, dim)
    inside = sums.square().sum(dim=(-2, -1))
    everything = sums.sum(dim=-2).square().sum(dim=-1)
    itself = vectors.square().sum(dim=(-2, -1))  # a patch with itself is no pair
    total, pairs = counts.sum() ** 2, counts.square().sum()
    return (inside - itself) / (pairs - counts.sum()), (everything - inside) / (total - pairs)


def margins(similarity: Tensor, cells: Tensor) -> tuple[float, float]:
    """Mean cosine of labelled patches with the right text, and with those of the image's other classes.

    Args:
        similarity: (cells, classes).
        cells: int (cells,), the class of each; negative ones are left out.

    Returns:
        NaN where no patch has a label; the second NaN where only one class is there.
    """
    labelled = cells >= 0
    values, classes = similarity[labelled].double(), cells[labelled]
    if not len(classes):
        return float("nan"), float("nan")
    right = values.gather(1, classes[:, None])[:, 0]
    present = classes.unique()
    if len(present) < 2:
        return float(right.mean()), float("nan")
    others = (values[:, present].sum(dim=1) - right) / (len(present) - 1)
    return float(right.mean()), float(others.mean())
