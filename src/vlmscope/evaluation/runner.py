"""Runs methods over a data set: streaming, resumable, several methods in one pass over the images."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vlmscope.data.datasets import Dataset, Skipped
from vlmscope.data.resume import SampleLog, walk
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    BadPhraseError,
    BadSampleError,
    UnsupportedError,
)
from vlmscope.evaluation.configured_methods import ConfiguredMethod, MethodChoice, configure_methods
from vlmscope.evaluation.image_results import is_dense
from vlmscope.evaluation.job import Job
from vlmscope.evaluation.protocol import protocol_of, state_header
from vlmscope.evaluation.rows import write_rows
from vlmscope.evaluation.scores import Evaluation
from vlmscope.evaluation.tasks import TASKS, SentenceTask, Task
from vlmscope.evaluation.vocabulary import Vocabulary
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["evaluate"]

_UNUSABLE = (BadImageError, BadSampleError, BadPhraseError)


def evaluate(
    dataset: Dataset,
    model: LoadedModel | DualEncoder,
    methods: Sequence[MethodChoice] | None = None,
    *,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
    seed: int = 0,
    rows: str | os.PathLike[str] | None = None,
) -> Evaluation:
    """Measure methods on a data set.

    Images are read one at a time. Each is decoded once for all methods, and dense methods that see
    it at one size share the original path of the tower.

    Args:
        dataset: see :func:`vlmscope.data.datasets.open_dataset`.
        model: the model.
        methods: see :func:`vlmscope.evaluation.configured_methods.choose`; None: all that run on the model.
        tasks: ids; None: all that the data set has truth for and every method can do.
        limit: how many images, from the first; None: all.
        resume: a state file (JSON lines): what is in it is never computed again. Methods may be
            added to it; another model, data set, word list or version is refused.
        progress: show a bar on stderr.
        seed: of the bootstraps.
        rows: a file (JSON lines) for one row per sentence and method, from which every score on
            sentences can be worked out again; it is written at the end, whole or not at all.

    Raises:
        UnknownNameError: a task that the data set does not have.
        UnsupportedError: a method that does not run on the model, or cannot do a task asked for.
        BadOptionError: a limit below 1, or rows where no task is about sentences.
        BadPhraseError: names that the model cannot take.
        BadSampleError: not one image could be used; says the first reason.
        ModelMismatchError: a state file of something else.
        OutputError: a state file that is none, or rows or state that cannot be written.
    """
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    runs = configure_methods(model, methods)
    chosen = _tasks(dataset, runs, tasks)
    if rows is not None:
        _check_rows(dataset, chosen)
    words = Vocabulary.of(model, dataset.words)
    log = SampleLog(resume, state_header(dataset, model))
    job = Job(dataset, model, runs, chosen, words, log, StrangePictures(model))
    image_ids = list(dataset.image_ids)[:limit]
    failed = _measure_all(job, image_ids, progress)
    skipped = (*dataset.skipped, *failed)
    bad = {image_id for image_id, _ in failed}
    usable = [image_id for image_id in image_ids if image_id not in bad]
    if not usable:
        first = f" The first: {skipped[0].image_id}: {skipped[0].reason}" if skipped else ""
        raise BadSampleError(f"None of {len(skipped)} images of {dataset.id} can be used.{first}")
    job.strange.warn()
    if rows is not None:
        write_rows(rows, [(run.label, job.rows(run, usable)) for run in runs])
    scores = tuple(job.scores(run, usable, None, seed) for run in runs)
    return Evaluation(protocol_of(dataset, model, chosen, seed), len(usable), skipped, scores)


def _measure_all(job: Job, image_ids: Sequence[str], progress: bool) -> list[Skipped]:
    skipped = walk(
        image_ids,
        job.measure,
        title=job.dataset.id,
        unit="image",
        progress=progress,
        bad=_UNUSABLE,
    )
    return [Skipped(image_id, reason) for image_id, reason in skipped]


def _check_rows(dataset: Dataset, tasks: Sequence[Task]) -> None:
    if not any(isinstance(task, SentenceTask) for task in tasks):
        sentences = [name for name in dataset.tasks if isinstance(TASKS.get(name), SentenceTask)]
        advice = f"Add one of: {', '.join(sentences)}." if sentences else "Leave rows out."
        raise BadOptionError(
            f"Rows are of sentences, and no task here is about sentences ({dataset.id}: "
            f"{', '.join(task.id for task in tasks)}). {advice}"
        )


def _tasks(
    dataset: Dataset, runs: Sequence[ConfiguredMethod], names: Sequence[str] | None
) -> tuple[Task, ...]:
    """The tasks asked for, or all that fit data set and methods."""
    plain = [run for run in runs if not is_dense(run)]
    if names is None:
        every = [TASKS.get(name) for name in dataset.tasks]
        return tuple(task for task in every if not (task.dense and plain))
    if not names:
        raise BadOptionError(f"No task was named. {dataset.id} has: {', '.join(dataset.tasks)}.")
    chosen = tuple(TASKS.get(name, dataset.tasks) for name in dict.fromkeys(names))
    for task in chosen:
        if task.dense and plain:
            raise UnsupportedError(
                f"The task {task.id} compares classes, which the method {plain[0].method.id!r} "
                "cannot: it answers phrase by phrase. Leave out the one or the other."
            )
    return chosen
