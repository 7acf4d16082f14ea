"""Do the words of a description look at their objects? By ranges of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlmscope.analysis.agreement import plain
from vlmscope.analysis.knockout import ObjectWords
from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens import GroundedAnswer, TokenOptions, token_grounding
from vlmscope.analysis.tokens.peaks import TOLERANCE, around, peak_hits
from vlmscope.data.datasets import EvalSample
from vlmscope.data.questions import BAD_QUESTION, Question
from vlmscope.data.resume import SampleLog, measured
from vlmscope.errors import BadSampleError
from vlmscope.metrics import Score
from vlmscope.reproduce.reproductions import Table
from vlmscope.reproduce.whats_in_the_image.depths import layers_between
from vlmscope.reproduce.whats_in_the_image.paper import LOCALISED
from vlmscope.reproduce.whats_in_the_image.parts import Job, Part, shown, together
from vlmscope.stats import bootstrap_ratios

__all__ = ["measure_localised", "named_words"]

_COLUMNS = ("layers of 80", "layers", "words", "share", "interval", "images")
_NOTE = (
    "words: those that name an object with a mask; lost: those of them that the model no longer says "
    "when its answer may not read the image; share: whose attention peaks in the mask, or near it. A "
    "peak put anywhere would score {chance:.3f}."
)


def measure_localised(job: Job, state: Path | None) -> Part:
    """Peaks of the words of descriptions, see :func:`vlmscope.token_grounding`.

    Args:
        job: model, images and settings.
        state: file of finished images; None: nowhere.

    Raises:
        BadSampleError: not one image with a description can be used.
    """
    spans = _spans(len(job.model.layers))
    run = run_record(
        job.model,
        analysis="localisation of descriptions",
        prompt=job.images.prompt,
        max_new_tokens=job.max_new_tokens,
        spans=[list(span) for span in spans],
        tolerance=TOLERANCE,
        objects=job.words.digest,
    )
    log = SampleLog(state, run)
    done = measured(
        job.images.with_truth(),
        log,
        lambda item: _measure(job, spans, *item),
        key=lambda item: item[0].digest,
        name=lambda item: item[0].place,
        title="words",
        total=len(job.images),
        progress=job.progress,
        bad=BAD_QUESTION,
    )
    skipped = together(job.images.skipped, (f"{place}: {reason}" for place, reason in done.skipped))
    if not done.ids:
        raise BadSampleError(f"None of the images can be used. The first: {skipped[0]}")
    records = [log[digest] for digest in done.ids]
    ids = [f"localised-{80 * a:.0f}-{80 * b:.0f}" for (a, b), _ in LOCALISED]
    lost = _scores(ids, records, "lost", job.seed)
    every = _scores(ids, records, "every", job.seed)
    scores = dict(zip(ids, lost, strict=True))
    return Part(scores, (_table(spans, lost, every, records),), run, skipped)


def named_words(answer: GroundedAnswer, words: ObjectWords) -> Iterator[tuple[int, str]]:
    """Index of a word and the object that it names; of a name of several words the last."""
    pieces = [
        (index, piece)
        for index, word in enumerate(answer.words)
        for piece in plain(word.text).split()
    ]
    for name, _, end in words.mentions([piece for _, piece in pieces]):
        yield pieces[end - 1][0], name


def _spans(depth: int) -> list[tuple[int, int]]:
    """(first, last) layer of each of the paper's ranges, both included."""
    ranges = [layers_between(depth, *share) for share, _ in LOCALISED]
    return [(layers[0], layers[-1]) for layers in ranges]


def _measure(
    job: Job, spans: Sequence[tuple[int, int]], question: Question, sample: EvalSample
) -> dict[str, Any]:
    answer = token_grounding(
        job.model,
        question.image,
        question.text,
        options=TokenOptions(max_new_tokens=job.max_new_tokens),
        phrases=[],
    )
    masks = job.images.masks(sample, job.words)
    regions = {name: around(mask) for name, mask in masks.items()}
    placed = [(i, regions[name]) for i, name in named_words(answer, job.words) if name in regions]
    hits = [peak_hits(answer, index, spans, region) for index, region in placed]
    lost = [answer.words[index].lost for index, _ in placed]
    return {
        "said": answer.text,
        "every": _tally(hits, spans),
        "lost": _tally([each for each, is_lost in zip(hits, lost, strict=True) if is_lost], spans),
        "chance": sum(float(region.mean()) for _, region in placed),
    }


def _tally(hits: Sequence[Sequence[bool]], spans: Sequence[object]) -> dict[str, Any]:
    """Words, and how many of them hit in each range of layers."""
    return {
        "words": len(hits),
        "hits": [sum(each[at] for each in hits) for at in range(len(spans))],
    }


def _scores(
    ids: Sequence[str], records: Sequence[dict[str, Any]], kind: str, seed: int
) -> list[Score]:
    """Hits over words, of the words of a kind; images without such a word are left out."""
    kept = [record[kind] for record in records if record[kind]["words"]]
    total = sum(each["words"] for each in kept)
    if not total:
        return [Score(id, None, 0, "words", 0) for id in ids]
    hits = np.array([each["hits"] for each in kept], dtype=float)
    counts = np.array([each["words"] for each in kept], dtype=float)
    intervals = bootstrap_ratios(hits, counts, seed=seed)
    return [
        Score(id, interval, total, "words", len(kept))
        for id, interval in zip(ids, intervals, strict=True)
    ]


def _table(
    spans: Sequence[tuple[int, int]],
    lost: Sequence[Score],
    every: Sequence[Score],
    records: Sequence[dict[str, Any]],
) -> Table:
    words = sum(record["every"]["words"] for record in records)
    chance = sum(record["chance"] for record in records) / words if words else float("nan")
    rows = [
        (f"{80 * a:.0f}-{80 * b:.0f}", f"{first}-{last}", kind, *shown(score))
        for ((a, b), _), (first, last), *scores in zip(LOCALISED, spans, lost, every, strict=True)
        for kind, score in zip(("lost", "all"), scores, strict=True)
    ]
    return Table(
        "localised", "Words that look at their objects", _COLUMNS, rows, _NOTE.format(chance=chance)
    )
