"""Grounding DINO and MM-Grounding-DINO: a box for every query, scored against every word.

A phrase a call, in lower case, ending in a stop, without a threshold: the best box is the answer. The
pipeline of transformers is not used, as it rounds boxes to whole pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.evaluation.comparators.detections import (
    best_first,
    check_numbers,
    cut_note,
    prepared,
)
from vlmscope.evaluation.comparators.found import Found
from vlmscope.evaluation.comparators.kinds import ComparatorKind

__all__ = ["GROUNDING_DINO", "MM_GROUNDING_DINO", "find", "item_of"]

_SEPARATORS = ".?"  # the model reads what stands between two of them as one item

_NO_LABELS = 2.0  # above every score: words of a box are decoded one by one, and nobody reads them


def find(hf: Any, processor: Any, pixels: NDArray[np.uint8], phrase: str) -> Found:
    """Find a phrase; see :data:`vlmscope.evaluation.comparators.kinds.Find`.

    Boxes are not cut at the image's edge: the reference does not cut them.

    Raises:
        BadImageError, UnsupportedError: from the steps.
    """
    text, most = item_of(phrase), hf.config.max_text_len
    notes = cut_note(processor, text, most)
    inputs = prepared(hf, processor, pixels, text, truncation=True, max_length=most)
    outputs = hf(**inputs)
    check_numbers(hf, outputs.logits, outputs.pred_boxes)
    (result,) = processor.post_process_grounded_object_detection(
        outputs,
        inputs["input_ids"],
        threshold=0.0,
        text_threshold=_NO_LABELS,
        target_sizes=[pixels.shape[:2]],
    )
    return best_first(result, text, notes)


def item_of(phrase: str) -> str:
    """A phrase, which holds a word, as one item: lower case, one stop at its end and none inside."""
    words = "".join(" " if letter in _SEPARATORS else letter for letter in phrase.lower())
    return f"{' '.join(words.split())}."


GROUNDING_DINO = ComparatorKind(
    id="grounding-dino",
    title="Grounding DINO",
    model_type="grounding-dino",
    model_class="GroundingDinoForObjectDetection",
    processor_class="GroundingDinoProcessor",
    example="IDEA-Research/grounding-dino-tiny",
    find=find,
)

MM_GROUNDING_DINO = ComparatorKind(
    id="mm-grounding-dino",
    title="MM-Grounding-DINO",
    model_type="mm-grounding-dino",
    model_class="MMGroundingDinoForObjectDetection",
    processor_class="GroundingDinoProcessor",
    example="openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
    find=find,
)
