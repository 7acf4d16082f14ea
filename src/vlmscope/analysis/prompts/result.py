"""What changing a prompt did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vlmscope.analysis.prompts.report import prompts_page
from vlmscope.analysis.prompts.table import PROMPTS_COLUMNS, prompts_table
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval, bootstrap
from vlmscope.viewer import View

__all__ = ["PromptAblation", "VariantEffect"]


@dataclass(frozen=True)
class VariantEffect:
    """One kind of change, over all questions that allow it.

    Attributes:
        name: of the change.
        samples: questions.
        log_prob: change of the log-probability of the answer to the unchanged prompt, in nats.
        changed: share of questions whose greedy answer is another.
        accuracy: share of greedy answers that a reference agrees with; None: no references.
        image_share: change of the attention that the last prompt token gives to the image, mean over
            layers and heads.
    """

    name: str
    samples: int
    log_prob: Interval
    changed: Interval
    accuracy: Interval | None
    image_share: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "samples": self.samples,
            "log_prob": list(self.log_prob),
            "changed": list(self.changed),
            "accuracy": None if self.accuracy is None else list(self.accuracy),
            "image_share": list(self.image_share),
        }


@dataclass(frozen=True, eq=False)
class PromptAblation:
    """Effects of all changes, and the single questions behind them.

    Attributes:
        run: everything needed to repeat the run.
        questions: one record per question: ``id``, ``question``, ``references``, ``tokens`` (of the
            answer that is fed in) and ``variants`` (each with ``name``, ``text``, ``word``,
            ``answer``, ``log_prob``, ``right``, ``image_share``; the first is the unchanged prompt).
        skipped: questions that could not be used, and why.
    """

    run: dict[str, Any]
    questions: tuple[dict[str, Any], ...] = field(repr=False)
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        return one_line(
            self,
            f"{len(self.questions)} questions, {self.run['model']}",
            f"changes: {', '.join(self.names)}",
            f"{len(self.skipped)} skipped" if self.skipped else "",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"Which parts of the prompt {self.run['model']} needs",
            table(prompts_table(self), PROMPTS_COLUMNS),
            lead=f"{len(self.questions)} questions.",
            notes=map(str, self.skipped[:3]),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return prompts_page(self).view()

    @property
    def names(self) -> list[str]:
        """Kinds of change, in the order in which they first occur."""
        return list(
            dict.fromkeys(
                variant["name"] for question in self.questions for variant in question["variants"]
            )
        )

    def effects(self, seed: int = 0) -> list[VariantEffect]:
        """One per kind of change; a question with several words counts once, with their mean."""
        return [self._effect(name, seed) for name in self.names]

    def word_effects(self) -> dict[str, float]:
        """Mean change of the log-probability when a word is removed, by word, strongest first."""
        changes: dict[str, list[float]] = {}
        for row in self.rows():
            if row["word"]:
                changes.setdefault(row["word"].casefold(), []).append(row["log_prob_change"])
        means = {word: sum(values) / len(values) for word, values in changes.items()}
        return dict(sorted(means.items(), key=lambda item: item[1]))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per question and variant."""
        for question in self.questions:
            clean = question["variants"][0]
            for variant in question["variants"]:
                yield {
                    "id": question["id"],
                    "question": question["question"],
                    "variant": variant["name"],
                    "word": variant["word"],
                    "text": variant["text"],
                    "answer": variant["answer"],
                    "changed": variant["answer"] != clean["answer"],
                    "right": variant["right"],
                    "log_prob": variant["log_prob"],
                    "log_prob_change": variant["log_prob"] - clean["log_prob"],
                    "image_share": variant["image_share"],
                    "image_share_change": variant["image_share"] - clean["image_share"],
                }

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "samples": len(self.questions),
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
            "effects": [effect.to_dict() for effect in self.effects()],
            "words": self.word_effects(),
            "questions": list(self.questions),
        }

    def _effect(self, name: str, seed: int) -> VariantEffect:
        by_question: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows():
            if row["variant"] == name:
                by_question.setdefault(row["id"], []).append(row)
        groups = list(by_question.values())
        judged = [group for group in groups if group[0]["right"] is not None]

        def over(records: list[list[dict[str, Any]]], key: str) -> Interval:
            means = [sum(float(row[key]) for row in group) / len(group) for group in records]
            return bootstrap(means, seed=seed)

        return VariantEffect(
            name,
            len(groups),
            over(groups, "log_prob_change"),
            over(groups, "changed"),
            over(judged, "right") if judged else None,
            over(groups, "image_share_change"),
        )
