"""Passes that bring up the rows of phrases, and where each phrase is in them; none is run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.prefill import run
from vlmscope.attention.prefix import SharedPrefix
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.decoders.model import token_map
from vlmscope.models.prompts.encoding import EncodedText
from vlmscope.types import TokenMap

__all__ = ["PhrasePass", "PhraseSegment", "Step", "packed_steps", "whole_steps"]


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
    """One image in a forward pass.

    Attributes:
        sequence: roles and texts of the positions that are run over.
        segments: the phrases in it.
        item: which of the batch it is.
        image: which image it is of, from 0.
    """

    sequence: TokenMap
    segments: tuple[PhraseSegment, ...]
    item: int = 0
    image: int = 0

    def words(self, positions: NDArray[np.int64]) -> tuple[str, ...]:
        """The texts of these positions."""
        return tuple(self.sequence.tokens[int(position)] for position in positions)


@dataclass(frozen=True, eq=False)
class Step:
    """One forward pass.

    Attributes:
        forward: runs it, under whatever contexts are open.
        passes: the images in it; their prompts are the same.
    """

    forward: Callable[[], object]
    passes: tuple[PhrasePass, ...]


def packed_steps(
    prefix: SharedPrefix, texts: Sequence[EncodedText], deepest: int, image: int = 0
) -> Iterator[Step]:
    """Passes over phrases that are packed behind the prefix of their image.

    Args:
        prefix: of the image, filled or not.
        texts: the encoded phrases.
        deepest: last layer that is read.
        image: which image it is.
    """
    for indices, pack in prefix.packs(texts):
        segments = tuple(
            PhraseSegment(
                index, *ends, token_map(texts[index], [prefix.image], [prefix.image_size])
            )
            for index, ends in zip(indices, pack.segments, strict=True)
        )
        each = PhrasePass(pack.token_map, segments, image=image)
        yield Step(partial(prefix.run, pack, deepest), (each,))


def whole_steps(
    model: LoadedModel,
    images: Sequence[tuple[int, NDArray[np.uint8]]],
    phrases: Sequence[Prompt],
    preset: str,
    placement: str | None,
    deepest: int,
) -> Iterator[Step]:
    """Passes over whole prompts, one phrase after the other, images of like token count together.

    Args:
        model: the model.
        images: the number and the pixels of each, uint8 (height, width, 3).
        phrases: what is asked of all of them.
        preset, placement: as for :func:`vlmscope.prefill`.
        deepest: last layer that is read.
    """
    for index, phrase in enumerate(phrases):
        yield from _of_one_phrase(model, images, index, phrase, preset, placement, deepest)


def _of_one_phrase(
    model: LoadedModel,
    images: Sequence[tuple[int, NDArray[np.uint8]]],
    index: int,
    phrase: Prompt,
    preset: str,
    placement: str | None,
    deepest: int,
) -> Iterator[Step]:
    encoded = model.encode(
        [pixels for _, pixels in images], [phrase] * len(images), preset=preset, placement=placement
    )
    groups: dict[bytes, list[tuple[int, NDArray[np.uint8]]]] = {}
    for image, tokens in zip(images, encoded.token_maps, strict=True):
        groups.setdefault(tokens.roles.tobytes(), []).append(image)
    if len(groups) > 1:  # some are padded
        for group in groups.values():
            yield from _of_one_phrase(model, group, index, phrase, preset, placement, deepest)
        return
    passes = []
    for item, ((number, _), tokens) in enumerate(zip(images, encoded.token_maps, strict=True)):
        segment = PhraseSegment(index, 0, len(tokens), tokens)
        passes.append(PhrasePass(tokens, (segment,), item, number))
    yield Step(partial(run, model, encoded, stop_after=deepest), tuple(passes))
