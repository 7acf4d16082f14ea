"""Values of a record that was read from a file, checked for their kind.

Each takes the value and the field's name, and raises ValueError with a clause that names both.
"""

from __future__ import annotations

from typing import Any

from vlmscope.stats import Interval

__all__ = ["interval_in", "number_in", "rows_in", "table_in", "texts_in", "whole_in"]

_SHOWN = 40


def number_in(value: Any, name: str, *, optional: bool = False) -> Any:
    """A number; None only where it is optional."""
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, name, "a number")
    return value


def whole_in(value: Any, name: str) -> int:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(value, name, "a whole number of at least 0")
    return value


def interval_in(value: Any, name: str) -> Interval:
    """Three numbers: the value, and the ends of its interval."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise _wrong(value, name, "[value, low, high]")
    return Interval(*(number_in(each, name) for each in value))


def texts_in(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise _wrong(value, name, "a list of texts")
    return tuple(value)


def table_in(value: Any, name: str) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise _wrong(value, name, "an object")
    return value


def rows_in(value: Any, name: str) -> tuple[dict[str, Any], ...]:
    """A list of objects."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, dict) for each in value):
        raise _wrong(value, name, "a list of objects")
    return tuple(value)


def _wrong(value: Any, name: str, kind: str) -> ValueError:
    return ValueError(f"{name} must be {kind}, got {repr(value)[:_SHOWN]}")
