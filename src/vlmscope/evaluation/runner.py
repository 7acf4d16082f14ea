"""Runs methods over a data set: streaming, resumable, several methods in one pass over the images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

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
from vlmscope.evaluation.protocol import protocol_of, setting_of, state_header
from vlmscope.evaluation.scores import Evaluation, RunScores
from vlmscope.evaluation.shared_passes import results_of_methods
from vlmscope.evaluation.tasks import TASKS, Task
from vlmscope.evaluation.vocabulary import Vocabulary
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["evaluate"]

_UNUSABLE = (BadImageError, BadSampleError, BadPhraseError)


@dataclass(frozen=True)
class _Job:
    """What is done to every image."""

    dataset: Dataset
    model: LoadedModel | DualEncoder
    runs: tuple[ConfiguredMethod, ...]
    tasks: tuple[Task, ...]
    words: Vocabulary
    log: SampleLog
    strange: StrangePictures

    def key(self, image_id: str, run: ConfiguredMethod) -> str:
        """Of the record of a run on an image: finished ones are found again by it."""
        return " ".join([image_id, run.digest, *(task.id for task in self.tasks)])

    def missing(self, image_id: str) -> list[ConfiguredMethod]:
        """The runs that have no record of an image yet."""
        return [run for run in self.runs if self.key(image_id, run) not in self.log]

    def measure(self, image_id: str) -> bool:
        """Put the records of the missing runs into the log; returns whether none was missing."""
        missing = self.missing(image_id)
        if not missing:
            return True
        sample = self.dataset.load(image_id)
        self.strange.see(sample.image.pixels)
        words = self.dataset.words
        records = [
            {task.id: task.record(sample, result, words) for task in self.tasks}
            for result in results_of_methods(missing, self.words, sample)
        ]
        for run, record in zip(missing, records, strict=True):
            self.log.add(self.key(image_id, run), {"tasks": record})
        return False

    def scores(self, run: ConfiguredMethod, image_ids: Sequence[str], seed: int) -> RunScores:
        """The scores of one run over images that all have records."""
        records = {i: self.log[self.key(i, run)]["tasks"] for i in image_ids}
        scores = [
            score
            for task in self.tasks
            for score in task.scores(
                {i: record[task.id] for i, record in records.items()}, self.dataset.words, seed
            )
        ]
        return RunScores(run.label, run.method.id, setting_of(run, self.model), tuple(scores))


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

    Raises:
        UnknownNameError: a task that the data set does not have.
        UnsupportedError: a method that does not run on the model, or cannot do a task asked for.
        BadOptionError: a limit below 1.
        BadPhraseError: names that the model cannot take.
        BadSampleError: not one image could be used; says the first reason.
        ModelMismatchError: a state file of something else.
        OutputError: a state file that is none, or cannot be written.
    """
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")
    runs = configure_methods(model, methods)
    chosen = _tasks(dataset, runs, tasks)
    words = Vocabulary.of(model, dataset.words)
    log = SampleLog(resume, state_header(dataset, model))
    job = _Job(dataset, model, runs, chosen, words, log, StrangePictures(model))
    image_ids = list(dataset.image_ids)[:limit]
    failed = _measure_all(job, image_ids, progress)
    skipped = (*dataset.skipped, *failed)
    bad = {image_id for image_id, _ in failed}
    usable = [image_id for image_id in image_ids if image_id not in bad]
    if not usable:
        first = f" The first: {skipped[0].image_id}: {skipped[0].reason}" if skipped else ""
        raise BadSampleError(f"None of {len(skipped)} images of {dataset.id} can be used.{first}")
    job.strange.warn()
    scores = tuple(job.scores(run, usable, seed) for run in runs)
    return Evaluation(protocol_of(dataset, model, chosen, seed), len(usable), skipped, scores)


def _measure_all(job: _Job, image_ids: Sequence[str], progress: bool) -> list[Skipped]:
    skipped = walk(
        image_ids,
        job.measure,
        title=job.dataset.id,
        unit="image",
        progress=progress,
        bad=_UNUSABLE,
    )
    return [Skipped(image_id, reason) for image_id, reason in skipped]


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
