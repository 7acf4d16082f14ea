"""Accuracy from a compressed context against how much of it is kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from vlmscope.analysis.context.asking import Asking, unread_words
from vlmscope.analysis.context.curve import ContextCurve
from vlmscope.analysis.context.importance import MEASURES
from vlmscope.analysis.context.points import context_points
from vlmscope.analysis.record import run_record
from vlmscope.data.datasets.mme import MmeSet
from vlmscope.data.question_jobs import measure_questions
from vlmscope.data.questions import BAD_QUESTION, Question
from vlmscope.data.resume import SampleLog, measured
from vlmscope.data.skipped import SkippedSample, skipped_samples
from vlmscope.errors import BadOptionError, BadSampleError, VlmscopeWarning
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_number, check_word

__all__ = ["KEEPS", "context_sweep"]

KEEPS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Shares of the image tokens that are tried unless said otherwise."""


def context_sweep(
    model: LoadedModel,
    samples: Iterable[Any] | MmeSet,
    keeps: Sequence[float] = KEEPS,
    by: Sequence[str] = MEASURES,
    *,
    prompt: str | None = "describe the picture",
    preset: str | None = "chat",
    placement: str | None = None,
    max_new_tokens: int = 32,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    progress: bool = False,
) -> ContextCurve:
    """Ask every question from contexts of every size.

    Args:
        model: the model.
        samples: see :func:`vlmscope.data.questions.as_questions`; references make accuracies. Or an
            opened MME, whose two questions on a picture share its passes and which is scored as MME
            is. Those that cannot be used or repeat another are skipped, counted and warned of.
        keeps: shares of image tokens.
        by: measures of importance.
        prompt, preset, placement: as for :func:`compress_context`.
        max_new_tokens: longest answer.
        seed: of the random control and of the intervals.
        resume: state file: finished pictures are not computed again.
        limit: of MME so many pictures, spread over its categories; None: all.
        progress: show a bar on stderr.

    Raises:
        BadOptionError: no share or measure, or a share outside 0..1.
        UnknownNameError: an unknown measure.
        BadSampleError: no question, or none that can be used.
    """
    check_model(model)
    _check(keeps, by)
    settings = {"preset": preset, "placement": placement, "seed": seed}
    asking = Asking(model, tuple(keeps), tuple(by), prompt, max_new_tokens, settings)
    run = run_record(
        model,
        analysis="context",
        keeps=list(keeps),
        by=list(by),
        prompt=prompt,
        preset=preset,
        placement=placement,
        max_new_tokens=max_new_tokens,
        seed=seed,
        **({"dataset": samples.digest} if isinstance(samples, MmeSet) else {}),
    )
    log = SampleLog(resume, run)
    if isinstance(samples, MmeSet):
        ids, skipped = _ask_mme(asking, samples, limit, log, progress)
    else:
        ids, skipped = _ask_questions(asking, samples, log, progress)
    records = tuple(log[each] for each in ids)
    count = sum(len(record["questions"]) for record in records)
    return ContextCurve(run, count, context_points(records, seed), skipped, records)


def _check(keeps: Sequence[float], by: Sequence[str]) -> None:
    for keep in keeps:
        check_number("keeps", keep, at_least=0, at_most=1)
    for measure in by:
        check_word("by", measure, MEASURES)
    for name, values in (("keeps", keeps), ("by", by)):
        if not values or len(set(values)) < len(values):
            raise BadOptionError(
                f"The option {name} takes one or more different values, got {list(values)!r}."
            )


def _ask_questions(
    asking: Asking, samples: Iterable[Any], log: SampleLog, progress: bool
) -> tuple[tuple[str, ...], tuple[SkippedSample, ...]]:
    """One record per question."""

    def measure(question: Question) -> dict[str, Any]:
        asked = {
            "id": question.digest_with_references,
            "question": question.text,
            "references": list(question.references),
        }
        return {"questions": [asked], "contexts": asking.ask(question.image, [question.text])}

    done = measure_questions(
        asking.model,
        samples,
        log,
        measure,
        needed_by="A sweep over contexts",
        key=lambda question: question.digest_with_references,
        title="context",
        progress=progress,
    )
    return done.ids, done.skipped


def _ask_mme(
    asking: Asking, data: MmeSet, limit: int | None, log: SampleLog, progress: bool
) -> tuple[tuple[str, ...], tuple[SkippedSample, ...]]:
    """One record per picture, with both of its questions."""

    def measure(image_id: str) -> dict[str, Any]:
        both = data.questions(image_id)
        with unread_words() as unread:
            contexts = asking.ask(both[0].question.image, [each.question.text for each in both])
        questions = [
            {
                "id": each.id,
                "question": each.question.text,
                "references": list(each.question.references),
                "category": each.category,
                "truth": each.truth,
            }
            for each in both
        ]
        return {"questions": questions, "contexts": contexts, "unread": unread[:1]}

    chosen = data.spread(limit)
    done = measured(
        chosen, log, measure, key=str, title="context", progress=progress, bad=BAD_QUESTION
    )
    left_out = [(each.image_id, each.reason) for each in data.skipped]
    skipped = skipped_samples(chosen, (*left_out, *done.skipped))
    if not done.ids:
        raise BadSampleError(f"None of MME's pictures can be used. The first: {skipped[0]}")
    _warn([log[each]["unread"] for each in done.ids])
    return done.ids, skipped


def _warn(unread: Sequence[Sequence[str]]) -> None:
    strange = [texts[0] for texts in unread if texts]
    if strange:
        warnings.warn(
            f"The questions on {len(strange)} of {len(unread)} pictures of MME: {strange[0]}",
            VlmscopeWarning,
            stacklevel=4,
        )
