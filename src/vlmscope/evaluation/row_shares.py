"""The share of sentences of which something holds, as a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vlmscope.evaluation.rows import Rows
from vlmscope.metrics import mean_over_images
from vlmscope.metrics.image_sums import SENTENCES
from vlmscope.metrics.score import Score

__all__ = ["share_of_rows"]


def share_of_rows(
    metric: str, rows: Rows, holds: Callable[[Mapping[str, Any]], bool], seed: int, **detail: Any
) -> Score:
    """The share of rows of which something holds, with an interval from resampling images.

    Args:
        metric: name of the score.
        rows: one per sentence.
        holds: whether it holds of a row.
        seed: of the bootstrap.
        **detail: JSON values beside it; ``count``, how many rows there are, is always among them.
    """
    pairs = [(holds(row), row["image"]) for row in rows]
    values, images = [value for value, _ in pairs], [image for _, image in pairs]
    share = mean_over_images(values, images, seed=seed) if pairs else None
    counted = {"count": sum(values), **detail}
    return Score(metric, share, len(pairs), SENTENCES, len(set(images)), counted)
