"""What methods share that make one map of a decoder's attention: from the map to a Grounding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import MeanMaps, MeanReading
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.reads import ReadingMethod, Reads
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post import image_cautions, locate
from vlmscope.results import Grounding

__all__ = ["AttentionMethod", "PhraseMap"]


@dataclass(frozen=True, eq=False)
class PhraseMap:
    """A method's map of one phrase, not smoothed yet.

    Attributes:
        weights: float64 (tokens,), what is located.
        score: from a mask, bool (height, width), to the score of the phrase.
        read: what it was made of.
        details: what the method adds to the record, JSON values.
        warnings: sentences to read before trusting it.
    """

    weights: NDArray[np.float64]
    score: Callable[[NDArray[np.bool_]], float]
    read: MeanMaps
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class AttentionMethod(ReadingMethod):
    """A method that makes one map per phrase out of a decoder's attention.

    Attributes:
        id: explicit and unique.
        summary: one line.
        options: its options, a frozen dataclass derived from ``PostOptions``.
        takes: everything but heads: it reads all of them.
        scored: what the score is, in one sentence.
    """

    id: str
    summary: str
    options: type[Any]
    takes: frozenset[str] = frozenset({"placement", "prompt", "rows"})
    scored: str

    @abstractmethod
    def readings(
        self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest
    ) -> tuple[MeanReading, ...]:
        """What is read of an image.

        Raises:
            BadOptionError: a layer that the model does not have.
        """

    @abstractmethod
    def maps(self, read: Sequence[list[MeanMaps]], options: Any) -> list[PhraseMap]:
        """The map of each phrase, from what was read for each of :meth:`readings`."""

    def accepts(self, model: Any) -> bool:
        """Any model with a decoder that reads image tokens."""
        return hasattr(type(model), "decoder_shape")

    def reads(self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest) -> Reads:
        """What is read for these phrases. Raises as :meth:`readings`."""

        def located(
            pixels: NDArray[np.uint8],
            read: Sequence[list[MeanMaps]],
            limits: Sequence[float | None] | None = None,
            /,
        ) -> list[Grounding]:
            maps = self.maps(read, request.options)
            return [
                self._located(model, pixels, *each, request.options)
                for each in zip(phrases, maps, limits or [None] * len(phrases), strict=True)
            ]

        return Reads(self.readings(model, phrases, request), located)

    def _located(
        self,
        model: LoadedModel,
        pixels: NDArray[np.uint8],
        phrase: Prompt,
        phrase_map: PhraseMap,
        limit: float | None,
        options: Any,
    ) -> Grounding:
        token_map = phrase_map.read.token_map
        located = locate(token_map, phrase_map.weights, options, limit)
        start, end = phrase.span
        return Grounding.of(
            located,
            phrase=phrase.text[start:end],
            method=self.id,
            model=model.id,
            image=pixels,
            score=phrase_map.score(located.mask),
            details={
                **phrase_map.read.reading.record,
                **phrase_map.details,
                "row_tokens": list(phrase_map.read.row_tokens),
                "prompt": phrase_map.read.preset,
                "placement": token_map.placement,
                "revision": model.revision,
                "options": asdict(options),
                "score": self.scored,
                **located.record,
            },
            warnings=phrase_map.warnings + image_cautions(token_map),
        )
