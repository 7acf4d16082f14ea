"""Ranges of layers: which can be read, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import image_layers
from vlmscope.attention.selection import check_layers
from vlmscope.errors import AttentionError, BadOptionError
from vlmscope.models import LoadedModel

__all__ = ["Span", "check_looking", "layer_ranges", "mean_over_layers", "shown_range"]

Span = tuple[int, int]
"""(first, last) layer, both included."""


def layer_ranges(ranges: Sequence[Span] | None, model: LoadedModel) -> tuple[Span, ...]:
    """Ranges of a decoder's layers, checked; None: its quarters, those that can look at the image.

    Raises:
        AttentionError: a layer that the decoder does not have, or a range in which no layer looks at
            the image.
        BadOptionError: a range whose last layer comes before its first, or no range.
    """
    count = len(model.layers)
    if ranges is None:
        quarters = np.array_split(np.arange(count), min(4, count))
        spans = [(int(each[0]), int(each[-1])) for each in quarters]
        return tuple(span for span in spans if _looks(model, span))
    for first, last in ranges:
        check_layers([first, last], count)
        if first > last:
            raise BadOptionError(f"A range of layers begins with its first, got {first}-{last}.")
        check_looking(model, (first, last))
    if not ranges:
        raise BadOptionError("No range of layers is given. Name some, or None for quarters.")
    return tuple((int(first), int(last)) for first, last in ranges)


def check_looking(model: LoadedModel, span: Span) -> None:
    """Refuse a range whose maps would all be zeros.

    Raises:
        AttentionError: none of its layers can look at the image.
    """
    if not _looks(model, span):
        layers = ", ".join(map(str, image_layers(model)))
        raise AttentionError(
            f"No layer of {shown_range(span)} looks at the image: in {model.id} only {layers} do. Name "
            "a range that holds one of them."
        )


def mean_over_layers(values: NDArray[Any]) -> float:
    """The mean of float (layers,); NaN stands where a layer has no attention rows, and is left out."""
    return float(values[~np.isnan(values)].mean())


def shown_range(layers: Span) -> str:
    """A range of layers as it is written: ``3``, or ``4-7``."""
    first, last = layers
    return str(first) if first == last else f"{first}-{last}"


def _looks(model: LoadedModel, span: Span) -> bool:
    return any(span[0] <= layer <= span[1] for layer in image_layers(model))
