"""What SAM draws for the answers of another run in one image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.datasets import EvalSample
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.image_results import ClassEvidence, ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.refine import Embedded, RefinedMask, Refiner
from vlmscope.types import Box

__all__ = ["REFINED", "SamImageResult"]

REFINED = "refined"
"""Key of a row: whether SAM drew the mask, or the one of the run that it starts from was kept."""


@dataclass(frozen=True, eq=False)
class SamImageResult(ImageResult):
    """Another run's boxes, points and scores in one image, with SAM's masks.

    Attributes:
        base: the other run's result.
        sample: the image and its truth.
        refiner: the SAM.
        prompt: what of an answer prompts it.
        embed: the image after SAM's encoder; asked for only where something prompts it.
    """

    base: ImageResult
    sample: EvalSample
    refiner: Refiner
    prompt: str
    embed: Callable[[], Embedded] = field(repr=False)
    _places: list[Place] = field(default_factory=list, repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        return self.base.pointing()

    def places(self) -> list[Place]:
        if not self._places:
            places = self.base.places()
            masks = self._drawn([self._subject(*pair) for pair in enumerate(places)])
            pairs = zip(places, masks, strict=True)
            self._places.extend(self._with(place, mask) for place, mask in pairs)
        return self._places

    def classes(self) -> NDArray[np.int64]:
        self._refuse()

    def evidence(self) -> ClassEvidence:
        self._refuse()

    def _drawn(self, subjects: list[_Subject]) -> list[RefinedMask | None]:
        if not any(self.refiner.can_draw(each, self.prompt) for each in subjects):
            return [None] * len(subjects)
        return self.refiner.draw(self.embed(), subjects, self.prompt)

    def _subject(self, index: int, place: Place) -> _Subject:
        size = self.sample.image.size
        return _Subject(
            self.sample.referents[index].label,
            _inner_box(place.box, size),
            _inner_point(place.point, size),
            self._own_mask(place),
            size,
        )

    def _own_mask(self, place: Place) -> NDArray[np.bool_]:
        """The mask of the other run; who draws none has an empty one."""
        return np.zeros(self.sample.image.size, bool) if place.mask is None else place.mask

    def _with(self, place: Place, refined: RefinedMask | None) -> Place:
        mask = self._own_mask(place) if refined is None else refined.mask
        remarks = {**place.remarks, REFINED: refined is not None}
        return replace(place, mask=mask, remarks=remarks)

    def _refuse(self) -> NoReturn:
        raise UnsupportedError(
            "SAM draws what a sentence means and compares no classes. Leave out the tasks that "
            "compare classes, or SAM."
        )


@dataclass(frozen=True, eq=False)
class _Subject:
    """An answer as SAM is prompted with it."""

    phrase: str
    box: Box | None
    point: tuple[float, float] | None
    mask: NDArray[np.bool_]
    image_size: tuple[int, int]


def _inner_box(box: Box | None, size: tuple[int, int]) -> Box | None:
    """The part of a box that lies in the image; None where nothing does.

    Boxes that a model writes, or that a detector gives, may pass its border.
    """
    if box is None:
        return None
    height, width = size
    x0, y0, x1, y1 = box
    inner = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
    return inner if inner[0] < inner[2] and inner[1] < inner[3] else None


def _inner_point(
    point: tuple[float, float] | None, size: tuple[int, int]
) -> tuple[float, float] | None:
    """A point that lies in the image, or None."""
    if point is None:
        return None
    inside = 0 <= point[0] <= size[1] and 0 <= point[1] <= size[0]
    return point if inside else None
