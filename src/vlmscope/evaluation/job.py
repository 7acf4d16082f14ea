"""What is done to every image of an evaluation, and what comes of the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vlmscope.data.datasets import Dataset, EvalSample
from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import picture_id
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.evidence import Decision, Evidence
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.readouts import overlap_of
from vlmscope.evaluation.rows import Rows, sentence_rows
from vlmscope.evaluation.scores import RunScores, Score
from vlmscope.evaluation.tasks import ImageTask, SentenceTask, Task
from vlmscope.evaluation.thresholds import split_of
from vlmscope.metrics.paired import DrawnScore

__all__ = ["Job", "LoggedRows"]


@dataclass(frozen=True)
class Job:
    """What is done to every image.

    Attributes:
        dataset: what is measured on.
        runs: what is measured.
        tasks: the questions.
        log: where records go.
        strange: collects what is unusual about the pictures.
        evidence: what rows hold beside the score.
    """

    dataset: Dataset
    runs: tuple[Entrant, ...]
    tasks: tuple[Task, ...]
    log: SampleLog
    strange: StrangePictures
    evidence: Evidence

    def key(self, image_id: str, run: Entrant) -> str:
        """Of the record of a run on an image: finished ones are found again by it."""
        parts = [image_id, run.digest, *(task.id for task in self.tasks), self.evidence.digest]
        return " ".join(part for part in parts if part)

    def missing(self, image_id: str) -> list[Entrant]:
        """The runs that have no record of an image yet."""
        return [run for run in self.runs if self.key(image_id, run) not in self.log]

    def measure(self, image_id: str) -> bool:
        """Put the records of the missing runs into the log; returns whether none was missing."""
        missing = self.missing(image_id)
        if missing:
            self.finish(image_id, self.trial(image_id), missing)
        return not missing

    def trial(self, image_id: str) -> Trial:
        """An image, loaded for the runs that have no record of it yet."""
        sample = self.dataset.load(image_id)
        self.strange.see(sample.image.pixels)
        return Trial(sample, self.missing(image_id))

    def finish(self, image_id: str, trial: Trial, missing: Sequence[Entrant]) -> None:
        """Put the records of the missing runs into the log."""
        # each result is let go of before the next one looks: its masks are large
        records = [self._record(trial.sample, run, trial.result_of(run)) for run in missing]
        for run, record in zip(missing, records, strict=True):
            self.log.add(self.key(image_id, run), record)

    def rows(self, run: Entrant, image_ids: Sequence[str]) -> LoggedRows:
        """The rows of one run over images that all have records."""
        listed = [each.id for each in self.tasks if isinstance(each, ImageTask) and each.listed]
        return LoggedRows(self.log, partial(self.key, run=run), image_ids, (*listed, None)[0])

    def again(
        self, image_id: str, labels: Sequence[str]
    ) -> tuple[EvalSample, Iterator[tuple[str, list[Place]]]]:
        """An image and where some runs put its sentences, each run when its turn comes.

        Raises:
            BadImageError, BadSampleError: the image is no longer what it was.
        """
        sample = self.dataset.load(image_id)
        runs = [run for run in self.runs if run.label in labels]
        trial = Trial(sample, runs)
        return sample, ((run.label, trial.result_of(run).places()) for run in runs)

    def scores(
        self,
        run: Entrant,
        image_ids: Sequence[str],
        decision: Decision | None,
        seed: int,
    ) -> RunScores:
        """The scores of one run over images that all have records."""
        rows, scores, decided = self.rows(run, image_ids), list[Score](), list[Score]()
        if decision is not None:  # refuses sentences that it was chosen on, before any score
            decided = decision.scores(rows, split_of(self.dataset), seed)
        for task in self.tasks:
            if isinstance(task, SentenceTask):
                if self._scorable(run, task):
                    scores += task.scores(rows, decision, seed)
            else:
                own = self._records(run, task, image_ids)
                scores += task.scores(own, self.dataset.words, seed)
        scores += [*decided, *self._own_scores(run, rows, seed)]
        part = self.dataset.protocol.get("partial")
        if part:  # beside every score, where nobody overlooks it
            scores = [replace(each, detail={**each.detail, "partial": part}) for each in scores]
        setting = {**self._setting(run), **self._heads_overlap(run, image_ids)}
        return RunScores(run.label, run.id, setting, tuple(scores))

    def drawn(self, run: Entrant, image_ids: Sequence[str]) -> list[DrawnScore]:
        """The scores of one run that runs are compared by, over images that all have records."""
        scores: list[DrawnScore] = []
        for task in self.tasks:
            if isinstance(task, SentenceTask):
                scores += task.drawn(self.rows(run, image_ids)) if self._scorable(run, task) else ()
            else:
                scores += task.drawn(self._records(run, task, image_ids), self.dataset.words)
        return scores

    def _records(self, run: Entrant, task: ImageTask, image_ids: Sequence[str]) -> dict[str, Any]:
        return {i: self.log[self.key(i, run)]["tasks"][task.id] for i in image_ids}

    def _heads_overlap(self, run: Entrant, image_ids: Sequence[str]) -> dict[str, Any]:
        """On how many of the scored images the heads of a run were found, where it reads any."""
        heads = run.head_set()
        if heads is None:
            return {}
        pictures = (self.log[self.key(image_id, run)]["picture"] for image_id in image_ids)
        overlap = overlap_of(heads, pictures)
        return {"heads_overlap": None if overlap is None else overlap._asdict()}

    def _setting(self, run: Entrant) -> dict[str, Any]:
        setting = run.setting()
        tasks = [each for each in self.tasks if isinstance(each, SentenceTask)]
        names = [task.id for task in tasks if not self._scorable(run, task)]
        if not names:
            return setting
        reason = "they are decided by scores, and it gives none"
        return {"left_out": f"{', '.join(names)}: {reason}", **setting}

    def _scorable(self, run: Entrant, task: SentenceTask) -> bool:
        others = task.by_evidence and bool(run.evidence(self.evidence))
        return run.scored or task.unscored or others

    def _own_scores(self, run: Entrant, rows: Rows, seed: int) -> Sequence[Score]:
        on_sentences = any(isinstance(task, SentenceTask) for task in self.tasks)
        return run.own_scores(rows, seed) if on_sentences else ()

    def _record(self, sample: EvalSample, run: Entrant, result: ImageResult) -> dict[str, Any]:
        words = self.dataset.words
        record: dict[str, Any] = {
            "picture": picture_id(sample.image.pixels),
            "tasks": {
                task.id: task.record(sample, result, words)
                for task in self.tasks
                if isinstance(task, ImageTask)
            },
        }
        on_sentences = [task for task in self.tasks if isinstance(task, SentenceTask)]
        if on_sentences:
            instances = any(task.instances for task in on_sentences)
            record["rows"] = sentence_rows(sample, result, instances, run.evidence(self.evidence))
        return record


@dataclass(frozen=True, eq=False)
class LoggedRows:
    """Rows of sentences off a log, one by one; they can be gone through again.

    Attributes:
        log: where they are.
        key: from an image to the key of the record that holds its rows.
        image_ids: in order.
        task: the task whose record they are; None: they are those of sentences.
    """

    log: SampleLog
    key: Callable[[str], str]
    image_ids: Sequence[str]
    task: str | None = None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for image_id in self.image_ids:
            record = self.log[self.key(image_id)]
            yield from record["rows"] if self.task is None else record["tasks"][self.task]
