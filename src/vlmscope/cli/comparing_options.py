"""Which run of an evaluation the others are held against, as options of the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from vlmscope.evaluation.comparators import Wanted
    from vlmscope.evaluation.entrants.configured_methods import MethodChoice

__all__ = ["Comparing"]


@dataclass(frozen=True)
class Comparing:
    """What runs are held against, as options of the command."""

    panel: ClassVar[str] = "Method"

    ratio_to: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Hold every run against this one, image by image: ratio and difference of their "
            "scores, with paired intervals.",
            show_default=False,
        ),
    ] = None
    halves: Annotated[
        bool,
        typer.Option(
            "--halves",
            help="With --ratio-to: the same on every other image, and what the run that is best on "
            "one half scores on the other.",
        ),
    ] = False

    def check(self, choices: Sequence[MethodChoice] | None, opponents: Sequence[Wanted]) -> None:
        """Refuse what can be known to be wrong before a model is loaded.

        Args:
            choices: the methods; None: the model decides which run.
            opponents: the comparators.

        Raises:
            UnknownNameError: a run that is none.
            BadOptionError: halves without a run to compare with.
        """
        from vlmscope.evaluation.breakdowns.comparisons import check_base

        if self.ratio_to is None:
            check_base(None, self.halves, (), 0)
        elif choices is not None:
            labels = [*(each.label for each in choices), *(each.label for each in opponents)]
            # what is behind a "+" or ":" is a run with masks of SAM or other words: known later
            if self.ratio_to.partition("+")[0].partition(":")[0] not in labels:
                check_base(self.ratio_to, self.halves, labels, 2)
