"""Questions with several right answers, each about another place: what steering is measured on.

A list is a JSON-lines file: ``{"image": path, "question": text, "choices": [{"box": [x0, y0, x1, y1],
"answer": text}, ...]}``, two choices at least whose answers differ, boxes in pixels of the image.
``tiny-scenes:N`` renders N scenes in which two objects fit the words of the question.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.data.questions import Question, QuestionSource
from vlmscope.data.row_files import ImageOpener, RowFile, SkippedRow
from vlmscope.data.rows import Row, scene_request, text_field
from vlmscope.errors import BadSampleError
from vlmscope.metrics.boxes import checked_box
from vlmscope.types import Box, tight_box

if TYPE_CHECKING:
    from vlmscope.tiny import Scene

__all__ = ["SCENE_KINDS", "Choice", "OpenQuestion", "read_choices", "scene_choices"]

SCENE_KINDS = {"colour": "shape", "texture": "shape", "shape": "colour"}
"""Attribute that scenes are asked about -> the one by which the question names the object."""

_SCENES = 100


@dataclass(frozen=True)
class Choice:
    """One of the right answers.

    Attributes:
        box: xyxy pixels of the image, of what it is about.
        answer: text.
    """

    box: Box
    answer: str


@dataclass(frozen=True, eq=False)
class OpenQuestion(Question):
    """A question that fits several places of its image.

    Attributes:
        choices: two at least, with different answers.
    """

    choices: tuple[Choice, ...] = ()

    @property
    def digest_with_choices(self) -> str:
        """A name by which it is known again."""
        return f"{self.digest}-{hashlib.sha256(repr(self.choices).encode()).hexdigest()[:8]}"


def read_choices(source: str | os.PathLike[str]) -> QuestionSource:
    """Open a list; images are opened when it is gone through.

    Args:
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N[:KIND]]``
            with a kind of :data:`SCENE_KINDS`.

    Raises:
        BadSampleError: no such list, or not one usable row in it.
        UnknownNameError: a kind of question that scenes are not asked.
    """
    request = scene_request(source, _SCENES, tuple(SCENE_KINDS))
    if request is not None:
        return _Scenes(scene_choices(*request))
    return _ChoiceFile(source)


class _Scenes(tuple[OpenQuestion, ...]):
    """Rendered ones; none of them is ever skipped."""

    skipped: tuple[SkippedRow, ...] = ()


def scene_choices(count: int, kinds: tuple[str, ...] | list[str]) -> Iterator[OpenQuestion]:
    """Held-out scenes with a question that fits exactly two of their objects, the kinds in turn.

    Args:
        count: how many.
        kinds: of :data:`SCENE_KINDS`.
    """
    from vlmscope.tiny import render_scene
    from vlmscope.tiny.world.splits import HELD_OUT

    made, wanted = 0, tuple(kinds)
    for seed in HELD_OUT:
        if made == count:
            return
        scene = render_scene(seed)
        question = _of_scene(scene, wanted[made % len(wanted)])
        if question is not None:
            yield question
            made += 1


def _of_scene(scene: Scene, kind: str) -> OpenQuestion | None:
    from vlmscope.tiny.world.phrases import Phrase, resolve

    name = SCENE_KINDS[kind]
    for one, two in combinations(range(len(scene.objects)), 2):
        pair = scene.objects[one], scene.objects[two]
        phrase = Phrase(**{name: getattr(pair[0], name)})
        answers = [str(getattr(each, kind)) for each in pair]
        if set(resolve(phrase, scene)) == {one, two} and answers[0] != answers[1]:
            boxes = [tight_box(each.mask) for each in pair]
            choices = tuple(
                Choice(box, answer)
                for box, answer in zip(boxes, answers, strict=True)
                if box is not None
            )
            word = "color" if kind == "colour" else kind
            text = f"what {word} is {phrase.text()}"
            return OpenQuestion(scene.image, text, choices=choices)
    return None


@dataclass(frozen=True)
class _Entry:
    """A row whose text is in order; its image has not been opened."""

    line: int
    image: Path
    text: str
    choices: tuple[Choice, ...]
    mask: Path | None = None


class _ChoiceFile(RowFile[_Entry, OpenQuestion]):
    """The usable rows of a list; bad ones are left out with the reason."""

    kind = "list of open questions"
    example = '{"image": ..., "question": ..., "choices": [{"box": ..., "answer": ...}, ...]}'
    fields = (("image",), ("question", "text"), ("choices",))

    def _entry(self, row: Row, record: dict[str, Any]) -> _Entry:
        image = row.place(text_field(record, "image"))
        text = text_field(record, "question", "text")
        return _Entry(row.number, image, text, _choices(record.get("choices")))

    def _item(self, entry: _Entry, images: ImageOpener) -> OpenQuestion:
        image = images.open(entry.image).pixels
        height, width = image.shape[:2]
        for choice in entry.choices:
            x0, y0, x1, y1 = choice.box
            if min(x1, width) <= max(x0, 0) or min(y1, height) <= max(y0, 0):
                raise BadSampleError(
                    f"The box {list(choice.box)} of {choice.answer!r} holds nothing of the image, which "
                    f"is {width} wide and {height} high."
                )
        return OpenQuestion(image, entry.text, place=f"line {entry.line}", choices=entry.choices)


def _choices(value: Any) -> tuple[Choice, ...]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadSampleError(
            'It needs "choices", a list of {"box": [x0, y0, x1, y1], "answer": text}.'
        )
    choices = tuple(Choice(_box(each), text_field(each, "answer")) for each in value)
    if len({choice.answer for choice in choices}) < 2:
        raise BadSampleError(
            f"It needs two choices at least with different answers, got {len(choices)}: which place "
            "an answer follows could not be told."
        )
    return choices


def _box(record: dict[str, Any]) -> Box:
    value = record.get("box")
    numbers = isinstance(value, list) and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in value
    )
    if not numbers:
        raise BadSampleError(f"A choice needs a box of four numbers, got {value!r}.")
    return checked_box(value, "box of a choice")  # type: ignore[arg-type]
