"""SAM's masks beside those of every run of an evaluation, as options of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from vlmscope.data.datasets import Dataset

__all__ = ["SamMasks"]


@dataclass(frozen=True)
class SamMasks:
    """Which SAM draws masks, and what prompts it."""

    panel: ClassVar[str] = "Method"

    refine: Annotated[
        str | None,
        typer.Option(
            metavar="SAM",
            help="Every run once more with masks drawn by SAM, for each prompt: hub id or folder.",
            show_default=False,
        ),
    ] = None
    refine_prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="What prompts SAM, with commas. Default: box,point,both,mask.", show_default=False
        ),
    ] = None

    @property
    def prompts(self) -> list[str] | None:
        """Those that were typed; None: all."""
        if self.refine_prompt is None:
            return None
        parts = [part.strip() for value in self.refine_prompt for part in value.split(",")]
        return [part for part in parts if part]

    def check(self, dataset: Dataset, tasks: Sequence[str] | None) -> None:
        """Say what is wrong before a model is loaded.

        Args:
            dataset: what is measured on.
            tasks: ids; None: all of the data set.

        Raises:
            BadOptionError: prompts without a SAM, or a SAM where no mask is scored.
            UnknownNameError: a prompt or a task that there is none of.
        """
        if self.refine is None and self.refine_prompt is None:
            return
        from vlmscope.evaluation.sam import check_masks, check_prompts
        from vlmscope.evaluation.tasks import TASKS

        check_prompts(self.refine is not None, self.prompts)
        names = dataset.tasks if tasks is None else tasks
        check_masks(dataset, [TASKS.get(name, dataset.tasks) for name in names])
