"""What is blocked, and where: edges between roles, inside a window of layers, outside of it, from or
up to a layer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vlmscope.attention import EDGE_ROLES
from vlmscope.errors import AttentionError, BadOptionError, UnknownNameError
from vlmscope.options import check_word

__all__ = [
    "MODES",
    "VARIANTS",
    "EdgeSet",
    "Window",
    "edge_sets",
    "everywhere",
    "given_windows",
    "parse_edges",
    "parse_layers",
    "windows",
]


MODES = ("inside", "outside", "from", "until")
"""``inside``: blocked in the window; ``outside``: blocked everywhere else, so that only the window may
use the edges; ``from``: from the window's first layer on; ``until``: up to its last layer."""

Edges = tuple[tuple[str, str], ...]

_VARIANTS: dict[str, Edges] = {
    "image->generated": (("image", "generated"),),
    "image->query": (("image", "query"),),
    "image->both": (("image", "query"), ("image", "generated")),
    "query->generated": (("query", "generated"),),
    "image<->query": (("image", "query"), ("query", "image")),
    "query->image": (("query", "image"),),
    "image->image": (("image", "image"),),
    "image->last": (("image", "last"),),
}

VARIANTS: Mapping[str, Edges] = MappingProxyType(_VARIANTS)
"""The variants of the paper, and the directions it names beside them. In a causal decoder with the image
in front, ``query->image`` carries nothing; the sweep says so instead of assuming it."""


@dataclass(frozen=True)
class EdgeSet:
    """Edges that are blocked together.

    Attributes:
        name: as it was written, without spaces.
        edges: (source, target) token roles.
    """

    name: str
    edges: Edges


def edge_sets(text: str) -> tuple[EdgeSet, ...]:
    """Edge sets out of a list separated by semicolons; each is swept by itself.

    Raises:
        BadOptionError: no edge, something that is none, or a set that is given twice.
        UnknownNameError: a role that does not exist.
    """
    sets = tuple(EdgeSet("".join(part.split()), parse_edges(part)) for part in text.split(";"))
    names = [each.name for each in sets]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadOptionError(f"The edge set {twice[0]!r} is given twice. Give it once.")
    return sets


def parse_edges(text: str) -> Edges:
    """Edges out of a variant's name or of a list such as ``image->query,system->last``.

    Raises:
        BadOptionError: no edge, or something that is none.
        UnknownNameError: a role that does not exist.
    """
    pairs: list[tuple[str, str]] = []
    for part in (piece.strip() for piece in text.split(",")):
        if not part:
            continue
        pairs += VARIANTS[part] if part in VARIANTS else _one(part)
    if not pairs:
        raise BadOptionError(
            f"No edge is named in {text!r}. Write source->target, for example image->query."
        )
    return tuple(dict.fromkeys(pairs))


def _one(part: str) -> list[tuple[str, str]]:
    both = "<->" in part
    sides = [side.strip() for side in part.split("<->" if both else "->")]
    if len(sides) != 2:
        raise BadOptionError(
            f"An edge is written source->target or one<->other, got {part!r}. "
            f"Variants: {', '.join(VARIANTS)}. In a shell put it in quotes: > redirects the output."
        )
    for side in sides:
        if side not in EDGE_ROLES:
            raise UnknownNameError("token role", side, EDGE_ROLES)
    source, target = sides
    return [(source, target), (target, source)] if both else [(source, target)]


@dataclass(frozen=True)
class Window:
    """Some layers, mostly neighbours, and where edges are blocked around them.

    Attributes:
        first, last: layers, both included.
        blocked: the layers in which edges are blocked, ascending.
        members: the layers themselves where they are no neighbours, ascending.
    """

    first: int
    last: int
    blocked: tuple[int, ...]
    members: tuple[int, ...] = ()

    @property
    def layers(self) -> tuple[int, ...]:
        """The window's own layers, ascending."""
        return self.members or tuple(range(self.first, self.last + 1))

    @property
    def name(self) -> str:
        """``3``, ``3-5`` or ``0-1+5``."""
        layers = self.layers
        cuts = [at for at in range(1, len(layers)) if layers[at] != layers[at - 1] + 1]
        runs = [layers[a:b] for a, b in zip([0, *cuts], [*cuts, len(layers)], strict=True)]
        return "+".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def everywhere(layers: int) -> Window:
    """Every layer blocked: what windows are held against."""
    return Window(0, layers - 1, tuple(range(layers)))


def given_windows(
    layers: int, members: Sequence[Sequence[int]], mode: str = "inside"
) -> list[Window]:
    """Windows of chosen layers.

    Args:
        layers: of the decoder.
        members: the layers of each window.
        mode: of :data:`MODES`.

    Raises:
        AttentionError: no window, an empty one, one beyond the decoder, or one that blocks nothing.
        UnknownNameError: another mode.
    """
    made = [_given(layers, tuple(sorted(set(each))), mode) for each in members]
    if not made:
        raise AttentionError("A sweep needs at least one window of layers, got none.")
    return made


def _given(layers: int, chosen: tuple[int, ...], mode: str) -> Window:
    check_word("mode", mode, MODES)
    wrong = [layer for layer in chosen if not 0 <= layer < layers]
    if wrong or not chosen:
        what = f"layer {wrong[0]} does not exist" if wrong else "a window names no layer"
        raise AttentionError(f"The decoder has layers 0 to {layers - 1}; {what}.")
    blocked = chosen
    if mode == "outside":
        blocked = tuple(layer for layer in range(layers) if layer not in chosen)
    elif mode != "inside":
        blocked = _blocked(chosen[0], chosen[-1], layers, mode)
    if not blocked:
        raise AttentionError(
            f"Outside of layers {chosen[0]} to {chosen[-1]} the decoder has no layer left to block. "
            "Take a narrower window."
        )
    return Window(chosen[0], chosen[-1], blocked, chosen)


def parse_layers(text: str) -> tuple[int, ...]:
    """``"4-7"``, ``"5"`` or ``"0-1+8"`` as layer numbers.

    Raises:
        BadOptionError: anything else.
    """
    layers: set[int] = set()
    for part in text.split("+"):
        match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise BadOptionError(
                f"Windows of layers are written 4-7, 5 or 0-1+8, got {text!r}. Layers count from 0."
            )
        layers.update(range(first, last + 1))
    return tuple(sorted(layers))


def windows(layers: int, width: int = 1, stride: int = 1, mode: str = "inside") -> list[Window]:
    """Sliding windows over a decoder.

    Windows begin at 0, stride, 2 stride ...; the last one is moved back so that it ends with the
    decoder. Windows that block nothing are left out.

    Args:
        layers: of the decoder.
        width: layers of a window.
        stride: from window to window.
        mode: of :data:`MODES`.

    Raises:
        AttentionError: a width or stride below 1, a window wider than the decoder, or none that blocks.
        UnknownNameError: another mode.
    """
    check_word("mode", mode, MODES)
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
    kept = [window for window in made if window.blocked]
    if not kept:
        raise AttentionError(
            f"Outside of {width} layers the decoder, which has {layers}, has none left to block. Take a "
            "narrower window."
        )
    return kept


def _blocked(first: int, last: int, layers: int, mode: str) -> tuple[int, ...]:
    inside = range(first, last + 1)
    chosen = {
        "inside": inside,
        "outside": [layer for layer in range(layers) if layer not in inside],
        "from": range(first, layers),
        "until": range(last + 1),
    }[mode]
    return tuple(chosen)
