"""What passes between those who label and those who keep: without a model, quick to import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vlmscope.labels.sources import Item

__all__ = ["LabelledImage", "Open", "Row"]

Row = dict[str, Any]
"""Values by the columns of vlmscope.labels.schema."""

Open = Callable[[Item], str | bytes]
"""From an item to the path of its image, or its bytes."""


@dataclass(frozen=True)
class LabelledImage:
    """What came of an image.

    Attributes:
        item: the image.
        rows: at least one.
        failure: class of the error, or None.
    """

    item: Item
    rows: list[Row] = field(repr=False)
    failure: str | None = None
