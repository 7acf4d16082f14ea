"""Images of an evaluation that are looked at side by side."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.errors import VlmscopeError
from vlmscope.evaluation.entrants.entrant import Trial
from vlmscope.evaluation.entrants.method_entrants import read_ahead
from vlmscope.evaluation.job import Job

__all__ = ["Batches"]


class Batches:
    """Does what :meth:`Job.measure` does, image by image; several are loaded and read ahead together.

    Args:
        job: what is done to every image.
        image_ids: in the order in which they will come.
        size: how many are loaded at a time, at least 1.
    """

    def __init__(self, job: Job, image_ids: Sequence[str], size: int) -> None:
        self._job, self._image_ids, self._size = job, image_ids, size
        self._next = 0  # the first that was not looked at yet
        self._loaded: dict[str, Trial | VlmscopeError] = {}

    def measure(self, image_id: str) -> bool:
        """As :meth:`Job.measure`, with the same errors at the same images."""
        missing = self._job.missing(image_id)
        if not missing:
            return True
        if image_id not in self._loaded:
            self._load(image_id)
        trial = self._loaded.pop(image_id)
        if isinstance(trial, VlmscopeError):
            raise trial
        self._job.finish(image_id, trial, missing)
        return False

    def _load(self, first: str) -> None:
        """Load images from this one on, and run the passes of all of them."""
        self._next = self._image_ids.index(first, self._next)
        while self._next < len(self._image_ids) and len(self._loaded) < self._size:
            image_id = self._image_ids[self._next]
            self._next += 1
            if self._job.missing(image_id):
                self._loaded[image_id] = self._trial(image_id)
        trials = [each for each in self._loaded.values() if isinstance(each, Trial)]
        try:
            read_ahead(trials)
        except VlmscopeError:
            return  # of one of them, which says it when it comes: each runs its own passes

    def _trial(self, image_id: str) -> Trial | VlmscopeError:
        try:
            return self._job.trial(image_id)
        except VlmscopeError as error:
            return error
