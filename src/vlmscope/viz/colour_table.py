"""The one table of colours, ``colours.json``: pictures drawn here and the viewer both read it."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["colour_maps", "palette"]


@functools.cache
def _table() -> dict[str, dict[str, list[str]]]:
    text = (resources.files("vlmscope.viz") / "colours.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = json.loads(text)
    return table


def colour_maps() -> Mapping[str, tuple[str, ...]]:
    """Name of a colour map -> its anchors as hexadecimal RGB, evenly spaced, linear between.

    From dark to bright: lightness rises all the way, so the maps also read in print and to the
    colour-blind.
    """
    return MappingProxyType({name: tuple(each) for name, each in _table()["maps"].items()})


@functools.cache
def palette() -> NDArray[np.uint8]:
    """Uint8 (256, 3): colours for classes that no name speaks of; read-only."""
    colours = np.array([list(bytes.fromhex(code)) for code in _table()["palette"]], np.uint8)
    colours.setflags(write=False)
    return colours
