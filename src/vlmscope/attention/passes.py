"""Passes that bring up the rows of phrases, and where each phrase is in them; none is run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.fitted import FittedImage, kind_of
from vlmscope.attention.prefill import run
from vlmscope.attention.prefix import Pack, SharedPrefix, run_packs
from vlmscope.models import ImageInputs, LoadedModel, Prompt
from vlmscope.models.layout.token_maps import token_map
from vlmscope.models.prompts.encoding import EncodedText
from vlmscope.models.prompts.prompt import PromptRequest
from vlmscope.types import TokenMap

__all__ = [
    "PackedImage",
    "PhrasePass",
    "PhraseSegment",
    "Step",
    "WholePrompt",
    "packed_steps",
    "whole_steps",
]

# the longest prompt of a pass over the shortest: what is filled up is computed for nothing
_STRETCH = 1.15


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
        passes: the images in it.
    """

    forward: Callable[[], object]
    passes: tuple[PhrasePass, ...]


@dataclass(frozen=True, eq=False)
class PackedImage:
    """Phrases that are to be packed behind the prefix of their image.

    Attributes:
        number: which image it is.
        prefix: of the image, filled or not.
        texts: the encoded phrases.
    """

    number: int
    prefix: SharedPrefix
    texts: Sequence[EncodedText]

    def alike(self, other: PackedImage) -> bool:
        """Whether one pass serves both: the same ids behind prefixes that were filled together."""
        pairs = zip(self.texts, other.texts, strict=True)
        return self.prefix.beside(other.prefix) and all(
            np.array_equal(one.ids, two.ids) for one, two in pairs
        )


def packed_steps(images: Sequence[PackedImage], deepest: int) -> Iterator[Step]:
    """Passes over phrases that are packed behind the prefix of their image.

    Args:
        images: of one image, or of several that are alike.
        deepest: last layer that is read.
    """
    prefixes = [each.prefix for each in images]
    for packs in zip(*(each.prefix.packs(each.texts) for each in images), strict=True):
        passes = [
            PhrasePass(pack.token_map, _segments(each, indices, pack), item, each.number)
            for item, (each, (indices, pack)) in enumerate(zip(images, packs, strict=True))
        ]
        run_them = partial(run_packs, prefixes, [pack for _, pack in packs], deepest)
        yield Step(run_them, tuple(passes))


def _segments(image: PackedImage, indices: Sequence[int], pack: Pack) -> tuple[PhraseSegment, ...]:
    prefix = image.prefix
    return tuple(
        PhraseSegment(
            index, *ends, token_map(image.texts[index], [prefix.image], [prefix.image_size])
        )
        for index, ends in zip(indices, pack.segments, strict=True)
    )


@dataclass(frozen=True, eq=False)
class WholePrompt:
    """A phrase that is asked of an image in a prompt of its own.

    Attributes:
        number: which image it is.
        image: the image.
        index: which of its phrases.
        phrase: the phrase.
    """

    number: int
    image: FittedImage
    index: int
    phrase: Prompt


def whole_steps(
    model: LoadedModel,
    asked: Sequence[WholePrompt],
    preset: str,
    placement: str | None,
    deepest: int,
    most: int,
    same_roles: bool,
) -> Iterator[Step]:
    """Passes over whole prompts, those of like length together.

    In families where nothing sees what comes after it, shorter prompts are filled up on the right,
    which changes nothing before; in others prompts of one length go together.

    Args:
        model: the model.
        asked: the prompts.
        preset, placement: as for :func:`vlmscope.prefill`.
        deepest: last layer that is read.
        most: prompts of one pass.
        same_roles: what is read needs prompts whose positions mean the same.
    """
    encoded = [_Encoded.of(model, each, preset, placement) for each in asked]
    exact = same_roles or not model.family.causal_image
    groups: dict[tuple[tuple[int, int], bytes], list[_Encoded]] = {}
    for each in encoded:
        alike = each.text.roles.tobytes() if exact else b""
        key = (kind_of(each.image), alike)
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        for some in _of_like_length(group, most):
            yield _whole_step(model, some, deepest, masked=exact)


@dataclass(frozen=True, eq=False)
class _Encoded:
    """A prompt with its image, tokenised."""

    asked: WholePrompt
    request: PromptRequest
    image: ImageInputs
    text: EncodedText

    @classmethod
    def of(
        cls, model: LoadedModel, asked: WholePrompt, preset: str, placement: str | None
    ) -> _Encoded:
        request = PromptRequest(asked.phrase, 1, preset)
        image = model.see(asked.image.inputs(placement), request)
        return cls(asked, request, image, model.encode_prompt(asked.phrase, [image], preset))


def _of_like_length(prompts: Sequence[_Encoded], most: int) -> Iterator[list[_Encoded]]:
    """Parts of some prompts, the longest of each little longer than the shortest."""
    chosen: list[_Encoded] = []
    for each in sorted(prompts, key=lambda each: len(each.text.ids)):
        if chosen and (
            len(chosen) == most or len(each.text.ids) > _STRETCH * len(chosen[0].text.ids)
        ):
            yield chosen
            chosen = []
        chosen.append(each)
    if chosen:
        yield chosen


def _whole_step(
    model: LoadedModel, prompts: Sequence[_Encoded], deepest: int, masked: bool
) -> Step:
    encoded = model.joined(
        [each.text for each in prompts],
        [[each.image] for each in prompts],
        [[each.asked.image.size] for each in prompts],
        [each.request for each in prompts],
        masked=masked,
    )
    passes = []
    for item, (each, tokens) in enumerate(zip(prompts, encoded.token_maps, strict=True)):
        own = token_map(
            each.text, [each.image], [each.asked.image.size], crossed=model.family.crossed
        )
        segment = PhraseSegment(each.asked.index, 0, len(tokens), own)
        passes.append(PhrasePass(tokens, (segment,), item, each.asked.number))
    return Step(partial(run, model, encoded, stop_after=deepest), tuple(passes))
