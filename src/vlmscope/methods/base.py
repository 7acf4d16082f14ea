"""What a method is, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.results import Grounding

__all__ = [
    "ARGUMENTS",
    "GroundRequest",
    "Method",
    "Prepared",
    "check_accepts",
    "prepared",
    "with_proxy",
]

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
        text_cache: keep the embeddings of many phrases on disk, for methods that embed phrases.
    """

    heads: Any
    placement: str | None
    prompt: str | None
    rows: str | int | Sequence[int] | None
    options: Any
    text_cache: bool = False


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


@runtime_checkable
class _Explaining(Protocol):
    """A method that says why it does not run on a dual encoder."""

    def unfit(self, encoder: DualEncoder) -> str: ...


def check_accepts(method: Method, model: LoadedModel | DualEncoder) -> None:
    """Raise UnsupportedError unless a method can run on a model; says why where it knows."""
    if method.accepts(model):
        return
    reason = ""
    if isinstance(method, _Explaining) and isinstance(model, DualEncoder):
        reason = method.unfit(model)
    raise UnsupportedError(
        reason or f"The method {method.id!r} does not run on {model.id}. See: vlmscope methods"
    )


@runtime_checkable
class _Proxied(Protocol):
    """A method that a second vision tower makes another of."""

    def with_proxy(self, proxy: Any) -> Method: ...


def with_proxy(method: Method, proxy: Any) -> Method:
    """A method with the second vision tower that was given; itself where none was.

    Raises:
        BadOptionError: a tower for a method that has no use for one, or something that is no tower.
    """
    if proxy is None:
        return method
    if not isinstance(method, _Proxied):
        raise BadOptionError(
            f"The method {method.id!r} has no use for a second vision tower; proxyclip has. Leave "
            "proxy out, or use method='proxyclip'."
        )
    return method.with_proxy(proxy)


class Prepared(Protocol):
    """From an image, uint8 (height, width, 3), to one Grounding per phrase."""

    def __call__(self, pixels: NDArray[np.uint8], /) -> list[Grounding]: ...


@runtime_checkable
class _Preparing(Protocol):
    """A method that has work to do once for all images, such as embedding the phrases."""

    def prepare(
        self, model: Any, phrases: Sequence[Prompt], request: GroundRequest
    ) -> Callable[[NDArray[np.uint8]], list[Grounding]]: ...


def prepared(
    method: Method, model: Any, phrases: Sequence[Prompt], request: GroundRequest
) -> Prepared:
    """A method with its phrases, for images one after the other.

    What a method can do once for all of them it does in a ``prepare`` of its own; one without it is
    called with everything each time.
    """
    if isinstance(method, _Preparing):
        return method.prepare(model, phrases, request)

    def ground(pixels: NDArray[np.uint8], /) -> list[Grounding]:
        return method.ground(model, pixels, phrases, request)

    return ground
