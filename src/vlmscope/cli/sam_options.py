"""SAM's masks beside those of every run of an evaluation, as options of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.errors import BadOptionError

if TYPE_CHECKING:
    from vlmscope.data.datasets import Dataset
    from vlmscope.refine import AutomaticOptions

__all__ = ["SamMasks", "SamVoting"]

NO_SAM = (
    "--sam-points, --sam-iou, --sam-stability and --sam-overlap say which masks SAM makes, and there is "
    "no SAM. Add --refine, such as --refine facebook/sam-vit-base, or leave them out."
)


@dataclass(frozen=True)
class _MaskRules:
    """Which of SAM's masks of everything in an image stay."""

    panel: ClassVar[str] = "Method"

    sam_points: Annotated[
        int | None,
        typer.Option(
            help="Points along each side of the grid that prompts SAM where its masks vote for "
            "classes. Default: 32.",
            show_default=False,
        ),
    ] = None
    sam_iou: Annotated[
        float | None,
        typer.Option(
            help="Of these masks, those stay whose IoU SAM predicts to be more. Default: 0.88.",
            show_default=False,
        ),
    ] = None
    sam_stability: Annotated[
        float | None,
        typer.Option(
            help="... that keep a larger share when the threshold of their logits moves. "
            "Default: 0.95.",
            show_default=False,
        ),
    ] = None
    sam_overlap: Annotated[
        float | None,
        typer.Option(
            help="... whose box overlaps that of none rated higher by a larger IoU. Default: 0.7.",
            show_default=False,
        ),
    ] = None

    @property
    def rules(self) -> AutomaticOptions | None:
        """Those that were typed, the published ones for the rest; None: nothing was typed.

        Raises:
            BadOptionError: a value out of range.
        """
        from vlmscope.refine import AutomaticOptions

        names: dict[str, Any] = {
            "points": self.sam_points,
            "least_iou": self.sam_iou,
            "least_stability": self.sam_stability,
            "most_overlap": self.sam_overlap,
        }
        typed = {name: value for name, value in names.items() if value is not None}
        return AutomaticOptions(**typed) if typed else None


@dataclass(frozen=True)
class SamVoting(_MaskRules):
    """Whether SAM's masks vote for classes."""

    refine: Annotated[
        str | None,
        typer.Option(
            metavar="SAM",
            help="Masks of SAM vote: each goes to the class with the largest mean score inside; hub "
            "id or folder.",
            show_default=False,
        ),
    ] = None

    def check(self) -> None:
        """Say what is wrong before a model is loaded.

        Raises:
            BadOptionError: rules without a SAM, or a value out of range.
        """
        if self.rules is not None and self.refine is None:
            raise BadOptionError(NO_SAM)


@dataclass(frozen=True)
class SamMasks(_MaskRules):
    """Which SAM draws masks, and what prompts it."""

    refine: Annotated[
        str | None,
        typer.Option(
            metavar="SAM",
            help="Every run once more with masks drawn by SAM, for each prompt; where classes are "
            "compared, with its masks of everything that vote: hub id or folder.",
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
            BadOptionError: prompts or rules without a SAM, a SAM where no mask is scored, or prompts
                or rules that it has no use for there.
            UnknownNameError: a prompt or a task that there is none of.
        """
        if self.refine is None and self.rules is not None:
            raise BadOptionError(NO_SAM)
        if self.refine is None and self.refine_prompt is None:
            return
        from vlmscope.evaluation.sam import check_masks, check_prompts
        from vlmscope.evaluation.tasks import TASKS

        check_prompts(self.refine is not None, self.prompts)
        names = dataset.tasks if tasks is None else tasks
        chosen = [TASKS.get(name, dataset.tasks) for name in names]
        check_masks(dataset, chosen, self.prompts, self.rules)
