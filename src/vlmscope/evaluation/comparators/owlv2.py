"""OWLv2: a box for every patch, scored against the phrase.

The image is padded at its bottom and right to a square, so boxes scale by the long side and may reach
into the padding: they are cut at the image's edge. Boxes that overlap are not thinned out.
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

__all__ = ["OWLV2", "find"]


def find(hf: Any, processor: Any, pixels: NDArray[np.uint8], phrase: str) -> Found:
    """Find a phrase; see :data:`vlmscope.evaluation.comparators.kinds.Find`.

    Raises:
        BadImageError, UnsupportedError: from the steps.
    """
    size = pixels.shape[:2]
    most = hf.config.text_config.max_position_embeddings  # 16: long expressions are cut
    notes = cut_note(processor, phrase, most)
    inputs = prepared(
        hf, processor, pixels, phrase, truncation=True, max_length=most, padding="max_length"
    )
    outputs = hf(**inputs)
    check_numbers(hf, outputs.logits, outputs.pred_boxes)
    (result,) = processor.post_process_grounded_object_detection(
        outputs, threshold=0.0, target_sizes=[size]
    )
    return best_first(result, phrase, notes, clip=size)


OWLV2 = ComparatorKind(
    id="owlv2",
    title="OWLv2",
    model_type="owlv2",
    model_class="Owlv2ForObjectDetection",
    processor_class="Owlv2Processor",
    example="google/owlv2-base-patch16-ensemble",
    find=find,
)
