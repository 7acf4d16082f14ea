"""The words of the tiny world: what an object can be, where it can lie, what lies behind it.

Everything else (renderer, language, tokenizer, label heads) indexes into these tuples, so their
order is part of the format of a corpus and of the probes of the vision stage.
"""

from __future__ import annotations

__all__ = [
    "ATTRIBUTES",
    "COLOURS",
    "NUMBERS",
    "PATTERNS",
    "PLACES",
    "QUESTION",
    "SHAPES",
    "SIZES",
    "SYSTEM",
    "TEXTURES",
    "TONES",
    "plural",
]

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
TEXTURES = ("solid", "striped", "dotted", "checkered")
SIZES = ("small", "large")

PATTERNS = ("plain", "graded", "speckled", "cloudy", "lined", "tiled")
"""What a background looks like; with ``TONES`` this makes 24 kinds of background."""
TONES = ("light", "dark", "warm", "cool")

PLACES = (
    "top left", "top", "top right",
    "left", "center", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
"""Ninths of the canvas in reading order; index = 3 * row + column."""

NUMBERS = ("zero", "one", "two", "three", "four", "five")

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "size": SIZES,
    "texture": TEXTURES,
    "colour": COLOURS,
    "shape": SHAPES,
}
"""Attribute -> its words, in the order in which English puts them before the noun."""

SYSTEM = "you look at a picture of simple shapes and answer each question about it in few words"
"""The system sentence. It is long on purpose: heads that do not need the image rest on it, so the
attention sum of the discovery tells heads apart."""

QUESTION = "is there {phrase}"
"""How the tiny decoder is asked whether something is in the picture."""


def plural(noun: str) -> str:
    """``circle`` -> ``circles``, ``cross`` -> ``crosses``."""
    return noun + ("es" if noun.endswith("s") else "s")
