"""What a model says beside where it looked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from vlmscope.markup import one_line, shorten, shown_box
from vlmscope.results.cards import answer_card
from vlmscope.results.comparison_views import answer_view
from vlmscope.results.drawing import overlay
from vlmscope.results.geometry_blocks import NOTEBOOK_SIDE, SIDE
from vlmscope.results.grounding import Grounding
from vlmscope.types import Answer, Box, box_iou
from vlmscope.viewer import View
from vlmscope.viz.pens import ORANGE, draw_box, stroke_width
from vlmscope.viz.sheet import contact_sheet

__all__ = ["AnswerComparison", "overlay_answer"]

_ROWS = {
    "box": "Looked while writing the box",
    "last_text": "Looked at the end of the phrase",
}


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
        ious: dict[str, float | None] = {
            name: box_iou(*pair) if exists else None for name, pair in pairs.items()
        }
        if len(boxes) == 2:
            ious["box/last_text"] = box_iou(boxes["box"], boxes["last_text"])
        return ious

    def __repr__(self) -> str:
        box = "it wrote no box" if self.said is None else f"says box {shown_box(self.said)}"
        return one_line(
            self,
            f"{shorten(self.phrase, 80)!r} to {self.model}",
            box,
            f"answer {shorten(self.text, 80)!r}",
        )

    def _repr_html_(self) -> str:
        return self.view(side=NOTEBOOK_SIDE).inline(answer_card(self))

    def view(self, *, side: int = SIDE, lossless: bool = False) -> View:
        """What the viewer draws: the model's own box, and beside it where it looked.

        Args:
            side: pixels of the longer side of the image in it at most.
            lossless: keep the image's pixels as they are, as PNG.
        """
        return answer_view(self, side=side, lossless=lossless)

    def overlay(self, **options: Any) -> Image.Image:
        """One picture: each read-out row's heat map and box, and the model's own box on all.

        Options are those of :func:`vlmscope.results.answer_comparison.overlay_answer`.
        """
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


def overlay_answer(
    comparison: AnswerComparison, *, cell: int = 480, theme: str = "light", **options: Any
) -> Image.Image:
    """One panel per read-out row: heat map, attention's box in white, the model's own in orange.

    Args:
        comparison: what to draw.
        cell: longer side of a panel in pixels.
        theme: ``light`` or ``dark``.
        **options: those of :func:`vlmscope.results.overlay`.

    Raises:
        BadOptionError: a number outside its range.
        UnknownNameError: an unknown theme, colour map or thing to show.
    """
    panels = [_panel(comparison, each, cell, options) for each in comparison.looked.values()]
    captions = [_caption(comparison, rows) for rows in comparison.looked]
    return contact_sheet(
        panels, captions, columns=len(panels), cell=cell, theme=theme, caption_lines=2
    )


def _panel(
    comparison: AnswerComparison, grounding: Grounding, cell: int, options: dict[str, Any]
) -> Image.Image:
    # drawn at the size of its cell: a sheet that enlarges pictures would blur their lines
    picture = overlay(grounding, **{"max_side": cell, "min_side": cell, **options})
    if comparison.said is None:
        return picture
    factor = picture.width / grounding.image_size[1]
    x0, y0, x1, y1 = (value * factor for value in comparison.said)
    width = stroke_width((picture.height, picture.width)) + 1
    draw_box(picture, (x0, y0, x1, y1), width, ORANGE)
    return picture


def _caption(comparison: AnswerComparison, rows: str) -> str:
    looked = _ROWS.get(rows, rows)
    if comparison.said is None:
        return f"{looked} (white). It wrote no box."
    return f"{looked} (white); says (orange). IoU {comparison.ious[f'said/{rows}']:.2f}"
