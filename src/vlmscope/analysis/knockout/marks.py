"""Answers under a knock-out, marked against the clean one; what cannot be judged is no zero."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.analysis.knockout.judges import Judge, judge_name, judged
from vlmscope.analysis.knockout.objects import ObjectWords
from vlmscope.errors import BadOptionError

__all__ = ["Marker", "Marks"]


@dataclass(frozen=True)
class Marks:
    """What answers are marked by: object words, a judge, or nothing."""

    objects: ObjectWords | None = None
    judge: Judge | None = None

    @classmethod
    def of(cls, objects: ObjectWords | None, judge: Judge | None, ask: bool) -> Marks:
        """Check that they can be used.

        Raises:
            BadOptionError: both, or either without asking the model under its knock-outs.
        """
        if objects is not None and judge is not None:
            raise BadOptionError("Answers are marked by objects or by a judge, not both. Give one.")
        if (objects is not None or judge is not None) and not ask:
            raise BadOptionError(
                "Marking answers needs answers under the knock-outs: set ask (--ask), or give no objects "
                "and no judge."
            )
        return cls(objects, judge)

    @property
    def name(self) -> str | None:
        """For the record."""
        if self.objects is not None:
            return f"objects {self.objects.digest}"
        return None if self.judge is None else judge_name(self.judge)

    def of_answer(self, question: str, clean: str) -> Marker:
        """A marker for the answers to one question."""
        return Marker(self, question, clean)


@dataclass
class Marker:
    """Marks the answers to one question, each distinct text once.

    Attributes:
        marks: how.
        question: that was asked.
        clean: the clean answer.
        failures: kinds of reasons why answers could not be judged.
    """

    marks: Marks
    question: str
    clean: str
    failures: list[str] = field(default_factory=list)
    _known: dict[str, float | None] = field(default_factory=dict)

    def mark(self, answer: str | None) -> float | None:
        """From 0 to 1; None where there is no answer, or none that can be judged."""
        if answer is None:
            return None
        if answer not in self._known:
            self._known[answer] = self._marked(answer)
        return self._known[answer]

    def _marked(self, answer: str) -> float | None:
        if self.marks.objects is not None:
            return self.marks.objects.f1(answer, self.clean)
        if self.marks.judge is None:
            return None
        if answer == self.clean:
            return 1.0  # nothing to ask
        score, reason = judged(self.marks.judge, self.question, self.clean, answer)
        if reason is not None:
            self.failures.append(reason)
        return score
