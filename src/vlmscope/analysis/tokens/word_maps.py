"""Maps of an answer's words from one pass: all that is needed to see where each of them looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.tokens.measure import AnswerReading, TokenOptions
from vlmscope.analysis.tokens.words import Word, merge_words
from vlmscope.attention.forced import answer_ids
from vlmscope.errors import BadPhraseError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import TokenMap

__all__ = ["MapsOfWords", "WordMaps", "read_words"]


class MapsOfWords(Protocol):
    """Whatever knows the maps of its words."""

    @property
    def token_map(self) -> TokenMap:
        """Of prompt and answer, on cells."""
        ...

    def map_of(
        self, words: int | Sequence[int], layers: tuple[int, int] | None = None
    ) -> NDArray[np.float64]:
        """Float (tokens,): the mean map of words over a range of layers, both ends included."""
        ...


@dataclass(frozen=True, eq=False)
class WordMaps:
    """An answer that is fed in.

    Attributes:
        text: the answer as the model's tokenizer reads it back.
        words: in order, punctuation left out.
        maps: float32 (words, layers, tokens): attention of a word's rows to the image tokens, mean
            over its rows and all heads; NaN in layers that have no attention rows.
        token_map: of prompt and answer, on cells.
    """

    text: str
    words: tuple[Word, ...]
    maps: NDArray[np.float32] = field(repr=False)
    token_map: TokenMap = field(repr=False)

    def map_of(
        self, words: int | Sequence[int], layers: tuple[int, int] | None = None
    ) -> NDArray[np.float64]:
        """See :class:`MapsOfWords`; all layers unless said otherwise."""
        first, last = (0, self.maps.shape[1] - 1) if layers is None else layers
        chosen = [words] if isinstance(words, int) else list(words)
        maps = self.maps[chosen, first : last + 1]
        held = maps[:, ~np.isnan(maps).all(axis=(0, 2))]
        values: NDArray[np.float64] = held.mean(axis=(0, 1), dtype=np.float64)
        return values


def read_words(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: str,
    answer: str,
    options: TokenOptions,
) -> WordMaps:
    """One pass over prompt and answer.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: what is asked.
        answer: what is taken as the answer.
        options: its own layers are not read.

    Raises:
        BadPhraseError: an answer without a token, or without a word.
    """
    question = Prompt.of(prompt)
    ids = answer_ids(model, question, answer, 1, options.preset)
    text, words = merge_words(ids.tolist(), model.processor.tokenizer)
    if not words:
        raise BadPhraseError(f"The answer {text!r} holds no word to look at. Give another one.")
    seen = AnswerReading(model, question, ids, options, None).read(pixels)
    maps = np.stack([seen.maps[:, list(word.tokens)].mean(axis=1) for word in words])
    return WordMaps(text, tuple(words), maps, seen.token_map)
