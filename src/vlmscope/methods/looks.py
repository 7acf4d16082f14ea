"""How a method looks at images: at each alone, or at several of them side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import FittedImage
from vlmscope.methods.base import GroundRequest, Method, Prepared, prepared
from vlmscope.methods.decoder import ReadingMethod, Reads, read_of_images
from vlmscope.methods.encoder.beside import ImagesBeside
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.results import Grounding

__all__ = ["Looks", "View", "looks_of"]

_KEPT = 32  # phrase lists whose preparation is kept: rows of one image often come one after another

Prompts = tuple[Prompt, ...]


@dataclass(frozen=True, eq=False)
class View:
    """An image with what is looked for in it.

    Attributes:
        pixels: uint8 (height, width, 3).
        prompts: what is looked for, one at least.
        room: views of one room fit into one batch.
        fitted: the image as the model takes it, where that was made already.
    """

    pixels: NDArray[np.uint8]
    prompts: Prompts
    room: Hashable = None
    fitted: Any = field(default=None, repr=False)


class Looks(Protocol):
    """A method on a model, whatever the phrases.

    Attributes:
        together: whether :meth:`side_by_side` gains anything over one image at a time.
    """

    together: bool

    def alone(self, prompts: Prompts) -> Prepared:
        """The method with these phrases, for one image after the other."""
        ...

    def view(self, pixels: NDArray[np.uint8], prompts: Prompts) -> View:
        """An image with its phrases, got ready in the thread that reads it."""
        ...

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        """For each view one Grounding per phrase."""
        ...


def looks_of(method: Method, model: LoadedModel | DualEncoder, request: GroundRequest) -> Looks:
    """How a method looks at images under a request."""
    if isinstance(method, ReadingMethod) and isinstance(model, LoadedModel):
        return _Reading(method, model, request)
    if (
        isinstance(method, DenseMethod)
        and isinstance(model, DualEncoder)
        and not request.options.window  # windows of one image fill a batch by themselves
    ):
        return _Dense(method, model, request)
    return _OneByOne(method, model, request)


class _OneByOne:
    """Any method: it knows of one image at a time."""

    together = False

    def __init__(self, method: Method, model: Any, request: GroundRequest) -> None:
        self.method, self.model, self.request = method, model, request
        self.alone = lru_cache(_KEPT)(self._alone)

    def _alone(self, prompts: Prompts) -> Prepared:
        return prepared(self.method, self.model, prompts, self.request)

    def view(self, pixels: NDArray[np.uint8], prompts: Prompts) -> View:
        return View(pixels, prompts)

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        return [self.alone(view.prompts)(view.pixels) for view in views]


class _Reading(_OneByOne):
    """A method that reads a decoder's attention: prefixes and prompts of like length share passes."""

    together = True

    def __init__(self, method: Any, model: LoadedModel, request: GroundRequest) -> None:
        super().__init__(method, model, request)

        def reads(prompts: Prompts) -> Reads:
            read: Reads = method.reads(model, prompts, request)
            return read

        self.reads = lru_cache(_KEPT)(reads)

    def view(self, pixels: NDArray[np.uint8], prompts: Prompts) -> View:
        """Its room is how many tokens the image has, in every placement that is read."""
        fitted = FittedImage(self.model, pixels)
        readings = self.reads(prompts).readings
        placements = dict.fromkeys(each.placement for each in readings)
        room = tuple(fitted.kind(each) for each in placements)
        return View(pixels, prompts, room, fitted)

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        several = [self.reads(view.prompts) for view in views]
        images = [view.pixels if view.fitted is None else view.fitted for view in views]
        read = read_of_images(self.model, images, [[each] for each in several])
        return [
            reads.located(view.pixels, own)
            for view, reads, [own] in zip(views, several, read, strict=True)
        ]


class _Dense(_OneByOne):
    """A dense method on a dual encoder: images of one grid go through the tower side by side."""

    together = True

    def __init__(self, method: Any, model: DualEncoder, request: GroundRequest) -> None:
        super().__init__(method, model, request)
        self.beside = ImagesBeside(method, model, request.options)

    def view(self, pixels: NDArray[np.uint8], prompts: Prompts) -> View:
        """Its room is the grid of its patches."""
        self.alone(prompts)  # refuses phrases that cannot be told apart
        fitted = self.beside.fit(pixels)
        return View(pixels, prompts, fitted.grid, fitted)

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        images = [(view.pixels, view.fitted) for view in views]
        return self.beside.ground(images, [view.prompts for view in views])
