"""Responses of methods that answer phrase by phrase, such as localization heads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.datasets import EvalSample, Referent
from vlmscope.evaluation.metrics import contains
from vlmscope.evaluation.responses import ClassEvidence, Response
from vlmscope.evaluation.runs import MethodRun
from vlmscope.evaluation.vocabulary import texts_of
from vlmscope.methods import GroundRequest
from vlmscope.models import Prompt
from vlmscope.types import Box, Grounding

__all__ = ["GroundedResponse"]


@dataclass(frozen=True, eq=False)
class GroundedResponse(Response):
    """A method that answers phrase by phrase, through ``ground``.

    Attributes:
        run: the method.
        model: the model.
        sample: the image and its truth.
    """

    run: MethodRun
    model: Any
    sample: EvalSample
    _found: list[Grounding] = field(default_factory=list, repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        targets = [referent.target for referent in self.sample.referents]
        points = [grounding.point for grounding in self._groundings()]
        shares = [_area(target.shape, self.sample.image.size) for target in targets]
        hits = [int(contains(t.shape, p)) for t, p in zip(targets, points, strict=True)]
        return list(zip(hits, shares, strict=True))

    def regions(self) -> list[tuple[NDArray[np.bool_], Box | None]]:
        return [(grounding.mask, grounding.box) for grounding in self._groundings()]

    def classes(self) -> NDArray[np.int64]:
        self._refuse()

    def evidence(self) -> ClassEvidence:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedError(
            f"The method {self.run.method.id!r} gives no scores that are comparable between "
            "classes. Leave out the tasks that compare classes."
        )

    def _groundings(self) -> list[Grounding]:
        if not self._found and self.sample.referents:
            prompts = [self._prompt(referent) for referent in self.sample.referents]
            request = GroundRequest(None, None, None, None, self.run.options)
            pixels = self.sample.image.pixels
            self._found.extend(self.run.method.ground(self.model, pixels, prompts, request))
        return self._found

    def _prompt(self, referent: Referent) -> Prompt:
        texts = texts_of(self.model, referent.names)
        if len(texts) > 1:
            raise UnsupportedError(
                f"The method {self.run.method.id!r} cannot choose the best of several names, got "
                f"{', '.join(texts[:4])}. Use a word list with one name per class."
            )
        return Prompt.of(texts[0])


def _area(shape: Box | NDArray[np.bool_], size: tuple[int, int]) -> float:
    """The share of an image, (height, width), that an object takes up."""
    if isinstance(shape, np.ndarray):
        return float(shape.mean())
    height, width = size
    wide = min(shape[2], width) - max(shape[0], 0.0)
    high = min(shape[3], height) - max(shape[1], 0.0)
    return max(0.0, wide) * max(0.0, high) / (height * width)
