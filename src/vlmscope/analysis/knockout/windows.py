"""In which layers edges are blocked: sliding windows, everything but a window, from a layer on."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.errors import AttentionError, UnknownNameError

__all__ = ["MODES", "Window", "windows"]

MODES = ("inside", "outside", "from", "until")
"""``inside``: blocked in the window; ``outside``: blocked everywhere else, so that only the window may
use the edges; ``from``: from the window's first layer on; ``until``: up to its last layer."""


@dataclass(frozen=True)
class Window:
    """A run of layers and where edges are blocked around it.

    Attributes:
        first, last: layers, both included.
        blocked: the layers in which edges are blocked, ascending.
    """

    first: int
    last: int
    blocked: tuple[int, ...]

    @property
    def name(self) -> str:
        """``3`` or ``3-5``."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def windows(layers: int, width: int = 1, stride: int = 1, mode: str = "inside") -> list[Window]:
    """Sliding windows over a decoder.

    Windows begin at 0, stride, 2 stride ...; the last one is moved back so that it ends with the
    decoder. Windows that block nothing (``outside`` of all layers) are left out.

    Args:
        layers: of the decoder.
        width: layers of a window.
        stride: from window to window.
        mode: of :data:`MODES`.

    Raises:
        AttentionError: a width or stride below 1, or a window wider than the decoder.
        UnknownNameError: another mode.
    """
    if mode not in MODES:
        raise UnknownNameError("mode of windows", mode, MODES)
    if width < 1 or stride < 1:
        raise AttentionError(f"Width and stride are at least 1, got {width} and {stride}.")
    if width > layers:
        raise AttentionError(
            f"A window of {width} layers is wider than the decoder, which has {layers} (0 to {layers - 1})."
        )
    firsts = list(range(0, layers - width + 1, stride))
    if firsts[-1] != layers - width:
        firsts.append(layers - width)
    made = [
        Window(first, first + width - 1, _blocked(first, first + width - 1, layers, mode))
        for first in firsts
    ]
    return [window for window in made if window.blocked]


def _blocked(first: int, last: int, layers: int, mode: str) -> tuple[int, ...]:
    inside = range(first, last + 1)
    chosen = {
        "inside": inside,
        "outside": [layer for layer in range(layers) if layer not in inside],
        "from": range(first, layers),
        "until": range(last + 1),
    }[mode]
    return tuple(chosen)
