"""Every run once more for each prompt of SAM: its boxes and scores, with SAM's masks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from vlmscope.data.datasets import Dataset
from vlmscope.errors import BadOptionError
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.row_shares import share_of_rows
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.sam.identity import identity_of
from vlmscope.evaluation.sam.results import REFINED, SamImageResult
from vlmscope.evaluation.sam.votes import VotedEntrant
from vlmscope.evaluation.tasks import ImageTask, SentenceTask, Task
from vlmscope.methods.sam_votes import SamVotes
from vlmscope.metrics.score import Score
from vlmscope.refine import PROMPTS, AutomaticOptions, RefineOptions, Refiner

__all__ = [
    "UNPROMPTED",
    "SamEntrant",
    "check_masks",
    "check_prompts",
    "compares_pixels",
    "with_sam",
]

UNPROMPTED = "unprompted"
"""Score: the share of sentences without the box, point or mask that was to prompt SAM."""


@dataclass(frozen=True, eq=False)
class SamEntrant(Entrant):
    """Another run with SAM's masks in place of its own.

    Attributes:
        base: the run that it starts from.
        refiner: the SAM.
        prompt: what of an answer prompts it.
    """

    noun: ClassVar[str] = "run with SAM's masks"

    base: Entrant = field()  # not the default of its class
    refiner: Refiner = field(repr=False)
    prompt: str

    @property
    def label(self) -> str:  # type: ignore[override]
        return f"{self.base.label}+{self.refiner.kind.id}:{self.prompt}"

    @property
    def id(self) -> str:
        return f"{self.base.id}+{self.refiner.kind.id}"

    @property
    def scored(self) -> bool:  # type: ignore[override]
        return self.base.scored

    @property
    def decides(self) -> str | None:  # type: ignore[override]
        return self.base.decides

    @property
    def scorer(self) -> Entrant:
        return self.base.scorer

    @property
    def digest(self) -> str:
        content = json.dumps([self.base.digest, self._sam()], sort_keys=True)
        return f"sam:{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def setting(self) -> dict[str, Any]:
        drawn = (
            f"SAM's, prompted by {_WORDS[self.prompt]}; where there is none, the run's own is kept "
            f"({UNPROMPTED})"
        )
        return {**self.base.setting(), "mask": drawn, **self._sam()}

    def result(self, trial: Trial) -> ImageResult:
        embed = partial(self.refiner.embed, trial.sample.image)
        shared = partial(trial.shared, self.refiner, embed)
        base = trial.result_of(self.base)
        return SamImageResult(base, trial.sample, self.refiner, self.prompt, shared)

    def own_scores(self, rows: Rows, seed: int) -> Sequence[Score]:
        """How often SAM could not be prompted; what only the other run has stands there."""
        return [share_of_rows(UNPROMPTED, rows, _unprompted, seed)]

    def _sam(self) -> dict[str, Any]:
        """What its masks depend on beside the other run."""
        return {
            **identity_of(self.refiner),
            "sam_prompt": self.prompt,
            "sam_multimask": RefineOptions().multimask,
        }


_WORDS = {
    "box": "the run's box",
    "point": "the run's point",
    "both": "the run's box and point",
    "mask": "the run's own mask",
}


def with_sam(
    runs: Iterable[Entrant],
    refiner: Refiner | None,
    prompts: Sequence[str] | None = None,
    *,
    voting: bool = False,
    masks: AutomaticOptions | None = None,
) -> tuple[Entrant, ...]:
    """Runs, each followed by itself with SAM's masks, once for each prompt.

    Runs that draw no masks have none to prompt with. Where classes are compared, each run that can is
    followed by itself with SAM's masks of everything, which vote.

    Args:
        runs: with labels that differ.
        refiner: the SAM; None: the runs alone.
        prompts: some of :data:`vlmscope.refine.PROMPTS`; None: all of them.
        voting: whether classes are compared.
        masks: which masks vote; None: by the published rules.

    Raises:
        BadOptionError: prompts or rules without a SAM, no prompt at all, or one twice.
        UnknownNameError: a prompt that there is none of.
    """
    chosen = check_prompts(refiner is not None, prompts)
    votes = SamVotes.of(refiner, masks)
    entrants: list[Entrant] = []
    for run in runs:
        entrants.append(run)
        if votes is not None and voting:
            entrants += [VotedEntrant(run, votes)] if run.comparable else []
        elif refiner is not None:
            usable = [each for each in chosen if run.draws or each != "mask"]
            entrants += [SamEntrant(run, refiner, each) for each in usable]
    return tuple(entrants)


def check_prompts(refined: bool, prompts: Sequence[str] | None) -> tuple[str, ...]:
    """The prompts that are tried.

    Args:
        refined: whether there is a SAM.
        prompts: as for :func:`with_sam`.

    Raises:
        BadOptionError, UnknownNameError: as for :func:`with_sam`.
    """
    if prompts is None:
        return PROMPTS
    if not refined:
        raise BadOptionError(
            f"The prompts {', '.join(prompts)} are SAM's, and there is no SAM. Give one, or leave them "
            "out."
        )
    if not prompts or len(set(prompts)) < len(prompts):
        raise BadOptionError(
            f"Each prompt of SAM is named once, one at least, got {list(prompts)}. There are: "
            f"{', '.join(PROMPTS)}."
        )
    return tuple(RefineOptions(each).prompt for each in prompts)


def compares_pixels(tasks: Iterable[Task]) -> bool:
    """Whether SAM's masks vote: a task scores the class of every pixel, none the mask of a sentence."""
    tasks = tuple(tasks)
    if any(isinstance(task, SentenceTask) and task.masks for task in tasks):
        return False
    return any(isinstance(task, ImageTask) and task.pixels for task in tasks)


def check_masks(
    dataset: Dataset,
    tasks: Iterable[Task],
    prompts: Sequence[str] | None = None,
    masks: AutomaticOptions | None = None,
) -> None:
    """Refuse a SAM where no mask is scored, and what it has no use for.

    Args:
        dataset: what is measured on.
        tasks: the questions.
        prompts: what of an answer prompts it; None: nothing was said.
        masks: which of its masks of everything vote; None: nothing was said.

    Raises:
        BadOptionError: a data set without masks, tasks that ask for none, prompts where masks vote, or
            rules where they do not.
    """
    tasks = tuple(tasks)
    if compares_pixels(tasks):
        if prompts is not None:
            raise BadOptionError(
                f"Where classes are compared, SAM is prompted by a grid of points, not by "
                f"{', '.join(prompts)}. Leave the prompts out, or the task segmentation."
            )
        return
    if masks is not None:
        raise BadOptionError(
            "Which masks SAM makes of everything in an image counts where classes are compared, and "
            f"of the tasks of {dataset.id} here none does that: "
            f"{', '.join(task.id for task in tasks)}. Leave these rules out."
        )
    if not dataset.masks:
        raise BadOptionError(
            f"SAM's masks have nothing to be compared with: {dataset.id} has boxes and no masks. Leave "
            "SAM out."
        )
    names = [task.id for task in tasks]
    if not any(isinstance(task, SentenceTask) and task.masks for task in tasks):
        raise BadOptionError(
            f"SAM's masks would change no score of {dataset.id} here: of its tasks, none of "
            f"{', '.join(names)} asks for the mask of a sentence. Leave SAM out."
        )


def _unprompted(row: Mapping[str, Any]) -> bool:
    return not row[REFINED]
