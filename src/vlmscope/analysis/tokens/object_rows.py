"""Answers whose objects are known: rows that each name a part of an answer and the mask of its object.

A list is one of questions (:mod:`vlmscope.data.questions`) in which ``"answer"`` is what is said,
``"phrase"`` a part of it and ``"mask"`` the object that the part is said of; rows of the same picture,
question and answer stand one after the other, in the order in which the answer names their objects.
``tiny-scenes:N`` renders N scenes of several objects, each with its caption.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from vlmscope.data.questions import Question, QuestionSource, read_questions
from vlmscope.data.row_files import SkippedRow
from vlmscope.data.rows import scene_request

__all__ = ["read_object_rows", "scene_captions"]

_DEFAULT_SCENES = 100


class _SceneRows(tuple[Question, ...]):
    """Rows of rendered scenes; none of them is ever skipped."""

    skipped: tuple[SkippedRow, ...] = ()


def read_object_rows(source: str | os.PathLike[str], *, held_out: bool = True) -> QuestionSource:
    """Open a list.

    Args:
        source: a JSON-lines file, a folder that holds ``samples.jsonl``, or ``tiny-scenes[:N]``.
        held_out: of rendered scenes, those kept for reporting; else those kept for choosing.

    Raises:
        BadSampleError: no such list, or not one usable row in it.
    """
    request = scene_request(source, _DEFAULT_SCENES)
    if request is not None:
        return _SceneRows(scene_captions(request[0], held_out=held_out))
    return read_questions(source)


def scene_captions(count: int, *, held_out: bool = True) -> Iterator[Question]:
    """Captions of rendered scenes that hold two objects or more, a row for each object.

    Args:
        count: how many scenes.
        held_out: scenes kept for reporting; else those kept for choosing.
    """
    from vlmscope.tiny import render_scene
    from vlmscope.tiny.world.language import caption, caption_parts
    from vlmscope.tiny.world.splits import HELD_OUT, SELECT

    made = 0
    for seed in HELD_OUT if held_out else SELECT:
        if made == count:
            return
        scene = render_scene(seed)
        if len(scene.objects) < 2:
            continue
        exchange = caption(scene)
        for text, item in caption_parts(scene):
            yield Question(
                scene.image, exchange.prompt, exchange.answer, mask=item.mask, phrase=text
            )
        made += 1
