"""One row per sentence: all that is kept of it, and what every score on sentences is made of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample, Referent
from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.pointed import area_share
from vlmscope.io import atomic_path
from vlmscope.metrics import Absent, Rec, Res
from vlmscope.metrics.records import header

__all__ = ["Row", "Rows", "sentence_id", "sentence_rows", "write_rows"]

Row = dict[str, Any]
"""JSON values of one sentence under one method, see :func:`sentence_rows`."""

Rows = Iterable[Mapping[str, Any]]
"""Rows of many sentences that can be gone through again; they are read one by one."""

_FIRST = ("id", "image", "text", "method")
_DIGITS = 6


def sentence_rows(
    sample: EvalSample, result: ImageResult, instances: bool, kinds: Sequence[str] = ()
) -> list[Row]:
    """The rows of all sentences of an image.

    Each holds ``id``, ``image``, ``text``; the method's ``box``, ``point`` and ``score``; ``truth``,
    the box around what is meant, or null where nothing is (``absent``); ``iou`` of the boxes and
    ``mask_iou``, null where there is none. Beside it: ``centre`` and ``pointing``, whether the box's
    centre lies in the true box and the peak on the object; ``chance`` of pointing; ``share`` of the
    image that the object covers, its box where there is no mask; ``inside`` and ``union`` of the
    masks in pixels that count; ``truths``, the box of each object; ``tags``; and with ``instances``
    the method's ``boxes`` and their ``scores``. Who draws no masks or gives no
    scores has null there, and may add remarks of its own, such as an ``answer`` word for word.

    Args:
        sample: the image and what is said of it.
        result: a method on it.
        instances: look for every object of a sentence, which takes its time.
        kinds: of ``evidence`` that rows hold beside the score, by :mod:`vlmscope.evaluation.evidence`.

    Raises:
        BadSampleError: a score or other evidence that is not finite.
    """
    answers = zip(sample.referents, result.places(), result.pointing(), strict=True)
    return [
        _row(sample, index, referent, place, pointing, instances, kinds)
        for index, (referent, place, pointing) in enumerate(answers)
    ]


def write_rows(
    path: str | os.PathLike[str], runs: Sequence[tuple[str, Rows, Decision | None]]
) -> None:
    """Write rows as JSON lines, whole or not at all: all of a method, then those of the next.

    Args:
        path: of the file.
        runs: labels of the methods with their rows, which are taken one by one, and with how they
            decide: where they do, a row says whether its sentence is ``rejected``.

    Raises:
        OutputError: a place that cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for label, rows, decision in runs:
            for row in rows:
                named = {**row, "method": label}
                if decision is not None:
                    named["rejected"] = decision.rejects(row)
                ordered = {key: named[key] for key in _FIRST} | named
                stream.write(json.dumps(ordered, ensure_ascii=False, allow_nan=False) + "\n")


def _row(
    sample: EvalSample,
    index: int,
    referent: Referent,
    place: Place,
    pointing: tuple[int, float],
    instances: bool,
    kinds: Sequence[str],
) -> Row:
    ids = header(sentence_id(sample, index), sample.image_id)
    row: Row = {
        **ids,
        "text": referent.label,
        "box": _numbers(place.box),
        "point": _numbers(place.point),
        "score": None,
        "truth": None,
        "iou": None,
        "mask_iou": None,
        **_presence(ids, place, referent.absent, kinds),
        **_masks(ids, referent, place.mask),
    }
    if not referent.absent:
        hit, chance = pointing
        row |= Rec(points=False).record(
            **_named(ids), predicted=place.box, truth=referent.target.box
        )
        row |= {"truth": _numbers(referent.target.box)}
        row |= {"pointing": bool(hit), "chance": round(chance, _DIGITS)}
        row["share"] = area_share(referent.target.shape, sample.image.size)
    row["truths"] = [_numbers(each.box) for each in referent.instances]
    if instances:
        boxes = place.boxes
        row["boxes"] = [_numbers(each.box) for each in boxes]
        row["scores"] = [None if each.score is None else float(each.score) for each in boxes]
    row |= place.remarks
    return {**row, "tags": dict(referent.tags)} if referent.tags else row


def sentence_id(sample: EvalSample, index: int) -> str:
    """The id of one of an image's sentences: its own, else one made of the image's."""
    return sample.referents[index].id or f"{sample.image_id}/{index}"


def _presence(ids: Mapping[str, Any], place: Place, absent: bool, kinds: Sequence[str]) -> Row:
    """What speaks for the sentence meaning something, and whether it does."""
    row: Row = {"score": None, "absent": absent}
    if place.score is not None:
        row = Absent().record(**_named(ids), score=place.score, absent=absent)
    if not kinds:
        return row
    values = {kind: place.evidence[kind] for kind in kinds}
    checked = {
        kind: Absent().record(**_named(ids), score=value, absent=absent)["score"]
        for kind, value in values.items()
    }
    return {**row, "evidence": checked}


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
