"""Measuring every question of a list: bad ones are left out with the reason, repeats count once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from vlmscope.data.questions import BAD_QUESTION, Question, as_questions
from vlmscope.data.resume import SampleLog, how_many, measured
from vlmscope.data.skipped import SkippedSample, skipped_samples
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import BadSampleError, SkippedWarning
from vlmscope.models import LoadedModel

__all__ = ["MeasuredQuestions", "measure_questions"]


@dataclass(frozen=True)
class MeasuredQuestions:
    """What became of a list of questions.

    Attributes:
        ids: keys of the questions that have a record in the log, in order; each occurs once.
        skipped: the others, with the reason.
    """

    ids: tuple[str, ...]
    skipped: tuple[SkippedSample, ...]


def measure_questions(
    model: LoadedModel,
    samples: Iterable[Any],
    log: SampleLog,
    measure: Callable[[Question], dict[str, Any]],
    *,
    needed_by: str,
    title: str,
    key: Callable[[Question], str] = lambda question: question.digest,
    progress: bool = False,
) -> MeasuredQuestions:
    """Measure every question that a log does not hold yet, one by one.

    Args:
        model: whose world the pictures may lie outside of, which is warned of once.
        samples: see :func:`vlmscope.data.questions.as_questions`.
        log: where records go.
        measure: makes a question's record; raises one of ``BAD_QUESTION`` where it cannot.
        needed_by: who cannot do without a question, for the message.
        title: of the bar.
        key: a question's name in the log; questions of one name count once.
        progress: show the bar, on stderr.

    Raises:
        BadSampleError: no question at all, or none that can be used; says the first reason.
        OutputError: a log that cannot be written.
    """
    unreadable: list[tuple[str, str]] = []
    strange = StrangePictures(model)
    done = measured(
        strange.watched(as_questions(samples, unreadable)),
        log,
        measure,
        key=key,
        name=lambda question: question.place or question.digest,
        title=title,
        total=how_many(samples),
        progress=progress,
        bad=BAD_QUESTION,
    )
    skipped = skipped_samples(samples, (*unreadable, *done.skipped))
    if not done.ids and not skipped:
        raise BadSampleError(f"{needed_by} needs at least one question about an image, got none.")
    if not done.ids:
        raise BadSampleError(
            f"None of the {len(skipped)} questions can be used. The first is {skipped[0]}"
        )
    if skipped:
        warnings.warn(
            f"{len(skipped)} questions were skipped. The first is {skipped[0]}",
            SkippedWarning,
            stacklevel=3,
        )
    strange.warn()
    return MeasuredQuestions(done.ids, skipped)
