"""What methods have in common that read a decoder's attention: passes are run for several of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import FittedImage, ImageReading, read_images, read_together
from vlmscope.methods.base import GroundRequest
from vlmscope.models import LoadedModel, Prompt
from vlmscope.results import Grounding

__all__ = ["ReadingMethod", "Reads", "ground_together", "read_of_each", "read_of_images"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Reads:
    """A method with its phrases: what it reads of an image, and what it makes of that.

    Attributes:
        readings: what is read.
        located: from the image, uint8 (height, width, 3), and what was read of each phrase for each
            of the readings, to one Grounding per phrase; perhaps under thresholds that were found
            elsewhere, one per phrase.
    """

    readings: tuple[ImageReading, ...]
    located: Locating


class Locating(Protocol):
    """From an image and what was read of each phrase, for each reading, to a Grounding per phrase."""

    def __call__(
        self,
        pixels: Pixels,
        read: Sequence[list[Any]],
        limits: Sequence[float | None] | None = None,
        /,
    ) -> list[Grounding]: ...


class ReadingMethod(ABC):
    """A method that reads a decoder's attention on the image, and runs nothing else."""

    @abstractmethod
    def reads(self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest) -> Reads:
        """What is read for these phrases; checks the request, and runs nothing."""

    def ground(
        self,
        model: LoadedModel,
        pixels: Pixels,
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> list[Grounding]:
        """Read the maps of all phrases in one pass over the image, and locate each.

        Raises as :meth:`reads`.
        """
        return self.prepare(model, phrases, request)(pixels)

    def prepare(
        self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest
    ) -> Callable[[Pixels], list[Grounding]]:
        """Check the request once, for images one after the other. Raises as :meth:`reads`."""
        reads = self.reads(model, phrases, request)

        def ground(pixels: Pixels) -> list[Grounding]:
            [groundings] = ground_together(model, pixels, [reads])
            return groundings

        return ground


def ground_together(
    model: LoadedModel, pixels: Pixels, several: Sequence[Reads]
) -> list[list[Grounding]]:
    """Several methods on one image, on the same passes: each gives what it gives alone.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        several: of each method.
    """
    read = read_of_each(model, pixels, several)
    return [reads.located(pixels, own) for reads, own in zip(several, read, strict=True)]


def read_of_each(
    model: LoadedModel, pixels: Pixels, several: Sequence[Reads]
) -> list[list[list[Any]]]:
    """What each of several methods reads of one image, for its readings, of each phrase."""
    readings = [reading for reads in several for reading in reads.readings]
    return _dealt(several, read_together(model, pixels, readings))


def read_of_images(
    model: LoadedModel,
    images: Sequence[Pixels | FittedImage],
    several: Sequence[Sequence[Reads]],
) -> list[list[list[list[Any]]]]:
    """The same of several images, those of like token count side by side.

    Args:
        model: the model.
        images: uint8 (height, width, 3) each, or fitted already.
        several: of each image, of each method.
    """
    readings = [[each for reads in row for each in reads.readings] for row in several]
    read = read_images(model, images, readings)
    return [_dealt(row, own) for row, own in zip(several, read, strict=True)]


def _dealt(several: Sequence[Reads], read: Sequence[list[Any]]) -> list[list[list[Any]]]:
    rest = iter(read)
    return [[next(rest) for _ in reads.readings] for reads in several]
