"""SAM 3 asked by text: a box and a mask for every query, scored against a noun phrase.

A score is that of the query times that of presence, whether the image holds such a thing at all. The
model was made for short noun phrases, not for sentences. transformers prepares its images by
torchvision alone.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.evaluation.comparators.detections import (
    best_first,
    check_numbers,
    cut_note,
    prepared,
)
from vlmscope.evaluation.comparators.found import Found
from vlmscope.evaluation.comparators.kinds import ComparatorKind

__all__ = ["SAM_3", "find"]

_ALL = -1.0  # below every score: the best box is the answer, however low its score


def find(hf: Any, processor: Any, pixels: NDArray[np.uint8], phrase: str) -> Found:
    """Find a phrase; see :data:`vlmscope.evaluation.comparators.kinds.Find`.

    Boxes are those of all queries; the mask is that of the best box. Boxes are not cut at the image's
    edge: the reference does not cut them.

    Raises:
        BadImageError, UnsupportedError: from the steps.
    """
    size = pixels.shape[:2]
    most = hf.config.text_config.max_position_embeddings  # 32: longer ones are cut
    notes = cut_note(processor, phrase, most)
    words = processor.tokenizer(
        [phrase], return_tensors="pt", padding="max_length", max_length=most, truncation=True
    )
    outputs = hf(
        pixel_values=prepared(hf, processor, pixels, None)["pixel_values"],
        **{name: words[name].to(hf.device) for name in ("input_ids", "attention_mask")},
    )
    check_numbers(hf, outputs.pred_logits, outputs.pred_boxes, outputs.presence_logits)
    # masks are enlarged to the image: of all queries they would be gigabytes, so the boxes come first
    bare = _queries(outputs, slice(None), outputs.pred_masks[:, :, :1, :1])
    every = _processed(processor, bare, size)
    found = best_first(every, phrase, notes)
    best = int(every["scores"].cpu().argsort(descending=True, stable=True)[0])  # as best_first does
    one = slice(best, best + 1)
    drawn = _processed(processor, _queries(outputs, one, outputs.pred_masks[:, one]), size)
    return replace(found, mask=drawn["masks"][0].bool().cpu().numpy())


def _queries(outputs: Any, chosen: slice, masks: torch.Tensor) -> SimpleNamespace:
    """What post-processing reads of the model's answer, of some queries."""
    return SimpleNamespace(
        pred_logits=outputs.pred_logits[:, chosen].float(),
        pred_boxes=outputs.pred_boxes[:, chosen].float(),
        pred_masks=masks.float(),
        presence_logits=outputs.presence_logits.float(),
    )


def _processed(processor: Any, outputs: Any, size: tuple[int, ...]) -> dict[str, Any]:
    (result,) = processor.post_process_instance_segmentation(
        outputs, threshold=_ALL, target_sizes=[size]
    )
    return dict(result)


SAM_3 = ComparatorKind(
    id="sam3",
    title="SAM 3",
    model_type="sam3",
    other_types=("sam3_video",),  # the published checkpoint holds the video model as a whole
    model_class="Sam3Model",
    processor_class="Sam3Processor",
    example="facebook/sam3",
    find=find,
    draws=True,
    torchvision=True,
    limits="noun phrases only: it was not made for sentences",
)
