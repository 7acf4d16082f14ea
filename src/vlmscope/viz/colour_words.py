"""The colour that a name speaks of: "a red circle" is shown in red."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COLOUR_WORDS", "colour_in"]

_WORDS = {
    "red": "e02b2b", "crimson": "dc143c", "scarlet": "f0321e", "maroon": "8c1c2c",
    "orange": "f58a1f", "brown": "8f5a2c", "tan": "d2b48c", "beige": "e0d3b0",
    "yellow": "f5d327", "gold": "d9a521", "golden": "d9a521", "olive": "808027",
    "lime": "a6e22e", "green": "2fa84f", "teal": "128a8a", "turquoise": "40d6c8",
    "cyan": "22cfe6", "blue": "2f62e0", "navy": "26347f", "indigo": "4b2fb0",
    "violet": "8a4fe0", "purple": "8e36b5", "lavender": "bda6ee", "magenta": "e02fd0",
    "pink": "f78fb5", "white": "fafafa", "silver": "bcbcc2", "grey": "8c8c90",
    "gray": "8c8c90", "black": "161618",
}  # fmt: skip
COLOUR_WORDS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        word: (value[0], value[1], value[2])
        for word, code in _WORDS.items()
        if (value := bytes.fromhex(code))
    }
)
"""Words for colours, and the RGB each is shown in: strong enough to be told apart over a photograph."""


def colour_in(name: str) -> tuple[int, int, int] | None:
    """The RGB of the first colour word of a name, None where it holds none.

    Whole words count, in any case: "Red_Circle" is red, a "redhead" and a "blackbird" are not coloured.
    """
    for word in re.findall(r"[^\W\d_]+", name.casefold()):
        if word in COLOUR_WORDS:
            return COLOUR_WORDS[word]
    return None
