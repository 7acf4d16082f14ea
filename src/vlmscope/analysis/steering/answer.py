"""One answer under steering, beside the clean one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.analysis.steering.report import answer_page
from vlmscope.attention import generate
from vlmscope.attention.steering.steer import Towards, check_strength
from vlmscope.attention.steering.steer import steer as drawn
from vlmscope.data.images import open_image
from vlmscope.heads.choice import resolve_heads
from vlmscope.markup import card, one_line, picture, shorten, table
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.types import Box, Head, tight_box
from vlmscope.viewer import View
from vlmscope.viz.pens import draw_box, stroke_width

__all__ = ["SteeredAnswer", "steer", "steered_answer"]


@contextlib.contextmanager
def steer(
    model: LoadedModel,
    heads: Any,
    towards: Towards,
    strength: float = 4.0,
    *,
    rows: Sequence[str] = ("query", "generated"),
    image: int = 0,
) -> Iterator[None]:
    """Draw chosen heads to a part of the image in every pass inside the block.

    The logit of each image token grows by ``strength`` times the share of its visible area that lies
    in the part, before the softmax; below 0 the heads are kept away from it. At 0 it is the model as it
    is, to the bit. Captures and knock-outs compose: a capture shows the rows as they are drawn
    (docs/methods/steer.md).

    Args:
        model: the model.
        heads: a HeadSet, the path of a head file, ``"L14H24,L14H13"``, (layer, head) pairs, or None:
            the heads that are known for the model.
        towards: a box (x0, y0, x1, y1) in pixels of the original image, or bool (height, width) of it.
        strength: added to the logits; finite.
        rows: whose attention: ``query`` (the prompt's text behind the image), ``phrase``, ``last``,
            ``generated``.
        image: of several images of a prompt, which the part is in.

    Raises:
        BadHeadSetError: no heads, or one that the model does not have.
        BadOptionError: a strength that is not finite, an empty box, or a mask without a pixel.
        UnknownNameError: a row that does not exist.
        AttentionError: during a pass, a part in which no image token lies, a mask of another size, or a
            pass whose positions are not known.
        UnsupportedError: a head of a layer that never reads the image; during a pass, tokens that stand
            for no place (Q-Former).
    """
    check_model(model)
    chosen = resolve_heads(heads, model)
    with drawn(model, chosen, towards, strength, rows=rows, image=image):
        yield


@dataclass(frozen=True, eq=False)
class SteeredAnswer:
    """What a model says with some of its heads drawn to a place, and what it says of itself.

    Attributes:
        model: id of the model.
        question: what was asked.
        image: uint8 (height, width, 3).
        heads: that were drawn.
        box: xyxy pixels of the original image: the place, or the smallest box around it.
        strength: what their logits grew by.
        clean, steered: the answers.
    """

    model: str
    question: str
    image: NDArray[np.uint8] = field(repr=False)
    heads: tuple[Head, ...]
    box: Box
    strength: float
    clean: str
    steered: str

    @property
    def changed(self) -> bool:
        """Whether the answer is another one."""
        return self.clean != self.steered

    def __repr__(self) -> str:
        return one_line(
            self,
            f"{shorten(self.question, 80)!r}: {shorten(self.clean, 80)!r}",
            f"steered {shorten(self.steered, 80)!r}",
            f"{','.join(map(str, self.heads))} at strength {self.strength:g}",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"“{shorten(self.question, 160)}” with heads drawn to a box",
            picture(self.overlay(), "The box that heads are drawn to"),
            table((("", "answer"), [("as it is", self.clean), ("steered", self.steered)])),
            lead=f"{', '.join(map(str, self.heads))} of {self.model}, strength {self.strength:g}",
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: both answers, and the box."""
        return answer_page(self).view()

    def overlay(self) -> Image.Image:
        """The image with the box."""
        drawn_on = Image.fromarray(self.image)
        draw_box(drawn_on, self.box, stroke_width(self.image.shape[:2]))
        return drawn_on

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "model": self.model,
            "question": self.question,
            "heads": [list(head) for head in self.heads],
            "box": [float(value) for value in self.box],
            "strength": self.strength,
            "clean": self.clean,
            "steered": self.steered,
            "changed": self.changed,
        }


def steered_answer(
    model: LoadedModel,
    image: Any,
    question: str | Prompt,
    towards: Towards,
    *,
    heads: Any = None,
    strength: float = 4.0,
    max_new_tokens: int = 32,
    preset: str | None = None,
    placement: str | None = None,
) -> SteeredAnswer:
    """Answer a question twice, greedily: as the model is, and with heads drawn to a place.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array.
        question: what is asked.
        towards, heads, strength: as for :func:`steer`.
        max_new_tokens: of each answer, at most.
        preset, placement: as for :func:`vlmscope.prefill`.

    Raises:
        As :func:`steer`.
    """
    check_model(model)
    chosen = resolve_heads(heads, model)
    pixels = open_image(image).pixels
    options: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "preset": preset,
        "placement": placement,
    }
    with drawn(model, chosen, towards, check_strength(strength)):
        steered = generate(model, pixels, question, **options).text
    clean = generate(model, pixels, question, **options).text
    return SteeredAnswer(
        model.id,
        Prompt.of(question).text,
        pixels,
        chosen.heads,
        _box_of(towards),
        float(strength),
        clean,
        steered,
    )


def _box_of(towards: Towards) -> Box:
    if isinstance(towards, np.ndarray) and towards.ndim == 2:
        box = tight_box(towards.astype(bool))
        assert box is not None  # a mask without a pixel was refused
        return box
    x0, y0, x1, y1 = (float(value) for value in towards)
    return x0, y0, x1, y1
