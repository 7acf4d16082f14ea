"""From the numbers of a label map to classes: what each number of a set's files stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets.base import IGNORE
from vlmscope.data.datasets.label_maps.png import read_label_numbers
from vlmscope.errors import BadSampleError
from vlmscope.io import shown_path

__all__ = ["VOID", "LabelTable"]

VOID = 255
"""Number that the field's label maps give to pixels that count for nothing."""

_UNKNOWN = -2
_LARGEST = (1 << 16) - 1
_SHOWN = 5


@dataclass(frozen=True)
class LabelTable:
    """What the numbers in a form of label maps stand for.

    Attributes:
        form: what a report says of it, such as ``*_labelTrainIds.png``.
        classes: number -> index of the class, or :data:`IGNORE`; no other number may occur.
        advice: what to do about maps that hold others.
    """

    form: str
    classes: Mapping[int, int] = field(repr=False)
    advice: str = "Get the maps of this set, or leave the image out"

    @classmethod
    def plain(cls, form: str, classes: int, first: int = 0, advice: str = "") -> LabelTable:
        """Numbers from ``first`` are the classes in order, lower ones and 255 are ignored."""
        numbers = {VOID: IGNORE, **dict.fromkeys(range(first), IGNORE)}
        numbers |= {first + index: index for index in range(classes)}
        return cls(form, numbers, advice or cls.advice)

    def read(self, path: Path, size: tuple[int, int]) -> NDArray[np.int32]:
        """The classes of a label map.

        Args:
            path: of the map.
            size: (height, width) of its image.

        Returns:
            int32 (height, width) of class indices and :data:`IGNORE`.

        Raises:
            BadSampleError: as :func:`read_label_numbers`, or numbers that stand for nothing.
        """
        numbers = read_label_numbers(path, size)
        inside = (numbers >= 0) & (numbers <= _LARGEST)
        labels = np.where(inside, self._indices[np.where(inside, numbers, 0)], np.int32(_UNKNOWN))
        wrong = labels == _UNKNOWN
        if wrong.any():
            strange = np.unique(numbers[wrong])
            shown = ", ".join(str(number) for number in strange[:_SHOWN])
            more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
            known = sorted(number for number, index in self.classes.items() if index != IGNORE)
            raise BadSampleError(
                f"The label map {shown_path(path)} holds {shown}{more} in {int(wrong.sum()):,} pixels; "
                f"in this form ({self.form}) classes are {_ranges(known)}. {self.advice}."
            )
        return labels

    @cached_property
    def _indices(self) -> NDArray[np.int32]:
        table = np.full(_LARGEST + 1, _UNKNOWN, dtype=np.int32)
        for number, index in self.classes.items():
            table[number] = index
        return table


def _ranges(numbers: list[int]) -> str:
    """``0 to 10 and 12 to 24``; many of them are cut short."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number, number])
    texts = [f"{a} to {b}" if a != b else str(a) for a, b in runs]
    return " and ".join(texts) if len(texts) < 4 else f"{texts[0]} ... {texts[-1]}"
