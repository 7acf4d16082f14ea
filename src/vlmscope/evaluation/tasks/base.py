"""What a task is: what is kept of one image, and the scores of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.scores import Score

__all__ = ["Task"]


class Task(Protocol):
    """A kind of question.

    Attributes:
        id: explicit and unique; data sets name the tasks they have truth for.
        definition: what is measured, exactly, in a sentence or two for the report.
        dense: whether it needs scores that are comparable between classes.
    """

    id: str
    definition: str
    dense: bool

    def record(self, sample: EvalSample, result: ImageResult, words: WordList) -> Any:
        """What is kept of one image, as JSON values."""
        ...

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        """The scores of the records, image id -> record."""
        ...
