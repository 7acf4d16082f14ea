"""Florence-2: boxes and polygons that are written as words, each coordinate one of 1,000 bins.

The image is squashed to a square, so a bin is a thousandth of the width, or of the height. There is
no score. Which task is asked changes the answer, so each is a comparator of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vlmscope.errors import BadPhraseError
from vlmscope.evaluation.comparators.detections import prepared
from vlmscope.evaluation.comparators.found import Found
from vlmscope.evaluation.comparators.kinds import ComparatorKind
from vlmscope.types import tight_box

__all__ = ["DETECTION", "GROUNDING", "SEGMENTATION", "find", "polygon_mask"]

_BEAMS = 3  # as the model's authors ask it

_ROOM = 1_024  # tokens of an answer; where the decoder has fewer positions, as many as those


def find(task: str, hf: Any, processor: Any, pixels: NDArray[np.uint8], phrase: str) -> Found:
    """Find a phrase by one task; see :data:`vlmscope.evaluation.comparators.kinds.Find`.

    Boxes stand in the order in which they were written. The mask is that of all polygons, and each
    instance has the box around its own.

    Raises:
        BadPhraseError: a phrase that holds a task's name, or is longer than the model's context.
        BadImageError: from the processor.
    """
    height, width = pixels.shape[:2]
    _check_phrase(processor, phrase)
    inputs = prepared(hf, processor, pixels, task + phrase)
    positions = hf.config.text_config.max_position_embeddings
    _check_length(inputs["input_ids"].shape[1], positions)
    room = min(_ROOM, positions) - 1  # one is where the decoder starts
    written = hf.generate(**inputs, max_new_tokens=room, num_beams=_BEAMS, do_sample=False)
    (answer,) = processor.batch_decode(written, skip_special_tokens=False)
    parsed = processor.post_process_generation(answer, task=task, image_size=(width, height))[task]
    masks = [polygon_mask(each, height, width) for each in parsed.get("polygons", [])]
    drawn = [box for box in map(tight_box, masks) if box is not None]
    boxes, turned = _upright([*parsed.get("bboxes", []), *drawn])
    nothing = np.zeros((height, width), dtype=bool)
    return Found(
        boxes=boxes,
        scores=None,
        text=_asked(processor, task, phrase),
        mask=np.logical_or.reduce([nothing, *masks]) if task == _SEGMENTATION else None,
        answer=answer,
        notes=(*_cut_off(written.shape[1], room), *turned),
    )


def polygon_mask(polygons: Sequence[Sequence[float]], height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of polygons (x, y, x, y, ...), their corners and edges included, as bool (height, width).

    What has fewer than three corners has no inside and is left out.
    """
    canvas = Image.new("1", (width, height))
    pen = ImageDraw.Draw(canvas)
    for polygon in polygons:
        if len(polygon) >= 6:
            pen.polygon(list(polygon), fill=1, outline=1)
    return np.array(canvas, dtype=bool)


def _upright(
    boxes: Sequence[Sequence[float]],
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Boxes whose edges stand in order, float32 (boxes, 4), and what is to be said of the others."""
    rows = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    upright = (rows[:, 2:] >= rows[:, :2]).all(axis=1)
    turned = len(rows) - int(upright.sum())
    note = f"Boxes left out, as an edge was written before its opposite one: {turned}."
    return rows[upright], (note,) if turned else ()


def _check_phrase(processor: Any, phrase: str) -> None:
    tasks = (*processor.task_prompts_without_inputs, *processor.task_prompts_with_input)
    named = [task for task in tasks if task in phrase]
    if named:
        raise BadPhraseError(
            f"The phrase holds {named[0]}, which Florence-2 takes for a task. Remove it."
        )


def _check_length(count: int, positions: int) -> None:
    if count > positions:
        raise BadPhraseError(
            f"With the image the phrase has {count} tokens, but Florence-2 takes {positions}. Give a "
            "shorter one."
        )


def _asked(processor: Any, task: str, phrase: str) -> str:
    return str(processor.task_prompts_with_input[task].format(input=phrase.strip()))


def _cut_off(tokens: int, room: int) -> tuple[str, ...]:
    # by its length: its last token is forced to be the end, whatever was to come
    full = tokens > room  # the first is where the decoder starts
    return (f"The answer was cut off after {room} tokens.",) if full else ()


def _kind(id: str, title: str, task: str, draws: bool = False) -> ComparatorKind:
    return ComparatorKind(
        id=id,
        title=title,
        model_type="florence2",
        model_class="Florence2ForConditionalGeneration",
        processor_class="Florence2Processor",
        example="florence-community/Florence-2-base",
        find=partial(find, task),
        draws=draws,
        scored=False,
    )


_SEGMENTATION = "<REFERRING_EXPRESSION_SEGMENTATION>"

GROUNDING = _kind("florence-2", "Florence-2", "<CAPTION_TO_PHRASE_GROUNDING>")

DETECTION = _kind("florence-2-detection", "Florence-2", "<OPEN_VOCABULARY_DETECTION>")

SEGMENTATION = _kind("florence-2-segmentation", "Florence-2", _SEGMENTATION, draws=True)
