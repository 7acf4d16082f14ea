"""What detectors with scored boxes share: inputs that fit, numbers that are some, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.errors import BadImageError, UnsupportedError
from vlmscope.evaluation.comparators.found import Found

__all__ = ["best_first", "check_numbers", "cut_note", "prepared"]


_NARROW = 100  # times as long as wide: below it no processor leaves nothing of the short side


def prepared(
    hf: Any, processor: Any, pixels: NDArray[np.uint8], text: str | None, **options: Any
) -> dict[str, Any]:
    """An image and a text as a model takes them, on its device and in its dtype.

    Args:
        hf: the model.
        processor: its processor.
        pixels: uint8 (height, width, 3).
        text: what is asked; None: the image alone.
        **options: for the processor.

    Raises:
        BadImageError: an image so narrow that nothing is left of its short side.
    """
    try:
        inputs = processor(
            images=[pixels],
            **({} if text is None else {"text": [text]}),
            # said, not guessed: an image three pixels high looks like one with channels first
            input_data_format="channels_last",
            return_tensors="pt",
            **options,
        )
    except ValueError as error:
        height, width = pixels.shape[:2]
        if max(height, width) < _NARROW * min(height, width):
            raise
        raise BadImageError(
            f"The image of {height}x{width} pixels cannot be prepared for {type(hf).__name__}: "
            f"{error}. Give one that is less narrow."
        ) from error
    return {name: _moved(value, hf) for name, value in inputs.items()}


def _moved(value: Any, hf: Any) -> Any:
    return value.to(hf.device, hf.dtype if value.is_floating_point() else None)


def check_numbers(hf: Any, *outputs: torch.Tensor) -> None:
    """Refuse boxes or scores that are no numbers: they would count as misses of the detector.

    Args:
        hf: the model.
        *outputs: its scores and boxes.

    Raises:
        UnsupportedError: names the dtype.
    """
    if any(bool(each.isnan().any()) for each in outputs):
        raise UnsupportedError(
            f"{type(hf).__name__} computes numbers that are none (NaN) in {hf.dtype}. Load it with "
            "dtype='float32'."
        )


def cut_note(processor: Any, text: str, most: int) -> tuple[str, ...]:
    """What is to be said of a text that a model's context cuts.

    Args:
        processor: of the model.
        text: what is asked.
        most: tokens that the model takes.
    """
    count = len(processor.tokenizer(text, verbose=False)["input_ids"])
    if count <= most:
        return ()
    return (f"The phrase was cut to the {most} of its {count} tokens that the model takes.",)


def best_first(
    result: Mapping[str, Any],
    text: str,
    notes: tuple[str, ...],
    clip: tuple[int, int] | None = None,
) -> Found:
    """What transformers' post-processing gives for one image, by falling score.

    Args:
        result: ``boxes`` (boxes, 4) in xyxy pixels and ``scores`` (boxes,).
        text: what the model was given.
        notes: for the result.
        clip: (height, width) that boxes are cut to; None: they stay as they are.
    """
    # stable: which of two equal boxes comes first must not hang on the machine
    scores, order = result["scores"].float().cpu().sort(descending=True, stable=True)
    boxes = result["boxes"].float().cpu()[order]
    if clip is not None:
        height, width = clip
        boxes = boxes.clamp(min=0).minimum(torch.tensor([width, height] * 2, dtype=boxes.dtype))
    return Found(boxes.numpy(), scores.numpy(), text, notes=notes)
