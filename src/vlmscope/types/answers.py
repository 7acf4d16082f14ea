"""What a model says beside where it looked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vlmscope.types.boxes import box_iou
from vlmscope.types.grounding import Box, Grounding

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Answer", "AnswerComparison", "WrittenBox"]


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
        problems: one sentence for everything that looks like a box and is none, and one when there
            is no box at all.
    """

    text: str
    boxes: tuple[WrittenBox, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def box(self) -> Box | None:
        """The first box, xyxy in original pixels."""
        return self.boxes[0].box if self.boxes else None


@dataclass(frozen=True, eq=False)
class AnswerComparison:
    """What a model says of a phrase, and where its attention lay meanwhile.

    Attributes:
        phrase: what was looked for.
        model: id of the model.
        prompt: the text it was asked with.
        text: its answer, special tokens left out.
        answer: the answer read for boxes; ``answer.box`` is what the comparison is about.
        looked: groundings by read-out row: ``"box"``, the rows that predict the coordinates
            (missing when it wrote no box), and ``"last_text"``, the phrase's last token.
        warnings: sentences to read before trusting it.
    """

    phrase: str
    model: str
    prompt: str
    text: str
    answer: Answer
    looked: Mapping[str, Grounding]
    warnings: tuple[str, ...] = field(default=())

    @property
    def said(self) -> Box | None:
        """The model's own box, xyxy in original pixels, or None when it wrote none."""
        return self.answer.box

    @property
    def ious(self) -> dict[str, float | None]:
        """Intersection over union, 0..1, by ``"said/box"``, ``"said/last_text"``, ``"box/last_text"``.

        None where one of the two does not exist at all; 0 where attention lights nothing up.
        """
        boxes = {rows: grounding.box for rows, grounding in self.looked.items()}
        pairs = {f"said/{rows}": (self.said, box) for rows, box in boxes.items()}
        exists = self.said is not None
        found: dict[str, float | None] = {
            name: box_iou(*pair) if exists else None for name, pair in pairs.items()
        }
        if len(boxes) == 2:
            found["box/last_text"] = box_iou(boxes["box"], boxes["last_text"])
        return found

    def overlay(self, **options: Any) -> Image.Image:
        """One picture: each read-out row's heat map and box, and the model's own box on all.

        Options are those of :func:`vlmscope.viz.overlay_answer`.
        """
        from vlmscope.viz import overlay_answer

        return overlay_answer(self, **options)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "phrase": self.phrase,
            "model": self.model,
            "prompt": self.prompt,
            "answer": self.text,
            "said": None if self.said is None else [float(value) for value in self.said],
            "boxes_said": [list(each.box) for each in self.answer.boxes],
            "problems": list(self.answer.problems),
            "looked": {rows: grounding.to_dict() for rows, grounding in self.looked.items()},
            "iou": self.ious,
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = None) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)
