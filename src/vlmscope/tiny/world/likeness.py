"""Whether a picture looks like the world a model was trained in, told from its backdrop.

In a rendered scene most pixels belong to a backdrop of one tone, whose relief and grain are the same in
the three channels: the differences between channels (the hue, below) stay put while brightness varies a
little, and it goes all around the picture, for no object is cut off. A photograph has no such backdrop
as a rule, or one of another tone; an empty page has nothing in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import ModelLoadError

__all__ = ["Backdrop", "World"]

_SIDE = 64  # rows and columns that are looked at, at most: enough for shares of a thousandth
_CELL = 4  # levels; the commonest hue is looked for in windows of two cells
_CELLS = 2 * 256 // _CELL
_NEAR = 8  # levels; what JPEG of quality 90 does to the hue of a plain surface
_AROUND = 16  # levels; what it does to that of a block with an object in it

_LIMITS = ("hue", "brightness", "relief", "broken")

Levels = NDArray[np.int16]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Backdrop:
    """The pixels of a picture that share its commonest hue.

    Attributes:
        share: of all pixels, 0..1.
        colour: their mean (red, green, blue), levels of 0..255.
        relief: standard deviation of their brightness, in levels.
        broken: share of the picture's outermost pixels that are of another hue, 0..1.
    """

    share: float
    colour: Colour
    relief: float
    broken: float

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Backdrop:
        """The backdrop of a picture, uint8 (height, width, 3).

        Hue is the pair of differences red - green and green - blue. Pixels are picked from a grid and
        not averaged, so that large pictures cost what small ones do and edges make no new colours.
        """
        rows, columns = (_picked(length) for length in pixels.shape[:2])
        colours = pixels[rows[:, None], columns].reshape(-1, 3).T.astype(np.int16)
        hues = colours[:-1] - colours[1:]
        middle = _commonest(hues)
        middle = hues[:, _within(hues, middle, _CELL)].mean(axis=1)
        near = _within(hues, middle, _NEAR)
        rim = _rim(_within(hues, middle, _AROUND).reshape(len(rows), len(columns)))
        chosen = colours[:, near]
        red, green, blue = chosen.mean(axis=1).tolist()
        return cls(
            share=float(near.mean()),
            colour=(red, green, blue),
            relief=float(chosen.mean(axis=0).std()),
            broken=1.0 - float(rim.mean()),
        )

    def off(self, tone: Colour) -> tuple[float, float]:
        """(hue, brightness): how far its colour lies from a tone, in levels; of hue the larger part."""
        red, green, blue = (mine - its for mine, its in zip(self.colour, tone, strict=True))
        return max(abs(red - green), abs(green - blue)), abs(red + green + blue) / 3


@dataclass(frozen=True)
class World:
    """The pictures that a model knows, as its ``vlmscope.json`` declares them under ``world``.

    Attributes:
        knows: what they are, in the plural.
        instead: id of a model that knows others.
        tones: colours of their backdrops, (red, green, blue) in levels of 0..255.
        share: least and largest share of a backdrop, 0..1.
        hue, brightness: the farthest that a backdrop lies from its tone, in levels.
        relief, broken: the largest of a backdrop.
    """

    knows: str
    instead: str
    tones: tuple[Colour, ...]
    share: tuple[float, float]
    hue: float
    brightness: float
    relief: float
    broken: float

    @classmethod
    def of_record(cls, record: Any, name: str) -> World:
        """From JSON values.

        Raises:
            ModelLoadError: what declares no world; ``name`` is whose record it is.
        """
        try:
            least, most = (float(value) for value in record["share"])
            return cls(
                str(record["knows"]),
                str(record["instead"]),
                tuple(_colour(each) for each in record["tones"]),
                (least, most),
                *(float(record[name]) for name in _LIMITS),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelLoadError(
                f"The vlmscope.json of {name} declares a world that cannot be read ({error!r}). It "
                "holds knows, instead, tones (three numbers each), share (two numbers), hue, "
                "brightness, relief and broken. Correct it or take 'world' out."
            ) from error

    def to_record(self) -> Mapping[str, Any]:
        """JSON values, as :meth:`of_record` reads them."""
        return asdict(self)

    def holds(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether a picture, uint8 (height, width, 3), looks like one of them."""
        backdrop = Backdrop.of(pixels)
        least, most = self.share
        return (
            least <= backdrop.share <= most
            and backdrop.relief <= self.relief
            and backdrop.broken <= self.broken
            and any(self._near(*backdrop.off(tone)) for tone in self.tones)
        )

    def _near(self, hue: float, brightness: float) -> bool:
        return hue <= self.hue and brightness <= self.brightness


def _picked(length: int) -> NDArray[np.intp]:
    """Rows or columns, evenly spaced."""
    count = min(length, _SIDE)
    return ((np.arange(count) + 0.5) * (length / count)).astype(np.intp)


def _rim(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outermost values of a grid."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _commonest(hues: Levels) -> NDArray[np.float64]:
    """(2,): the middle of the fullest window, of two cells a side, in the plane of hues (2, pixels)."""
    first, second = (hues.astype(np.intp) + 256) // _CELL
    counts = np.bincount(first * _CELLS + second, minlength=_CELLS**2).reshape(_CELLS, _CELLS)
    rows = counts[:-1] + counts[1:]
    fullest = np.argmax(rows[:, :-1] + rows[:, 1:])
    return (np.array(np.divmod(fullest, _CELLS - 1)) + 1.0) * _CELL - 256


def _within(hues: Levels, middle: NDArray[np.float64], levels: int) -> NDArray[np.bool_]:
    """Bool (pixels,): hues that differ from the middle by so many levels at most, in both numbers."""
    first, second = np.abs(hues - middle[:, None]) <= levels
    return np.asarray(first & second)


def _colour(values: Any) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
