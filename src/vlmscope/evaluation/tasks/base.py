"""What a task is: what is kept of one image, and the scores of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.evidence.decision import Decision
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.rows import Rows
from vlmscope.evaluation.scores import Score
from vlmscope.metrics.paired import DrawnScore

__all__ = ["ImageTask", "SentenceTask", "Task"]


class _Base(ABC):
    """A kind of question.

    Attributes:
        id: explicit and unique; data sets name the tasks they have truth for.
        definition: what is measured, exactly, in a sentence or two for the report.
    """

    id: ClassVar[str]
    definition: ClassVar[str]


class ImageTask(_Base):
    """A question with a record of its own for each image.

    Attributes:
        dense: whether it needs scores that are comparable between classes.
        pixels: whether it scores the class of every pixel, for which masks of SAM may vote.
        listed: whether a record is a list of rows, one for each question, that scores are made of.
        told: whether its questions are true or false.
    """

    dense: ClassVar[bool] = False
    pixels: ClassVar[bool] = False
    listed: ClassVar[bool] = False
    told: ClassVar[bool] = False

    def check(self, words: WordList) -> None:
        """Refuse a word list that cannot be scored, before anything is run; says why."""
        return None

    @abstractmethod
    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """What is kept of one image, as JSON values."""

    @abstractmethod
    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        """The scores of the records, image id -> record."""

    def drawn(self, records: Mapping[str, Any], words: WordList) -> Sequence[DrawnScore]:
        """Those scores by which runs are held against each other, as functions of the images drawn.

        None where a task has no such score.
        """
        return ()


class SentenceTask(_Base):
    """A question about sentences: all of them are answered from the same rows.

    Attributes:
        instances: whether rows need every object of a sentence.
        decided: scores that need the decision that nothing is meant.
        always: whether it has scores without one, too.
        masks: whether any of its scores is of masks.
        unscored: whether it has scores of runs whose answers have no score.
        by_evidence: whether it has some of those of them that have other evidence.
    """

    dense: ClassVar[bool] = False
    instances: ClassVar[bool] = False
    decided: ClassVar[tuple[str, ...]] = ()
    always: ClassVar[bool] = True
    masks: ClassVar[bool] = False
    unscored: ClassVar[bool] = True
    by_evidence: ClassVar[bool] = False

    @abstractmethod
    def scores(self, rows: Rows, decision: Decision | None, seed: int) -> Sequence[Score]:
        """The scores of the rows (:mod:`vlmscope.evaluation.rows`).

        Args:
            rows: one per sentence.
            decision: by which a sentence is held to mean nothing, on a threshold that was chosen on
                another split or that the kind of evidence brings with it; None: scores that need a
                decision are left out.
            seed: of the bootstraps.
        """

    def drawn(self, rows: Rows) -> Sequence[DrawnScore]:
        """As :meth:`ImageTask.drawn`, of rows; scores that need a decision are none of them."""
        return ()


Task = ImageTask | SentenceTask
