"""PASCAL Context's numbers: its 459 labels, of which 59 are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path

__all__ = ["LABELS", "LABEL_NUMBERS", "class_numbers", "read_label_matrix"]

LABELS = 459
"""How many labels the annotators used, numbered from 1."""

# fmt: off
_EVALUATED = (
    2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115,
    144, 158, 159, 162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349,
    354, 355, 360, 366, 368, 397, 415, 416, 420, 424, 427, 440, 445, 454, 458,
)
# fmt: on

LABEL_NUMBERS: Mapping[int, int] = MappingProxyType(
    {number: index for index, number in enumerate(_EVALUATED, start=1)}
)
"""Number among the 459 -> number among the 59, from 1: both lists are in alphabetical order."""

_TABLE = np.array([LABEL_NUMBERS.get(number, 0) for number in range(LABELS + 1)], dtype=np.uint8)


def class_numbers(labels: NDArray[np.integer], source: str) -> NDArray[np.uint8]:
    """Numbers among the 59 in place of those among the 459; 0 for all others.

    Args:
        labels: whole numbers (height, width).
        source: what they come from, for messages.

    Raises:
        BadSampleError: a number beyond the 459.
    """
    if labels.size and not 0 <= labels.min() <= labels.max() <= LABELS:
        raise BadSampleError(
            f"{source} holds labels from {labels.min()} to {labels.max()}; PASCAL Context has "
            f"{LABELS}, from 1. Get it again."
        )
    return _TABLE[labels]


def read_label_matrix(path: Path, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The map of one ``.mat`` of the publishers, as numbers among the 59.

    Args:
        path: of the file; it holds ``LabelMap``.
        size: (height, width) that the map must have; None: any.

    Returns:
        uint8 (height, width), 0 to 59.

    Raises:
        BadSampleError: missing, damaged, of another kind or size.
    """
    from scipy.io import loadmat

    try:
        matrix = np.asarray(loadmat(path, variable_names=["LabelMap"])["LabelMap"])
    except KeyError as error:
        raise BadSampleError(
            f"{shown_path(path)} has no LabelMap: it is no annotation of PASCAL Context. Get the "
            ".mat files of its trainval.tar.gz."
        ) from error
    except Exception as error:  # a damaged file raises whatever its reader stumbles over
        raise BadSampleError(
            f"Cannot read the label map {shown_path(path)}: {error}. Get it again."
        ) from error
    if matrix.ndim != 2 or matrix.dtype.kind not in "iu":
        raise BadSampleError(
            f"The LabelMap of {shown_path(path)} is {matrix.dtype} {matrix.shape}, no whole numbers "
            "(height, width). Get it again."
        )
    if size is not None and matrix.shape != size:
        raise BadSampleError(
            f"The label map {shown_path(path)} is {matrix.shape[0]}x{matrix.shape[1]} (height x "
            f"width), its image is {size[0]}x{size[1]}. Get both from one source."
        )
    return class_numbers(matrix, f"The label map {shown_path(path)}")
