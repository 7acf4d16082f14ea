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
from vlmscope.evaluation.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.row_shares import share_of_rows
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.sam.results import REFINED, SamImageResult
from vlmscope.evaluation.tasks import SentenceTask, Task
from vlmscope.metrics.score import Score
from vlmscope.refine import PROMPTS, RefineOptions, Refiner

__all__ = ["UNPROMPTED", "SamEntrant", "check_masks", "check_prompts", "with_sam"]

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
        weight = next(self.refiner.hf.vision_encoder.parameters())
        return {
            "sam": self.refiner.name,
            "sam_kind": self.refiner.kind.id,
            "sam_revision": self.refiner.revision,
            "sam_dtype": str(weight.dtype).removeprefix("torch."),
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
    runs: Iterable[Entrant], refiner: Refiner | None, prompts: Sequence[str] | None = None
) -> tuple[Entrant, ...]:
    """Runs, each followed by itself with SAM's masks, once for each prompt.

    Runs that draw no masks have none to prompt with.

    Args:
        runs: with labels that differ.
        refiner: the SAM; None: the runs alone.
        prompts: some of :data:`vlmscope.refine.PROMPTS`; None: all of them.

    Raises:
        BadOptionError: prompts without a SAM, none at all, or one twice.
        UnknownNameError: a prompt that there is none of.
    """
    chosen = check_prompts(refiner is not None, prompts)
    entrants: list[Entrant] = []
    for run in runs:
        entrants.append(run)
        if refiner is not None:
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


def check_masks(dataset: Dataset, tasks: Iterable[Task]) -> None:
    """Refuse a SAM where no mask is scored.

    Raises:
        BadOptionError: a data set without masks, or tasks that ask for none.
    """
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
