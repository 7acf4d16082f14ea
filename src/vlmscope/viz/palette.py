"""Colours for classes: what a name says of its colour holds, the others lie as far apart as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.viz.colour_table import palette
from vlmscope.viz.colour_words import colour_in

__all__ = ["class_colours"]

# How far a class without a colour in its name keeps from the colours that names speak of: in degrees
# of hue and in OKLab. The widest that leaves any colour holds; with a dozen colours named little is left.
_CLEARANCES = ((35.0, 0.15), (25.0, 0.12), (15.0, 0.09), (8.0, 0.06), (0.0, 0.02))
_GREYISH = 0.05  # OKLab chroma below which a colour has no hue to speak of
_SHADES = (
    0.0,
    0.35,
    -0.35,
    0.18,
    -0.18,
)  # towards white, or (below 0) black: classes of one colour
_GREY_SHADES = (0.0, 0.14, -0.14)  # of what has no hue: a lighter black is soon a grey
_APART = 0.06  # OKLab distance at which two shades are told apart


def class_colours(classes: int | Sequence[str]) -> NDArray[np.uint8]:
    """Uint8 (classes, 3): the RGB colour of every class.

    A class whose name holds a colour word is shown in it, or in a shade of it where an earlier class
    has it already; every other class keeps away from these colours. Without such words each colour is
    the one farthest from all before it in OKLab, among those neither so dark, so light nor so grey
    that they would pass for the picture beneath, nor glaring; a class then keeps its colour as others
    join. After 256 colours repeat.

    Args:
        classes: their names, or how many there are where no name is to count.
    """
    table = palette()
    if isinstance(classes, int):
        return table[np.arange(classes) % len(table)]
    spoken = {index: rgb for index, name in enumerate(classes) if (rgb := colour_in(name))}
    colours = table[np.arange(len(classes)) % len(table)]
    if not spoken:
        return colours
    for index, shade in zip(spoken, _shades(list(spoken.values())), strict=True):
        colours[index] = shade
    free = _free(table, colours[list(spoken)])
    own = set(free.tolist()) & {index for index in range(len(classes)) if index not in spoken}
    rest = _cycle([each for each in free.tolist() if each not in own] or free.tolist())
    for index in range(len(classes)):
        if index not in spoken and index not in own:
            colours[index] = table[next(rest)]
    return colours


def _cycle(values: Sequence[int]) -> Iterator[int]:
    while True:
        yield from values


def _shades(spoken: Sequence[tuple[int, int, int]]) -> list[NDArray[np.uint8]]:
    """The colours that are spoken of, as they are; where one comes again, a shade of it that can be
    told from what is there, as long as there are any."""
    reserved = dict(zip(spoken, _lab_of(np.array(spoken)), strict=True))
    taken: list[NDArray[np.float64]] = []
    shades = []
    for index, rgb in enumerate(spoken):
        choices = _shades_of(rgb)
        labs = _lab_of(choices)
        at = 0
        if rgb in spoken[:index]:
            others = [lab for each, lab in reserved.items() if each != rgb]
            clear = [_distance(lab, [*taken, *others]) for lab in labs]
            at = next((n for n, far in enumerate(clear) if far >= _APART), int(np.argmax(clear)))
        taken.append(labs[at])
        shades.append(choices[at])
    return shades


def _shades_of(rgb: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Uint8 (n, 3): the colour, then lighter and darker ones of its hue."""
    base = np.array(rgb, dtype=float)
    grey = bool(np.hypot(*_lab_of(base[None])[0, 1:]) < _GREYISH)
    mixed = [
        base + (255 - base) * share if share >= 0 else base * (1 + share)
        for share in (_GREY_SHADES if grey else _SHADES)
    ]
    return np.rint(mixed).astype(np.uint8)


def _distance(lab: NDArray[np.float64], others: Sequence[NDArray[np.float64]]) -> float:
    return min((float(np.linalg.norm(lab - other)) for other in others), default=np.inf)


def _free(table: NDArray[np.uint8], spoken: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Which colours of the table keep clear of those that names speak of, in its order."""
    lab, reserved = _lab_of(table)[:, None], _lab_of(spoken)[None]
    apart = np.linalg.norm(lab - reserved, axis=-1)  # (table, spoken)
    turn = np.abs((_hue(lab) - _hue(reserved) + 180) % 360 - 180)
    turn[:, np.hypot(reserved[0, :, 1], reserved[0, :, 2]) < _GREYISH] = 180.0
    for degrees, distance in _CLEARANCES:
        free = np.flatnonzero(((turn >= degrees) & (apart >= distance)).all(axis=1))
        if len(free):
            return free
    return np.arange(len(table))


def _hue(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle of the two colour axes in degrees."""
    angle: NDArray[np.float64] = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    return angle


def _lab_of(rgb: NDArray[np.generic]) -> NDArray[np.float64]:
    """OKLab (n, 3) of RGB (n, 3) in 0..255."""
    return _oklab(np.asarray(rgb, dtype=np.float64) / 255)


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB in 0..1 to OKLab (Ottosson 2020): (n, 3) lightness, green-red, blue-yellow."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(
        linear
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    lab: NDArray[np.float64] = cones @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    return lab
