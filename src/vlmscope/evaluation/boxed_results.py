"""The result of whoever answers phrase by phrase with boxes, in one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample, Name
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.image_results import ClassEvidence, ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.pointed import pointed
from vlmscope.types import Box

__all__ = ["CENTRE", "BoxedImageResult", "centre"]

CENTRE = "the centre of the first box"
"""Where whoever answers with boxes points, for the protocol."""


@dataclass(frozen=True, eq=False)
class BoxedImageResult(ImageResult):
    """Boxes of the phrases of an image; found when first asked for, all at once.

    Attributes:
        who: noun and id, for messages.
        sample: the image and its truth.
        find: from phrases to places, one each.
    """

    who: str
    sample: EvalSample
    find: Callable[[Sequence[str]], list[Place]]
    _places: list[Place] = field(default_factory=list, repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        return pointed(self.sample, [place.point for place in self.places()])

    def places(self) -> list[Place]:
        if not self._places and self.sample.referents:
            self._places.extend(self.find([self._phrase(r.names) for r in self.sample.referents]))
        return self._places

    def classes(self) -> NDArray[np.int64]:
        self._refuse()

    def evidence(self) -> ClassEvidence:
        self._refuse()

    def _phrase(self, names: Sequence[Name]) -> str:
        if len(names) > 1 or not isinstance(names[0], str):
            raise UnsupportedError(
                f"The {self.who} looks for one text, got {', '.join(map(str, names[:4]))}. Use a word "
                "list with one name per class (--words FILE)."
            )
        return names[0]

    def _refuse(self) -> NoReturn:
        raise UnsupportedError(
            f"The {self.who} gives no scores that are comparable between classes. Leave out the "
            "tasks that compare classes."
        )


def centre(box: Box | None) -> tuple[float, float] | None:
    """(x, y) of the middle of a box, in its pixels; None of none."""
    return None if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
