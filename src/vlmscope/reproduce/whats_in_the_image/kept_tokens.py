"""What a description keeps when it is asked again from a few image tokens of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.analysis.context.compress import read_image
from vlmscope.analysis.record import run_record
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import Question
from vlmscope.data.resume import SampleLog
from vlmscope.metrics import Score
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.paper import KEEPS
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, mean_score, shown, together

__all__ = ["measure_kept"]

_BY = "attention"
_COLUMNS = ("kept", "F1", "interval", "images", "positions kept", "same words")
_NOTE = (
    "F1 of the objects named, against what is said from all image tokens; positions kept: in a layer, "
    "text included; same words: answers that are those from all image tokens."
)
_HELD_NOTE = (
    "Share of what the description's rows give to the image that the kept tokens of a layer hold; mean "
    "over images. An even look would hold as much as is kept."
)


def measure_kept(job: Job, state: Path | None) -> Part:
    """The description, asked again from compressed contexts of every size.

    The image is read once under the prompt; see :func:`vlmscope.compress_context`.

    Args:
        job: model, images and settings.
        state: file of finished images; None: nowhere.
    """
    run = run_record(
        job.model,
        analysis="kept tokens",
        prompt=job.images.prompt,
        keeps=list(KEEPS),
        by=_BY,
        max_new_tokens=job.max_new_tokens,
        marked_by=f"objects {job.words.digest}",
    )
    log = SampleLog(state, run)
    done = measure_questions(
        job.model,
        job.images,
        log,
        lambda question: _measure(job, question),
        needed_by="A description from fewer tokens",
        title="kept tokens",
        progress=job.progress,
    )
    kept = [log[digest]["kept"] for digest in done.ids]  # (images, shares)
    scores: dict[str, Score] = {}
    for place, keep in enumerate(KEEPS):
        id = f"kept-{100 * keep:.0f}"
        scores[id] = mean_score(id, [_number(each[place]["f1"]) for each in kept], seed=job.seed)
    tables = (_table(kept, scores), _held_table(kept))
    return Part(scores, tables, run, together(job.images.skipped, done.skipped))


def _measure(job: Job, question: Question) -> dict[str, Any]:
    read = read_image(
        job.model, question.image, question.text, by=_BY, max_new_tokens=job.max_new_tokens
    )
    whole = read.compressed(1.0).ask(question.text, job.max_new_tokens)
    kept = []
    for keep in KEEPS:
        context = read.compressed(keep)
        answer = context.ask(question.text, job.max_new_tokens)
        kept.append(
            {
                "answer": answer,
                "f1": job.words.f1(answer, whole),
                "same": answer == whole,
                "tokens": context.tokens,
                "held": [round(float(share), 6) for share in read.held(keep)],
            }
        )
    return {"said": read.said, "whole": whole, "kept": kept}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _table(kept: Sequence[Sequence[dict[str, Any]]], scores: dict[str, Score]) -> Table:
    rows = [
        (
            f"{keep:.0%}",
            *shown(score),
            float(np.mean([each[place]["tokens"] for each in kept])),
            float(np.mean([each[place]["same"] for each in kept])),
        )
        for place, (keep, score) in enumerate(zip(KEEPS, scores.values(), strict=True))
    ]
    return Table("kept", "Objects named from some of the image tokens", _COLUMNS, rows, _NOTE)


def _held_table(kept: Sequence[Sequence[dict[str, Any]]]) -> Table:
    shares = np.mean([[each["held"] for each in image] for image in kept], axis=0)
    columns = ("layer", *(f"kept {keep:.0%}" for keep in KEEPS))
    rows = [(layer, *map(float, values)) for layer, values in enumerate(shares.T)]
    return Table("held", "Attention to the image that kept tokens hold", columns, rows, _HELD_NOTE)
