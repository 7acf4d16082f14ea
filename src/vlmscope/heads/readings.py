"""Reading that needs more of a picture than one phrase: a distractor beside it, or a written box.

Contrastive: the same picture is read for another phrase, and what counts of a head is how far its map
moves. Coordinates: the model is asked for the phrase's box, and what is read are the rows that predict
its coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps, capture, read_heads
from vlmscope.attention.box_questions import BoxQuestion
from vlmscope.attention.head_maps import captured
from vlmscope.data.samples import Sample
from vlmscope.errors import AttentionError, BadPhraseError
from vlmscope.models import LoadedModel

__all__ = [
    "ALONE",
    "ContrastedMaps",
    "ReadGroup",
    "coordinate_reading",
    "read_contrasted",
    "read_phrases",
    "read_with_distractors",
]

ReadGroup = Callable[
    [LoadedModel, NDArray[np.uint8], dict[str, Sample], dict[str, Any]],
    dict[str, "HeadMaps | str"],
]
"""Of a model, a picture, its samples by digest and keywords of ``read_heads``: maps, or why not."""

ALONE = (
    "There is no distractor: its picture has no other phrase. The contrastive criterion needs two or "
    "more phrases of each picture, one row after the other."
)
"""Why a phrase cannot be contrasted."""


@dataclass(frozen=True, eq=False)
class ContrastedMaps(HeadMaps):
    """Maps of a phrase, with how far they lie from those of other phrases of the same picture.

    Attributes:
        moved: float64 (heads,), 0..1: half the sum of absolute differences over image tokens, mean
            over distractors. Attention itself, not its share: a head that hardly looks hardly moves.
    """

    moved: NDArray[np.float64]


def read_phrases(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    samples: dict[str, Sample],
    reading: dict[str, Any],
) -> dict[str, HeadMaps | str]:
    """Maps of all samples of a picture, in one pass if every phrase is fit for the model."""
    phrases = [sample.phrase for sample in samples.values()]
    try:
        maps = read_heads(model, pixels, phrases, **reading)
    except BadPhraseError as error:
        if len(samples) == 1:
            return dict.fromkeys(samples, str(error))
        read: dict[str, HeadMaps | str] = {}
        for digest, sample in samples.items():  # one of them is to blame: one by one
            read.update(read_phrases(model, pixels, {digest: sample}, reading))
        return read
    return dict(zip(samples, maps, strict=True))


def read_contrasted(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    samples: dict[str, Sample],
    reading: dict[str, Any],
) -> dict[str, HeadMaps | str]:
    """Maps of all phrases of a picture, each held against the others."""
    if len(samples) < 2:
        return dict.fromkeys(samples, ALONE)
    read = read_with_distractors(model, pixels, samples, reading)
    return {
        digest: maps if isinstance(maps, str | ContrastedMaps) else ALONE
        for digest, maps in read.items()
    }


def read_with_distractors(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    samples: dict[str, Sample],
    reading: dict[str, Any],
) -> dict[str, HeadMaps | str]:
    """The same, with plain maps of a phrase that has no other beside it."""
    read = read_phrases(model, pixels, samples, reading)
    fit = {digest: maps for digest, maps in read.items() if isinstance(maps, HeadMaps)}
    rows = {digest: maps.one_row() for digest, maps in fit.items()}
    for digest, maps in fit.items() if len(fit) > 1 else ():
        others = [rows[other] for other in rows if other != digest]
        read[digest] = _contrasted(maps, rows[digest], others)
    return read


def _contrasted(
    maps: HeadMaps, own: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
) -> ContrastedMaps:
    moved = np.mean([np.abs(own - other).sum(axis=-1) / 2 for other in others], axis=0)
    return ContrastedMaps(
        maps.heads, maps.maps, maps.token_map, maps.preset, maps.row_tokens, moved
    )


def coordinate_reading(model: LoadedModel, first_layer: int, preset: str | None) -> ReadGroup:
    """Asks for the box of every phrase and reads the rows that predict its coordinates.

    Raises:
        UnsupportedError: a family that has no documented way of writing boxes.
    """
    asking = BoxQuestion.of(model, preset=preset)
    layers = [layer for layer in model.row_layers if layer >= first_layer]
    heads = [(layer, head) for layer in layers for head in range(model.decoder_shape[1])]

    def read(
        _: LoadedModel,
        pixels: NDArray[np.uint8],
        samples: dict[str, Sample],
        reading: dict[str, Any],
    ) -> dict[str, HeadMaps | str]:
        maps: dict[str, HeadMaps | str] = {}
        for digest, sample in samples.items():
            try:
                with capture(model, rows="box", heads=heads) as trace:
                    asking.generate(pixels, asking.prompt(sample.phrase))
                maps[digest] = captured(trace, heads, asking.preset)
            except (AttentionError, BadPhraseError) as error:
                maps[digest] = f"Asked for a box, the model wrote none. {error}"
        return maps

    return read
