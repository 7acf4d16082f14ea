"""Values from a file of a stranger: that lists and dictionaries end, and do not unfold without end.

A pickle may name a value that it has made before. So a list may hold itself, and forty short lists,
each of which names the one before it twice, stand for a million million values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vlmscope.errors import BadSampleError

__all__ = ["check_finite_tree"]

_DEEPEST = 100
_LARGEST = 1_000_000_000  # values, each counted as often as it is named

_Measure = tuple[int, int]
"""How many values a container stands for, and how deep it is."""


def check_finite_tree(value: Any) -> None:
    """Refuse lists and dictionaries that hold themselves, are nested too deep, or stand for too many.

    Raises:
        BadSampleError: says which.
    """
    measures: dict[
        int, _Measure | None
    ] = {}  # id of a container -> None while it is looked through
    stack: list[tuple[Any, Iterator[Any]]] = []

    def enter(container: Any) -> None:
        measures[id(container)] = None
        stack.append((container, _containers(container)))

    if _is_container(value):
        enter(value)
    while stack:
        container, waiting = stack[-1]
        inner = next(waiting, None)
        if inner is None:
            measures[id(container)] = _measure(container, measures)
            stack.pop()
        elif id(inner) not in measures:
            enter(inner)
        elif measures[id(inner)] is None:
            raise BadSampleError("It holds a list or dictionary that holds itself.")


def _measure(container: Any, measures: dict[int, _Measure | None]) -> _Measure:
    size, depth = len(container), 0
    for inner in _containers(container):
        known = measures[id(inner)]
        if known is not None:
            size, depth = size + known[0], max(depth, known[1])
    if depth + 1 > _DEEPEST:
        raise BadSampleError(f"It is nested more than {_DEEPEST} deep.")
    if size > _LARGEST:
        raise BadSampleError(
            f"Lists in it name others again and again, so that they stand for more than {_LARGEST:,} "
            "values."
        )
    return size, depth + 1


def _is_container(value: Any) -> bool:
    return isinstance(value, list | dict)


def _containers(container: Any) -> Iterator[Any]:
    values = container.values() if isinstance(container, dict) else container
    return filter(_is_container, values)  # keys are text or numbers: no others can be keys
