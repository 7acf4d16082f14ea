"""Small pictures of examples: what is meant, and where a run puts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vlmscope.data.datasets import EvalSample, Referent
from vlmscope.evaluation.breakdowns.sentence_report import SentenceReport
from vlmscope.evaluation.rows import sentence_id
from vlmscope.markup import jpeg
from vlmscope.report import Photo
from vlmscope.results.drawing import resized, scale_factor
from vlmscope.types import Box
from vlmscope.viz.pens import ORANGE, draw_box, draw_point, outline_mask

__all__ = ["KEY", "example_photos"]

KEY = (
    "Orange: what is meant, the outline of its mask, or a box around each object where there is no mask. "
    "White: the run's box, and a ring at its point. Turquoise: the outline of the run's mask."
)

_SIDE, _SMALLEST = 300, 160  # pixels of the longer side at most, of the shorter at least
_ALL_BYTES = 2_200_000  # of all pictures of a page; a third more as text
_MOST_BYTES = 24_000  # of one of them
_STROKE = 2

_Row = Mapping[str, Any]
_Name = tuple[str, str, str]


def example_photos(report: SentenceReport) -> dict[_Name, Photo]:
    """The pictures of all examples, by label of the run, image and id of the sentence.

    Each image is opened once, and let go of before the next is; every run looks at it once more where
    its mask is shown.

    Args:
        report: with ``again``; without it there are no pictures.

    Raises:
        BadImageError, BadSampleError: an image that is no longer what it was.
    """
    if report.again is None:
        return {}
    wanted: dict[str, dict[str, dict[str, _Row]]] = {}
    for run in report.examples:
        for row in run.rows:
            wanted.setdefault(row["image"], {}).setdefault(run.label, {})[row["id"]] = row
    count = sum(len(rows) for runs in wanted.values() for rows in runs.values())
    most = min(_MOST_BYTES, _ALL_BYTES // max(1, count))
    photos = {}
    for image, runs in wanted.items():
        sample, places = report.again(image, list(runs))
        numbers = {sentence_id(sample, index): index for index in range(len(sample.referents))}
        for label, found in places:
            for sentence, row in runs[label].items():
                index = numbers[sentence]
                drawn = _drawn(sample, sample.referents[index], row, found[index].mask)
                photos[label, image, sentence] = _photo(drawn, row, most)
    return photos


def _drawn(
    sample: EvalSample, referent: Referent, row: _Row, mask: NDArray[np.bool_] | None
) -> Image.Image:
    height, width = sample.image.size
    factor = scale_factor(height, width, _SIDE, _SMALLEST)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    image = Image.fromarray(resized(sample.image.pixels, size))
    truth = None if referent.absent else referent.target.mask
    if truth is not None:
        image = outline_mask(image, truth, _STROKE, ORANGE)
    else:
        for box in row["truths"] or ([row["truth"]] if row["truth"] else []):
            draw_box(image, _scaled(box, factor), _STROKE, ORANGE)
    if mask is not None:
        image = outline_mask(image, mask, 1)
    if row["box"] is not None:
        draw_box(image, _scaled(row["box"], factor), 1)
    if row["point"] is not None:
        x, y = row["point"]
        draw_point(image, (x * factor, y * factor), 1)
    return image


def _scaled(box: Sequence[float], factor: float) -> Box:
    x0, y0, x1, y1 = (value * factor for value in box)
    return x0, y0, x1, y1


def _photo(image: Image.Image, row: _Row, most: int) -> Photo:
    data, size = jpeg(image, most, _SMALLEST // 2)
    return Photo(data, size, f"“{row['text']}”", _said(row))


def _said(row: _Row) -> str:
    if row["absent"]:
        score = "" if row["score"] is None else f", score {row['score']:.3g}"
        return f"nothing of the kind is there{score}"
    parts = ["no box" if row["box"] is None else f"IoU {row['iou']:.2f}"]
    if row["mask_iou"] is not None:
        parts.append(f"mask {row['mask_iou']:.2f}")
    return ", ".join(parts)
