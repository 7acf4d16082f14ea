"""How each run of an evaluation decides that a sentence means nothing, if it does."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadOptionError
from vlmscope.evaluation.entrants.entrant import Entrant
from vlmscope.evaluation.evidence import EVIDENCE, SCORE, Decision, Evidence
from vlmscope.evaluation.protocol import left_out
from vlmscope.evaluation.tasks import ImageTask, Task
from vlmscope.evaluation.thresholds import Thresholds

__all__ = ["check_decisions", "check_kind", "decisions_of"]

_CHOOSE = (
    "Choose one on another split (--split OTHER --threshold-out FILE) and give it with "
    "--threshold FILE."
)


def decisions_of(
    dataset: Dataset,
    model: str,
    runs: Sequence[Entrant],
    tasks: Sequence[Task],
    thresholds: Thresholds | None,
    evidence: Evidence,
    decide: str,
) -> list[Decision | None]:
    """The decision of each run, None where it makes none.

    Args:
        dataset: what is scored.
        model: id of the model.
        runs: those on trial; who rejects in words decides by it where a task asks for decisions.
        tasks: what is asked.
        thresholds: chosen on another split, or None.
        evidence: what rows hold, with the settings of the model.
        decide: the kind that decides.

    Raises:
        BadOptionError: a kind that needs a threshold without one, thresholds of another data set,
            or none for a run or for the kind.
        BadSampleError: thresholds of this very split.
        ModelMismatchError: thresholds of another model.
    """
    if thresholds is not None:
        thresholds.check_split(dataset)
        thresholds.check_model(model)
    check_kind(decide, thresholds)
    asked = bool(left_out(tasks))
    return [_own(run, asked) or _decision(run, thresholds, evidence, decide) for run in runs]


def check_kind(decide: str, thresholds: Thresholds | None) -> None:
    """Raise BadOptionError for a kind that cannot decide without thresholds, where there are none."""
    if thresholds is None and decide != SCORE and EVIDENCE.get(decide).rule is None:
        raise BadOptionError(f"The evidence {decide!r} decides by a threshold. {_CHOOSE}")


def _own(run: Entrant, asked: bool) -> Decision | None:
    """The decision of who says by himself that nothing is meant."""
    kind = run.decides if run.base is None else run.base.decides
    rule = None if kind is None else EVIDENCE.get(kind).rule
    return None if kind is None or rule is None or not asked else Decision.by_rule(kind, rule)


def _decision(
    run: Entrant, thresholds: Thresholds | None, evidence: Evidence, decide: str
) -> Decision | None:
    if not run.scored:
        return None
    if thresholds is not None:
        return Decision(decide, thresholds.of(run.scorer, decide, evidence.setting(decide)))
    rule = EVIDENCE.get(decide).rule
    return None if rule is None else Decision.by_rule(decide, rule)


def check_decisions(
    dataset: Dataset,
    tasks: Sequence[Task],
    runs: Sequence[Entrant],
    decisions: Sequence[Decision | None],
    out: str | os.PathLike[str] | None,
) -> None:
    """Refuse decisions that no task asks for, and tasks that nothing but a decision would score.

    Raises:
        BadOptionError: as above, or thresholds to be chosen where no run gives scores.
    """
    if not left_out(tasks):
        chosen = [
            run for run, each in zip(runs, decisions, strict=True) if each and not run.decides
        ]
        if out is not None or chosen:
            raise BadOptionError(
                f"A threshold decides whether a sentence means nothing, which no task of "
                f"{dataset.id} asks here ({', '.join(task.id for task in tasks)}). Leave it out."
            )
    elif out is not None and not any(run.scored for run in runs):
        raise BadOptionError(
            f"A threshold is one of scores, which none of {', '.join(run.label for run in runs)} "
            "gives. Leave it out."
        )
    elif not any(decisions) and not any(_scorable(task, run) for task in tasks for run in runs):
        raise BadOptionError(
            f"Without a threshold there is no score of {', '.join(task.id for task in tasks)}. "
            f"{_CHOOSE}"
        )


def _scorable(task: Task, run: Entrant) -> bool:
    """Whether a task has scores of a run without a threshold."""
    if isinstance(task, ImageTask):
        return True
    return task.always if run.scored else task.unscored
