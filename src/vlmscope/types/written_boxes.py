"""Boxes that a model wrote in its answer."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.types.boxes import Box

__all__ = ["Answer", "WrittenBox"]


@dataclass(frozen=True)
class WrittenBox:
    """A box that a model wrote.

    Attributes:
        box: xyxy float pixels of the original image, cut at its edges.
        numbers: the four numbers as written, in the order of the family.
        spans: (start, end) characters of each number in the answer.
    """

    box: Box
    numbers: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Answer:
    """An answer, read for boxes.

    Attributes:
        text: the answer, special tokens spelled out.
        boxes: those that are well formed, in the order of the answer.
        problems: one sentence for everything that looks like a box and is none, one for a box that
            was cut at the image's edge, and one when there is no box at all.
    """

    text: str
    boxes: tuple[WrittenBox, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def box(self) -> Box | None:
        """The first box, xyxy in original pixels."""
        return self.boxes[0].box if self.boxes else None
