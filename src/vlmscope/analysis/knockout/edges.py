"""Edge sets by name: who may no longer be read by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vlmscope.attention import EDGE_ROLES
from vlmscope.errors import BadOptionError, UnknownNameError

__all__ = ["VARIANTS", "EdgeSet", "edge_sets", "parse_edges"]

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
