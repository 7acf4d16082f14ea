"""What each knock-out of a sweep blocks, and on which side the last prompt position counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmscope.attention.knockout import Edge, Knockout, Place
from vlmscope.models import LoadedModel
from vlmscope.types import TokenMap

__all__ = ["LAST_ROWS", "KnockoutSpec", "knockouts_of", "last_prompt_row", "with_last_row"]

LAST_ROWS = ("query", "generated")
"""What the last prompt position counts as. Its row predicts the first generated token, and comes out
of the prefill: published code counts it to the query, so knock-outs of generated rows pass it by."""

_PROMPT_ROLES = ("query", "phrase", "text")

SpecPlace = str | tuple[int, ...]
"""One side of an edge; unlike a list, it can be told apart by its value."""


@dataclass(frozen=True)
class KnockoutSpec:
    """One knock-out of a sweep.

    A row always goes on reading its own position: ``("image", "image")`` parts image tokens from each
    other, and no row ever loses all its keys.

    Attributes:
        edges: (source, target), token roles or tuples of positions, as for :func:`vlmscope.knockout`.
        layers: where edges are blocked, ascending.
        heads: which heads lose them; None: all.
    """

    edges: tuple[tuple[SpecPlace, SpecPlace], ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...] | None = None


def knockouts_of(
    model: LoadedModel, specs: Sequence[KnockoutSpec], token_map: TokenMap, last_row: str
) -> list[Knockout]:
    """One knock-out, acting in all layers, per spec: the same object for the same edges and heads."""
    made: dict[object, Knockout] = {}
    for spec in specs:
        key = spec.edges, spec.heads
        if key not in made:
            edges = with_last_row(spec.edges, token_map, last_row)
            made[key] = Knockout(model, edges, None, spec.heads, keep_own=True)
    return [made[spec.edges, spec.heads] for spec in specs]


def with_last_row(
    edges: Sequence[tuple[SpecPlace, SpecPlace]], token_map: TokenMap, last_row: str
) -> list[Edge]:
    """Edges with the last prompt position on the side that is wanted.

    Args:
        edges: (source, target) roles or positions; positions stay where they are.
        token_map: of the prompt.
        last_row: of :data:`LAST_ROWS`. ``"generated"`` moves it there as a row and as a key: to a row
            that generates, its own position is no part of the question.
    """
    if last_row == "query":
        return list(edges)
    return [
        (one, other)
        for source, target in edges
        for one in _places(source, token_map)
        for other in _places(target, token_map)
    ]


def _places(role: SpecPlace, token_map: TokenMap) -> list[Place]:
    if role == "generated":
        return ["generated", "last"]
    if role in _PROMPT_ROLES:
        last = last_prompt_row(token_map)
        return [[int(each) for each in token_map.positions(role) if each != last]]
    return [role]


def last_prompt_row(token_map: TokenMap) -> int:
    """The position whose row predicts the first generated token."""
    return int(token_map.positions("text")[-1])
