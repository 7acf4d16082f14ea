"""The forward passes that several phrases on one image need: one for all of a pack, or one each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.prefill import run
from vlmscope.attention.prefix import shared_prefix
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.decoders.model import token_map
from vlmscope.types import TokenMap

__all__ = ["PhrasePass", "PhraseSegment", "phrase_passes"]


@dataclass(frozen=True, eq=False)
class PhraseSegment:
    """Where one phrase is in a pass.

    Attributes:
        index: which phrase, from 0.
        start, end: positions of the sequence that are its own.
        token_map: of the phrase's own prompt, as if it had been run alone.
    """

    index: int
    start: int
    end: int
    token_map: TokenMap

    def among(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which positions of the sequence are the phrase's own."""
        inside: NDArray[np.bool_] = (positions >= self.start) & (positions < self.end)
        return inside


@dataclass(frozen=True, eq=False)
class PhrasePass:
    """One forward pass, not run yet.

    Attributes:
        forward: runs it, under whatever contexts are open.
        sequence: roles and texts of the positions that it runs over.
        segments: the phrases in it.
    """

    forward: Callable[[], object]
    sequence: TokenMap
    segments: tuple[PhraseSegment, ...]


def phrase_passes(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    *,
    rows: str | int | Sequence[int],
    preset: str | None,
    placement: str | None,
    deepest: int,
) -> Iterator[PhrasePass]:
    """The passes that bring up the rows of every phrase; nothing above ``deepest`` is computed.

    Where the image comes before the text it is run once and the phrases are packed behind it, unless
    there is one alone, or ``rows`` are numbered, which count within one prompt.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        phrases: what is asked.
        rows: the read-out row, as for :func:`vlmscope.capture`.
        preset, placement: as for :func:`vlmscope.prefill`.
        deepest: last layer that is read.
    """
    if model.family.causal_image and isinstance(rows, str) and len(phrases) > 1:
        yield from _packed(model, pixels, phrases, preset, placement, deepest)
        return
    for index, phrase in enumerate(phrases):
        encoded = model.encode([pixels], [phrase], preset=preset, placement=placement)
        tokens = encoded.token_maps[0]
        segment = PhraseSegment(index, 0, len(tokens), tokens)
        yield PhrasePass(partial(run, model, encoded, stop_after=deepest), tokens, (segment,))


def _packed(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    phrases: Sequence[str | Prompt],
    preset: str | None,
    placement: str | None,
    deepest: int,
) -> Iterator[PhrasePass]:
    prefix = shared_prefix(model, pixels, preset=preset, placement=placement, stop_after=deepest)
    texts = prefix.encode(phrases)
    for indices, pack in prefix.packs(texts):
        segments = tuple(
            PhraseSegment(
                index, *ends, token_map(texts[index], [prefix.image], [prefix.image_size])
            )
            for index, ends in zip(indices, pack.segments, strict=True)
        )
        yield PhrasePass(partial(prefix.run, pack), pack.token_map, segments)
