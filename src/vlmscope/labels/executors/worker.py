"""What a worker does with a chunk, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlmscope.labels.executors.base import Chunk, Finished, SourceGoneError, Task
from vlmscope.labels.footers import encoded, key_of
from vlmscope.labels.labelled import LabelledImage
from vlmscope.labels.sources import Item

__all__ = ["Worker"]


class Worker:
    """A loaded model and an open source.

    Args:
        task: what to do.
        device: where; None: the task's own choice.
    """

    def __init__(self, task: Task, device: str | None = None) -> None:
        self._source = task.source
        self._labeller = task.make(device)

    @property
    def identity(self) -> dict[str, Any]:
        """What rows depend on."""
        return self._labeller.identity

    def label(
        self,
        chunk: Chunk,
        tick: Callable[[int], None],
        begin: Callable[[Item], None] = lambda item: None,
        alone: bool = False,
    ) -> Finished:
        """The part of a chunk.

        Args:
            chunk: the images.
            tick: called with 1 for every image that is done.
            begin: called when an image's turn comes.
            alone: one image after the other, nothing ahead.

        Raises:
            SourceGoneError: an image could not be read because nothing can.
        """
        by_id: dict[str, LabelledImage] = {}
        for image in self._labeller.label(chunk.items, self._source.open, begin, alone):
            self._check(image)
            by_id[image.item.id] = image
            tick(1)
        done = [by_id[item.id] for item in chunk.items]
        rows = [row for image in done for row in image.rows]
        failed = sum(image.failure is not None for image in done)
        data = encoded([key_of(image.item) for image in done], rows)
        return Finished(chunk.name, data, len(done), failed, tuple(self._labeller.notes))

    def _check(self, image: LabelledImage) -> None:
        if image.failure is None or image.item.fault is not None:
            return
        reason = self._source.gone()
        if reason is not None:
            raise SourceGoneError(
                f"{reason} What is finished is kept: the same command goes on when it is back."
            )
