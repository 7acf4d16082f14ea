"""What a task is: what is kept of one image, and the scores of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from vlmscope.data.datasets import EvalSample, WordList
from vlmscope.errors import UnknownNameError
from vlmscope.evaluation.responses import Response
from vlmscope.evaluation.scores import Score

__all__ = ["Task", "TaskRegistry"]


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

    def record(self, sample: EvalSample, response: Response, words: WordList) -> Any:
        """What is kept of one image, as JSON values."""
        ...

    def scores(self, records: Mapping[str, Any], words: WordList, seed: int) -> Sequence[Score]:
        """The scores of the records, image id -> record."""
        ...


class TaskRegistry:
    """Tasks by id; a duplicate raises."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def register(self, task: Task) -> Task:
        """Add a task.

        Raises:
            ValueError: when its id is taken.
        """
        if task.id in self._tasks:
            raise ValueError(f"A task with the id {task.id!r} is registered already.")
        self._tasks[task.id] = task
        return task

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def get(self, name: str, known: Sequence[str] | None = None) -> Task:
        """The task of an id, among ``known`` ones.

        Raises:
            UnknownNameError: lists the nearest ids.
        """
        if name not in (self._tasks if known is None else known):
            raise UnknownNameError("task", name, self._tasks if known is None else known)
        return self._tasks[name]
