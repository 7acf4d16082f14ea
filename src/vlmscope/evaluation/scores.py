"""What an evaluation found: scores, each with its number of samples and its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlmscope.data.datasets import Skipped
from vlmscope.errors import UnknownNameError
from vlmscope.evaluation.breakdowns.comparisons import Comparisons
from vlmscope.evaluation.breakdowns.sentence_report import SentenceReport
from vlmscope.metrics.score import Score

__all__ = ["Evaluation", "RunScores", "Score", "remarks", "score_table"]

_MOST_COLUMNS = 8  # of scores, beside which a table is wider than a screen


@dataclass(frozen=True)
class RunScores:
    """The scores of one method under its options.

    Attributes:
        label: what the run is called.
        method: id of the method.
        setting: JSON values: resize, text, and every option.
        scores: in the order of the tasks.
    """

    label: str
    method: str
    setting: Mapping[str, Any]
    scores: tuple[Score, ...]

    def __getitem__(self, metric: str) -> Score:
        """The score of a metric.

        Raises:
            UnknownNameError: a metric that was not measured.
        """
        for score in self.scores:
            if score.metric == metric:
                return score
        raise UnknownNameError(
            "metric", metric, [score.metric for score in self.scores], where="See: its scores"
        )


@dataclass(frozen=True)
class Evaluation:
    """Everything that a report says.

    Attributes:
        protocol: JSON values without which the numbers mean nothing.
        images: how many were measured.
        skipped: those that could not be.
        runs: one per method, in the order asked for.
        sentences: what rows say beside; None where no task is about sentences.
        warnings: what to know before trusting a score.
        comparisons: runs held against one of them; None where that was not asked for.
    """

    protocol: Mapping[str, Any]
    images: int
    skipped: tuple[Skipped, ...]
    runs: tuple[RunScores, ...]
    sentences: SentenceReport | None = field(default=None, repr=False, compare=False)
    warnings: tuple[str, ...] = ()
    comparisons: Comparisons | None = None

    def __getitem__(self, label: str) -> RunScores:
        """The scores of a run.

        Raises:
            UnknownNameError: a run that is not there.
        """
        for run in self.runs:
            if run.label == label:
                return run
        raise UnknownNameError("run", label, [run.label for run in self.runs])

    def to_dict(self) -> dict[str, Any]:
        """JSON values, the content of ``report.json``."""
        more = {} if self.sentences is None else self.sentences.to_dict()
        if self.comparisons is not None:
            more = {"comparisons": self.comparisons.to_dict(), **more}
        return {
            "format": "vlmscope-evaluation/1",
            "protocol": dict(self.protocol),
            "images": self.images,
            "skipped": [{"image": s.image_id, "reason": s.reason} for s in self.skipped],
            "runs": [
                {
                    "label": run.label,
                    "method": run.method,
                    "setting": dict(run.setting),
                    "scores": {score.metric: score.to_dict() for score in run.scores},
                }
                for run in self.runs
            ],
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            **more,
        }


def score_table(runs: Sequence[RunScores]) -> tuple[list[str], list[list[str]]]:
    """The heads and rows of a table: a row per run, or a row per score where there are many.

    Of a split of which a part was used every score says how large a part.
    """
    metrics = _metrics(runs)
    columns = [[run.label, *_cells(run, metrics)] for run in runs]
    if len(metrics) <= _MOST_COLUMNS:
        return ["run", *metrics], columns
    heads, *rows = zip(["score", *metrics], *columns, strict=True)
    return list(heads), [list(row) for row in rows]


def _metrics(runs: Sequence[RunScores]) -> list[str]:
    """Names of all scores: each behind the one before it in its run, those of some runs alone last."""
    names: list[str] = []
    alone: dict[str, None] = {}
    for run in runs:
        place = 0
        for score in run.scores:
            if "count" in score.detail:
                alone[score.metric] = None
                continue
            if score.metric not in names:
                names.insert(place, score.metric)
            place = names.index(score.metric) + 1
    return [*names, *alone]


def remarks(evaluation: Evaluation) -> list[str]:
    """What is to be said of runs beside their scores: tasks left out, over how many classes a mean is,
    and notes with their numbers."""
    left = evaluation.protocol.get("left_out")
    lines = [f"left out: {left}"] if left else []
    lines += _denominators(evaluation.runs)
    for run in evaluation.runs:
        if "left_out" in run.setting:
            lines.append(f"{run.label}: left out: {run.setting['left_out']}")
        for score in run.scores:
            notes = score.detail.get("notes", {})
            lines += [f"{run.label}: {count:,} x {note}" for note, count in notes.items()]
    return lines


def _denominators(runs: Sequence[RunScores]) -> list[str]:
    """Over how many classes a mean is, where some are not there; the same for all runs or for one."""
    lines: dict[str, None] = {}
    for run in runs:
        for score in run.scores:
            detail = score.detail
            if detail.get("classes_present", detail.get("classes")) == detail.get("classes"):
                continue
            if "mmseg" in detail:
                counted = f"{detail['mmseg']['classes']} of {detail['classes']}"
                over = f"the {counted} classes that are there or predicted"
                lines[f"{run.label}: {score.metric} is the mean over {over}"] = None
            else:
                counted = f"{detail['classes_present']} of {detail['classes']}"
                lines[f"{score.metric} is the mean over the {counted} classes that are there"] = (
                    None
                )
    return list(lines)


def _cells(run: RunScores, metrics: Sequence[str]) -> list[str]:
    """What a run does not have is left empty: not every kind of run has every score."""
    cells = {score.metric: _shown(score) for score in run.scores}
    return [cells.get(metric, "") for metric in metrics]


def _shown(score: Score) -> str:
    count, part = score.detail.get("count"), score.detail.get("partial")
    counted = f"{score} ({count:,} of {score.n:,})" if count is not None else str(score)
    return f"{counted} (partial: {part})" if part else counted
