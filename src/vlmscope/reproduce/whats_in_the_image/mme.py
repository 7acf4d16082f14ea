"""MME's questions, answered from the compressed context of a description."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.analysis.context.asking import unread_words
from vlmscope.analysis.context.compress import read_image
from vlmscope.analysis.record import run_record
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.questions import BAD_QUESTION
from vlmscope.data.resume import SampleLog, measured
from vlmscope.errors import BadSampleError, VlmscopeWarning
from vlmscope.metrics import Score
from vlmscope.metrics.mme import Mme
from vlmscope.metrics.records import Record
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.paper import MME_KEEPS
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, shown, together

__all__ = ["measure_mme", "spread_mme"]

_ACCURACY = "MME ACC"
_SHOWN = (_ACCURACY, "MME ACC+", "MME perception", "MME cognition")
_ANSWER = 8  # tokens of an answer; its first word decides
_COLUMNS = ("image tokens kept", "positions kept", "score", "value", "interval", "images")
_NOTE = (
    "The image is read once under the description prompt; each question is asked afresh from what is "
    "kept of it. The perception and cognition scores are sums of 100 (acc + acc+) over categories."
)


def spread_mme(data: MmeSet, limit: int | None = None) -> tuple[str, ...]:
    """Ids of pictures: all, or so many, spread evenly over the categories."""
    return data.spread(limit)


def measure_mme(job: Job, data: MmeSet, image_ids: Sequence[str], state: Path | None) -> Part:
    """Accuracy from contexts of every size; see :func:`vlmscope.compress_context`.

    Args:
        job: model and settings; its images are not looked at.
        data: the opened set.
        image_ids: which pictures are asked about.
        state: file of finished pictures; None: nowhere.

    Raises:
        BadSampleError: not one picture can be used.
    """
    run = run_record(
        job.model,
        analysis="mme from compressed contexts",
        prompt=job.images.prompt,
        keeps=[keep for _, keep, _ in MME_KEEPS],
        max_new_tokens=job.max_new_tokens,
        answer_tokens=_ANSWER,
        dataset=data.digest,
    )
    log = SampleLog(state, run)
    done = measured(
        image_ids,
        log,
        lambda image_id: _measure(job, data, image_id),
        key=str,
        title="MME",
        progress=job.progress,
        bad=BAD_QUESTION,
    )
    skipped = together(f"{place}: {reason}" for place, reason in done.skipped)
    if not done.ids:
        raise BadSampleError(f"None of MME's pictures can be used. The first: {skipped[0]}")
    records = [log[image_id] for image_id in done.ids]
    _warn(records)
    scores: dict[str, Score] = {}
    rows: list[tuple[object, ...]] = []
    for place, (id, keep, _) in enumerate(MME_KEEPS):
        by_name = {each.metric: each for each in _scores(records, place, job.seed)}
        scores[id] = by_name[_ACCURACY]
        tokens = float(np.mean([record["kept"][place]["tokens"] for record in records]))
        rows += [(f"{keep:.0%}", tokens, name, *shown(by_name[name])) for name in _SHOWN]
    table = Table("mme", "MME from compressed contexts", _COLUMNS, rows, _NOTE)
    return Part(scores, (table,), run, skipped)


def _measure(job: Job, data: MmeSet, image_id: str) -> dict[str, Any]:
    both = data.questions(image_id)
    read = read_image(
        job.model,
        both[0].question.image,
        job.images.prompt,
        by="attention",
        max_new_tokens=job.max_new_tokens,
    )
    kept = []
    with unread_words() as unread:
        for _, keep, _ in MME_KEEPS:
            context = read.compressed(keep)
            answers = [context.ask(each.question.text, _ANSWER) for each in both]
            kept.append({"tokens": context.tokens, "answers": answers})
    questions = [{"id": each.id, "category": each.category, "truth": each.truth} for each in both]
    return {"questions": questions, "kept": kept, "unread": unread}


def _warn(records: Sequence[dict[str, Any]]) -> None:
    strange = [record["unread"][0] for record in records if record["unread"]]
    if strange:
        warnings.warn(
            f"The questions on {len(strange)} of {len(records)} pictures of MME: {strange[0]}",
            VlmscopeWarning,
            stacklevel=3,
        )


def _scores(records: Sequence[dict[str, Any]], place: int, seed: int) -> list[Score]:
    return Mme().scores(list(_answers(records, place)), seed=seed)


def _answers(records: Sequence[dict[str, Any]], place: int) -> Iterator[Record]:
    """The metric's record of every question, from the contexts of one size."""
    metric = Mme()
    for record in records:
        for asked, text in zip(record["questions"], record["kept"][place]["answers"], strict=True):
            yield metric.record(
                asked["id"], record["id"], asked["category"], text, truth=asked["truth"]
            )
