"""What a method is, and how methods are found by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.results import Grounding

__all__ = ["ARGUMENTS", "GroundRequest", "Method", "MethodRegistry", "refuse_foreign"]

ARGUMENTS = ("heads", "placement", "prompt", "rows")
"""What a request may hold beside options; not every method has a use for all of it."""


@dataclass(frozen=True)
class GroundRequest:
    """How phrases are to be grounded, as far as the user said; None leaves it to the method.

    Attributes:
        heads: attention heads, in any form the method takes.
        placement: how the image is fitted.
        prompt: preset of the prompt.
        rows: the read-out row.
        options: an instance of the method's options.
    """

    heads: Any
    placement: str | None
    prompt: str | None
    rows: str | int | Sequence[int] | None
    options: Any


class Method(Protocol):
    """A way to get from a phrase and an image to a region.

    Attributes:
        id: explicit and unique.
        summary: one line for ``vlmscope methods``.
        options: a frozen dataclass, all of whose fields have defaults and help texts.
        takes: which of :data:`ARGUMENTS` it has a use for.
    """

    id: str
    summary: str
    options: type[Any]
    takes: frozenset[str]

    def accepts(self, model: Any) -> bool:
        """Whether the method can run on a model, of whatever kind."""
        ...

    def ground(
        self,
        model: LoadedModel,
        pixels: NDArray[np.uint8],
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> list[Grounding]:
        """Ground every phrase in one image, uint8 (height, width, 3); one result per phrase."""
        ...


def refuse_foreign(method: Method, request: GroundRequest) -> None:
    """Arguments of other methods are not silently ignored.

    Raises:
        BadOptionError: an argument that the method has no use for.
    """
    for name in ARGUMENTS:
        if getattr(request, name) is not None and name not in method.takes:
            raise BadOptionError(
                f"The method {method.id!r} knows no {name}; it belongs to methods that read "
                f"{'chosen heads' if name == 'heads' else 'attention'} of a decoder. Leave it out."
            )


class MethodRegistry:
    """Methods by id; a duplicate raises."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def register(self, method: Method) -> Method:
        """Add a method.

        Raises:
            ValueError: when its id is taken.
        """
        if method.id in self._methods:
            raise ValueError(f"A method with the id {method.id!r} is registered already.")
        self._methods[method.id] = method
        return method

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())

    def get(self, name: str) -> Method:
        """The method of an id.

        Raises:
            UnknownNameError: lists the nearest ids.
        """
        if name not in self._methods:
            raise UnknownNameError("method", name, self._methods, where="See: vlmscope methods")
        return self._methods[name]
