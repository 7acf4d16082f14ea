"""How many pictures of a job lie outside the world that its model declares."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.questions import Question
from vlmscope.errors import VlmscopeWarning
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["StrangePictures"]


class StrangePictures:
    """A tally for jobs whose results hold no warnings: one warning at the end, with the count.

    Args:
        model: most declare no world; nothing is counted for them.
    """

    def __init__(self, model: LoadedModel | DualEncoder) -> None:
        self._card = model.card
        self._notes: dict[bytes, tuple[str, ...]] = {}

    def see(self, pixels: NDArray[np.uint8], notes: tuple[str, ...] | None = None) -> None:
        """Take a picture, uint8 (height, width, 3), into the tally; one that comes again counts once.

        Args:
            pixels: the picture.
            notes: what its model's card says of it, where that is known already.
        """
        if self._card.world is None:
            return
        digest = hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
        if digest not in self._notes:
            self._notes[digest] = self._card.picture_notes(pixels) if notes is None else notes

    def watched(self, questions: Iterable[Question]) -> Iterator[Question]:
        """Questions as they come, their pictures in the tally."""
        for question in questions:
            self.see(question.image)
            yield question

    def warn(self) -> None:
        """Say in a ``VlmscopeWarning`` how many pictures are strange, if any is."""
        strange = [notes for notes in self._notes.values() if notes]
        if strange:
            warnings.warn(
                f"{len(strange)} of {len(self._notes)} pictures: {strange[0][0]}",
                VlmscopeWarning,
                stacklevel=3,
            )
