"""Options on what is absent: which evidence there is of it, and which of it decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from vlmscope.cli.completion import evidence_names

if TYPE_CHECKING:
    from vlmscope.evaluation.evidence import Evidence

__all__ = ["Deciding"]


@dataclass(frozen=True)
class Deciding:
    """Evidence that a sentence means something, as options of the command."""

    panel: ClassVar[str] = "Method"

    evidence: Annotated[
        list[str] | None,
        typer.Option(
            help="Kinds of evidence that a sentence means something, with commas, beside the score: "
            "presence, contrast (with a null phrase), answer (yes or no).",
            autocompletion=evidence_names,
        ),
    ] = None
    decide: Annotated[
        str | None,
        typer.Option(
            help="The kind that decides, by its threshold in the file of --threshold; answer decides "
            "without one, too. Default: score.",
            autocompletion=evidence_names,
        ),
    ] = None
    null: Annotated[
        str | None, typer.Option(help="The null phrase of contrast. Default: object.")
    ] = None
    question: Annotated[
        str | None,
        typer.Option(
            help="What answer asks, with {phrase} in it. Default: the model's, or plain English."
        ),
    ] = None

    @property
    def kind(self) -> str:
        """The kind that decides."""
        return self.decide or "score"

    def chosen(self) -> Evidence:
        """What was asked for, checked as far as it can be without a model.

        Raises:
            UnknownNameError: a kind that does not exist.
            BadOptionError: a null phrase or a question without its kind, or that is none.
        """
        from vlmscope.evaluation.evidence import Evidence

        names = [name.strip() for text in self.evidence or () for name in text.split(",")]
        return Evidence.of([*filter(None, names), self.kind], self.null, self.question)
