"""One row per sentence: all that is kept of it, and what every score on sentences is made of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample, Referent
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.io import atomic_path
from vlmscope.metrics import Absent, Rec, Res, Threshold
from vlmscope.metrics.records import header

__all__ = ["Row", "Rows", "sentence_rows", "write_rows"]

Row = dict[str, Any]
"""JSON values of one sentence under one method, see :func:`sentence_rows`."""

Rows = Iterable[Mapping[str, Any]]
"""Rows of many sentences that can be gone through again; they are read one by one."""

_FIRST = ("id", "image", "text", "method")
_DIGITS = 6


def sentence_rows(sample: EvalSample, result: ImageResult, instances: bool) -> list[Row]:
    """The rows of all sentences of an image.

    Each holds ``id``, ``image``, ``text``; the method's ``box``, ``point`` and ``score``; ``truth``,
    the box around what is meant, or null where nothing is (``absent``); ``iou`` of the boxes and
    ``mask_iou``, null where there is none. Beside it: ``centre`` and ``pointing``, whether the box's
    centre lies in the true box and the peak on the object; ``chance`` of pointing; ``inside`` and
    ``union`` of the masks in pixels that count; ``truths``, the box of each object; ``tags``; and
    with ``instances`` the method's ``boxes`` and their ``scores``. Who draws no masks or gives no
    scores has null there, and may add remarks of its own, such as an ``answer`` word for word.

    Args:
        sample: the image and what is said of it.
        result: a method on it.
        instances: look for every object of a sentence, which takes its time.

    Raises:
        BadSampleError: a score that is not finite.
    """
    answers = zip(sample.referents, result.places(), result.pointing(), strict=True)
    return [
        _row(sample.image_id, index, referent, place, pointing, instances)
        for index, (referent, place, pointing) in enumerate(answers)
    ]


def write_rows(
    path: str | os.PathLike[str], runs: Sequence[tuple[str, Rows, Threshold | None]]
) -> None:
    """Write rows as JSON lines, whole or not at all: all of a method, then those of the next.

    Args:
        path: of the file.
        runs: labels of the methods with their rows, which are taken one by one, and with their
            thresholds: where there is one, a row says whether its sentence is ``rejected``.

    Raises:
        OutputError: a place that cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for label, rows, threshold in runs:
            for row in rows:
                named = {**row, "method": label}
                if threshold is not None:
                    named["rejected"] = threshold.rejects(row["score"])
                ordered = {key: named[key] for key in _FIRST} | named
                stream.write(json.dumps(ordered, ensure_ascii=False, allow_nan=False) + "\n")


def _row(
    image_id: str,
    index: int,
    referent: Referent,
    place: Place,
    pointing: tuple[int, float],
    instances: bool,
) -> Row:
    ids = header(referent.id or f"{image_id}/{index}", image_id)
    row: Row = {
        **ids,
        "text": referent.label,
        "box": _numbers(place.box),
        "point": _numbers(place.point),
        "score": None,
        "truth": None,
        "iou": None,
        "mask_iou": None,
        **_presence(ids, place.score, referent.absent),
        **_masks(ids, referent, place.mask),
    }
    if not referent.absent:
        hit, chance = pointing
        row |= Rec(points=False).record(
            **_named(ids), predicted=place.box, truth=referent.target.box
        )
        row |= {"truth": _numbers(referent.target.box)}
        row |= {"pointing": bool(hit), "chance": round(chance, _DIGITS)}
    row["truths"] = [_numbers(each.box) for each in referent.instances]
    if instances:
        boxes = place.boxes
        row["boxes"] = [_numbers(each.box) for each in boxes]
        row["scores"] = [None if each.score is None else float(each.score) for each in boxes]
    row |= place.remarks
    return {**row, "tags": dict(referent.tags)} if referent.tags else row


def _presence(ids: Mapping[str, Any], score: float | None, absent: bool) -> Row:
    if score is None:
        return {"score": None, "absent": absent}
    return Absent().record(**_named(ids), score=score, absent=absent)


def _masks(ids: Mapping[str, Any], referent: Referent, mask: NDArray[np.bool_] | None) -> Row:
    """Intersection and union in pixels that count; of what is absent the union is the mask's area.

    Null where the one or the other has no mask: a box is not taken for one.
    """
    truth = None if mask is None else _truth(referent, mask)
    if mask is None or truth is None:
        return {"inside": None, "union": None}
    if referent.ignore is not None:
        mask, truth = mask & ~referent.ignore, truth & ~referent.ignore
    record = Res().record(**_named(ids), predicted=mask, truth=truth)
    if referent.absent:
        return record
    return {**record, "mask_iou": record["inside"] / record["union"] if record["union"] else 1.0}


def _truth(referent: Referent, mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    return np.zeros_like(mask) if referent.absent else referent.target.mask


def _named(ids: Mapping[str, Any]) -> dict[str, Any]:
    return {"sample": ids["id"], "image": ids["image"]}


def _numbers(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]
