"""How a method looks at images: at each alone, or at several of them side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.methods.base import GroundRequest, Method, Prepared, prepared
from vlmscope.methods.decoder import ReadingMethod, Reads, read_of_images
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
    """

    pixels: NDArray[np.uint8]
    prompts: Prompts


class Looks(Protocol):
    """A method on a model, whatever the phrases.

    Attributes:
        together: whether :meth:`side_by_side` gains anything over one image at a time.
    """

    together: bool

    def alone(self, prompts: Prompts) -> Prepared:
        """The method with these phrases, for one image after the other."""
        ...

    def room(self, view: View) -> Hashable:
        """Views of one room fit into one batch."""
        ...

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        """For each view one Grounding per phrase."""
        ...


def looks_of(method: Method, model: LoadedModel | DualEncoder, request: GroundRequest) -> Looks:
    """How a method looks at images under a request."""
    if isinstance(method, ReadingMethod) and isinstance(model, LoadedModel):
        return _Reading(method, model, request)
    return _OneByOne(method, model, request)


class _OneByOne:
    """Any method: it knows of one image at a time."""

    together = False

    def __init__(self, method: Method, model: Any, request: GroundRequest) -> None:
        self.method, self.model, self.request = method, model, request
        self.alone = lru_cache(_KEPT)(self._alone)

    def _alone(self, prompts: Prompts) -> Prepared:
        return prepared(self.method, self.model, prompts, self.request)

    def room(self, view: View) -> Hashable:
        return None

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

    def room(self, view: View) -> Hashable:
        return view.pixels.shape

    def side_by_side(self, views: Sequence[View]) -> list[list[Grounding]]:
        several = [self.reads(view.prompts) for view in views]
        read = read_of_images(
            self.model, [view.pixels for view in views], [[each] for each in several]
        )
        return [
            reads.located(view.pixels, own)
            for view, reads, [own] in zip(views, several, read, strict=True)
        ]
