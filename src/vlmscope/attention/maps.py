"""Maps of attention on the image: of many heads, or averaged, for many phrases on one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.fitted import FittedImage
from vlmscope.attention.head_maps import HeadMaps, HeadReading
from vlmscope.attention.mean_maps import MeanMaps, MeanReading, Reading
from vlmscope.attention.prefix import SharedPrefix
from vlmscope.attention.together import read_images, read_together
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import Head

__all__ = ["image_layers", "read_heads", "read_heads_of_images", "read_means"]


def read_heads(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    *,
    rows: str | int | Sequence[int] = "last_text",
    heads: Sequence[tuple[int, int]] | None = None,
    first_layer: int = 0,
    preset: str | None = None,
    placement: str | None = None,
    prefix: SharedPrefix | None = None,
) -> list[HeadMaps]:
    """Read heads for every phrase on one image, computing nothing above the deepest of them.

    In causal families the image is encoded once for all phrases; others run phrase by phrase.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        rows: the read-out row, as for :func:`vlmscope.capture`.
        heads: (layer, head) pairs; None: all heads from ``first_layer`` on.
        first_layer: layers below it are computed but not read.
        preset, placement: as for :func:`vlmscope.prefill`.
        prefix: as for :func:`phrase_passes`.

    Returns:
        One :class:`HeadMaps` per phrase, in order.
    """
    chosen = _wanted(model, heads, first_layer)
    prompts = tuple(Prompt.of(phrase) for phrase in phrases)
    reading = HeadReading(prompts, chosen, rows, preset, placement)
    [read] = read_together(model, pixels, [reading], prefix)
    return read


def read_heads_of_images(
    model: LoadedModel,
    images: Sequence[NDArray[np.uint8] | FittedImage],
    phrases: Sequence[Sequence[str | Prompt]],
    *,
    rows: str | int | Sequence[int] = "last_text",
    heads: Sequence[tuple[int, int]] | None = None,
    first_layer: int = 0,
    preset: str | None = None,
    placement: str | None = None,
) -> list[list[HeadMaps]]:
    """As :func:`read_heads` of several images, those of like token count side by side.

    Args:
        model: the model.
        images: uint8 (height, width, 3) each, or fitted already.
        phrases: of each image.
        rows, heads, first_layer, preset, placement: as there.
    """
    chosen = _wanted(model, heads, first_layer)
    readings = [
        [HeadReading(tuple(map(Prompt.of, each)), chosen, rows, preset, placement)]
        for each in phrases
    ]
    return [read for [read] in read_images(model, images, readings)]


def read_means(
    model: LoadedModel, pixels: NDArray[np.uint8], phrases: Sequence[Prompt], reading: Reading
) -> list[MeanMaps]:
    """Read every phrase on one image; nothing above the last layer asked for is computed.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        reading: rows and layers.

    Raises:
        AttentionError: rows of an answer where there is none.
    """
    [read] = read_together(model, pixels, [MeanReading(tuple(phrases), reading)])
    return read


def image_layers(model: LoadedModel) -> tuple[int, ...]:
    """Layers whose rows can look at the image, ascending: all that have rows, or the crossed ones."""
    if model.family.crossed:
        return tuple(sorted(model.family.cross_layers(model.hf)))
    return model.row_layers


def _wanted(
    model: LoadedModel, heads: Sequence[tuple[int, int]] | None, first_layer: int
) -> tuple[Head, ...]:
    if heads is not None:
        return tuple(Head(int(layer), int(head)) for layer, head in heads)
    layers = [layer for layer in model.row_layers if layer >= first_layer]
    return tuple(Head(layer, head) for layer in layers for head in range(model.decoder_shape[1]))
