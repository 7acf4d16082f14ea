"""Rows of an image become what is exported, counted and audited."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vlmscope.errors import OutputError
from vlmscope.export.formats import LabelledImage, LabelledObject

__all__ = ["failed", "image_of_rows", "is_object", "object_of_row"]


def failed(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an image could not be labelled, by its rows."""
    return any(row["error"] is not None for row in rows)


def is_object(row: Mapping[str, Any], least_score: float | None = None) -> bool:
    """Whether a row is of an object that lights up strongly enough.

    Args:
        row: with ``box`` and ``score``.
        least_score: None: any.
    """
    if row["box"] is None:
        return False
    return least_score is None or (row["score"] is not None and row["score"] >= least_score)


def image_of_rows(
    name: str, rows: Sequence[Mapping[str, Any]], least_score: float | None = None
) -> LabelledImage:
    """An image that was labelled.

    Args:
        name: its id.
        rows: all of them.
        least_score: objects below it are left out.

    Raises:
        OutputError: a row that says no size.
    """
    first = rows[0]
    if first["width"] is None or first["height"] is None:
        raise OutputError(
            f"The rows of the image {name!r} say no width and height. They were not written by "
            "vlmscope label: label the image again."
        )
    return LabelledImage(
        id=name,
        width=first["width"],
        height=first["height"],
        objects=tuple(object_of_row(row) for row in rows if is_object(row, least_score)),
        model=first["model"],
        method=first["method"],
    )


def object_of_row(row: Mapping[str, Any]) -> LabelledObject:
    """The object of a row with a box."""
    x0, y0, x1, y1 = row["box"]
    point = row["point"]
    return LabelledObject(
        phrase=row["phrase"],
        instance=row["instance"] or 0,
        box=(x0, y0, x1, y1),
        score=_number(row["score"]),
        presence=_number(row["presence"]),
        point=None if point is None else (point[0], point[1]),
        mask=row["mask"],
        warnings=tuple(row["warnings"]),
    )


def _number(value: float | None) -> float | None:
    """A number that can be written; NaN is none."""
    return value if value is not None and math.isfinite(value) else None
