"""What is done to every image of an evaluation, and what comes of the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vlmscope.data.datasets import Dataset, EvalSample
from vlmscope.data.resume import SampleLog
from vlmscope.data.strange_pictures import StrangePictures
from vlmscope.evaluation.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.rows import Rows, sentence_rows
from vlmscope.evaluation.scores import RunScores, Score
from vlmscope.evaluation.tasks import ImageTask, SentenceTask, Task
from vlmscope.evaluation.thresholds import split_of
from vlmscope.metrics import Threshold

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
    """

    dataset: Dataset
    runs: tuple[Entrant, ...]
    tasks: tuple[Task, ...]
    log: SampleLog
    strange: StrangePictures

    def key(self, image_id: str, run: Entrant) -> str:
        """Of the record of a run on an image: finished ones are found again by it."""
        return " ".join([image_id, run.digest, *(task.id for task in self.tasks)])

    def missing(self, image_id: str) -> list[Entrant]:
        """The runs that have no record of an image yet."""
        return [run for run in self.runs if self.key(image_id, run) not in self.log]

    def measure(self, image_id: str) -> bool:
        """Put the records of the missing runs into the log; returns whether none was missing."""
        missing = self.missing(image_id)
        if not missing:
            return True
        sample = self.dataset.load(image_id)
        self.strange.see(sample.image.pixels)
        trial = Trial(sample, missing)
        # each result is let go of before the next one looks: its masks are large
        records = [self._record(sample, trial.result_of(run)) for run in missing]
        for run, record in zip(missing, records, strict=True):
            self.log.add(self.key(image_id, run), record)
        return False

    def rows(self, run: Entrant, image_ids: Sequence[str]) -> LoggedRows:
        """The rows of one run over images that all have records."""
        return LoggedRows(self.log, [self.key(image_id, run) for image_id in image_ids])

    def scores(
        self,
        run: Entrant,
        image_ids: Sequence[str],
        threshold: Threshold | None,
        seed: int,
    ) -> RunScores:
        """The scores of one run over images that all have records."""
        rows, scores, decided = self.rows(run, image_ids), list[Score](), list[Score]()
        if threshold is not None:  # refuses sentences that it was chosen on, before any score
            decided = threshold.scores(rows, split_of(self.dataset), seed=seed)
        for task in self.tasks:
            if isinstance(task, SentenceTask):
                if run.scored or task.unscored:
                    scores += task.scores(rows, threshold, seed)
            else:
                own = {i: self.log[self.key(i, run)]["tasks"][task.id] for i in image_ids}
                scores += task.scores(own, self.dataset.words, seed)
        scores += [*decided, *self._own_scores(run, rows, seed)]
        part = self.dataset.protocol.get("partial")
        if part:  # beside every score, where nobody overlooks it
            scores = [replace(each, detail={**each.detail, "partial": part}) for each in scores]
        return RunScores(run.label, run.id, self._setting(run), tuple(scores))

    def _setting(self, run: Entrant) -> dict[str, Any]:
        setting = run.setting()
        tasks = [each for each in self.tasks if isinstance(each, SentenceTask)]
        names = [task.id for task in tasks if not (run.scored or task.unscored)]
        if not names:
            return setting
        reason = "they are decided by scores, and it gives none"
        return {"left_out": f"{', '.join(names)}: {reason}", **setting}

    def _own_scores(self, run: Entrant, rows: Rows, seed: int) -> Sequence[Score]:
        on_sentences = any(isinstance(task, SentenceTask) for task in self.tasks)
        return run.own_scores(rows, seed) if on_sentences else ()

    def _record(self, sample: EvalSample, result: ImageResult) -> dict[str, Any]:
        words = self.dataset.words
        record: dict[str, Any] = {
            "tasks": {
                task.id: task.record(sample, result, words)
                for task in self.tasks
                if isinstance(task, ImageTask)
            }
        }
        on_sentences = [task for task in self.tasks if isinstance(task, SentenceTask)]
        if on_sentences:
            instances = any(task.instances for task in on_sentences)
            record["rows"] = sentence_rows(sample, result, instances)
        return record


@dataclass(frozen=True, eq=False)
class LoggedRows:
    """Rows of sentences off a log, one by one; they can be gone through again.

    Attributes:
        log: where they are.
        keys: of the records that hold them, in order.
    """

    log: SampleLog
    keys: Sequence[str]

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for key in self.keys:
            yield from self.log[key]["rows"]
