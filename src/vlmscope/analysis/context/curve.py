"""What a sweep over compressed contexts found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vlmscope.analysis.context.report import context_page
from vlmscope.analysis.context.table import CONTEXT_COLUMNS, context_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval
from vlmscope.viewer import View

__all__ = ["ContextCurve", "ContextPoint"]


@dataclass(frozen=True)
class ContextPoint:
    """How one share of kept tokens does.

    Attributes:
        by: the measure tokens were chosen by.
        keep: share of image tokens kept, 0..1.
        accuracy: share of questions answered as a reference says, with its interval.
        agreement: share of questions answered as from the whole context, with its interval.
        tokens: mean positions kept per layer.
        size: mean bytes kept.
        seconds: mean time of one question.
        over_random: accuracy, or without references agreement, less that of random tokens of the
            same share, paired by picture; None for ``random`` itself, and where it was not swept.
        mme: of MME its scores by name (:class:`vlmscope.metrics.Mme`); None on other questions.
        neither: of MME how many answers say neither yes nor no, and count as wrong.
    """

    by: str
    keep: float
    accuracy: Interval | None
    agreement: Interval
    tokens: float
    size: float
    seconds: float
    over_random: Interval | None = None
    mme: Mapping[str, Interval | None] | None = None
    neither: int | None = None


@dataclass(frozen=True)
class ContextCurve:
    """Points for every measure and share.

    Attributes:
        run: everything needed to repeat the run.
        samples: how many questions.
        points: in the order of measures, then shares.
        skipped: questions that could not be used, and why.
        records: one per picture: ``id``, ``questions`` (``id``, ``question``, ``references``, of MME
            ``category`` and ``truth``) and ``contexts`` (``by``, ``keep``, ``tokens``, ``size``,
            ``answers``, ``seconds``, the last two per question); the first context is the whole one.
    """

    run: dict[str, Any]
    samples: int
    points: tuple[ContextPoint, ...]
    skipped: tuple[SkippedSample, ...] = ()
    records: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        points = [f"{each.by} {each.keep:g}: {each.agreement.value:.2f}" for each in self.points]
        return one_line(
            self,
            f"{self.samples} questions, {self.run['model']}",
            f"agreement with the whole context by measure and share kept: {', '.join(points)}",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"Answers of {self.run['model']} from less of the image",
            table(context_table(self), CONTEXT_COLUMNS),
            lead=f"{self.samples} questions.",
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return context_page(self).view()

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per question and context."""
        for record in self.records:
            whole = record["contexts"][0]
            for context in record["contexts"]:
                for place, asked in enumerate(record["questions"]):
                    yield {
                        "id": asked["id"],
                        "question": asked["question"],
                        "by": context["by"],
                        "keep": context["keep"],
                        "answer": context["answers"][place],
                        "as_whole": context["answers"][place] == whole["answers"][place],
                        "tokens": context["tokens"],
                        "size": context["size"],
                        "seconds": context["seconds"][place],
                    }

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "samples": self.samples,
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "points": [asdict(point) for point in self.points],
        }
